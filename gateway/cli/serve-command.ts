/** `wrangler-free serve`: the gateway, until a signal. With `--watch` it follows the folder. */
import type { Command } from 'commander'
import { addGatewayOptions } from './gateway-options.ts'
import type { RunFlags } from './run-gateway.ts'

export function addServeCommand(program: Command): void {
  const command = program.command('serve').description('serve the functions of a folder over HTTP')
  addGatewayOptions(command)
    .option('--watch', 'swap a function when its folder changes; what does not work leaves the one before')
    .action(async ({ watch, ...flags }: RunFlags & { readonly watch?: boolean }) => {
      const [{ runGateway }, { followDeliveries }] = await Promise.all([import('./run-gateway.ts'), import('./dev.ts')])
      // Workers have it; a function's own variables say otherwise.
      process.env.NODE_ENV = 'production'
      await runGateway(flags, {}, watch ? followDeliveries : async () => async () => {})
    })
}
