/** `wrangler-free dev`: the gateway that swaps a function when its source changes and prints one line a call. */
import type { Command } from 'commander'
import { addGatewayOptions } from './gateway-options.ts'
import type { RunFlags } from './run-gateway.ts'

export function addDevCommand(program: Command): void {
  const command = program
    .command('dev')
    .description('the same, rebuilt when a source changes, with a line for each call')
  addGatewayOptions(command).action(async (flags: RunFlags) => {
    const [{ runGateway }, { followSources, printCall, printRefused }] = await Promise.all([
      import('./run-gateway.ts'),
      import('./dev.ts'),
    ])
    // Workers have it; a function's own variables say otherwise.
    process.env.NODE_ENV = 'development'
    await runGateway(flags, { onExchange: printCall, onRefused: printRefused }, (running) => followSources(running))
  })
}
