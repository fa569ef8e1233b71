/** `wrangler-free serve`: the gateway, until a signal. */
import type { Command } from 'commander'
import { addGatewayOptions } from './gateway-options.ts'
import type { RunFlags } from './run-gateway.ts'

export function addServeCommand(program: Command): void {
  const command = program.command('serve').description('serve the functions of a folder over HTTP')
  addGatewayOptions(command).action(async (flags: RunFlags) => {
    const { runGateway } = await import('./run-gateway.ts')
    await runGateway(flags, {}, async () => async () => {})
  })
}
