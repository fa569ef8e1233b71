/** The options of every command that talks to the admin address of a gateway, here or elsewhere. */
import { type Command, Option } from 'commander'
import type { AdminAddress } from './admin-client.ts'

export interface ToOptions {
  readonly to?: string
  readonly token?: string
  readonly config?: string
  readonly state?: string
}

export function withAddress(command: Command): Command {
  return command
    .addOption(
      new Option('--to <url>', 'admin address of the gateway, where it is not the one here').env(
        'WRANGLER_FREE_ADMIN_URL',
      ),
    )
    .addOption(new Option('--token <token>', 'its token, or one that it has made').env('WRANGLER_FREE_ADMIN_TOKEN'))
    .option('-c, --config <FILE>', 'configuration file, which says where the state folder is')
    .option('--state <DIR>', 'the state folder (.wrangler-free), in which the address and the token are found')
}

export async function addressOf({ to, ...options }: ToOptions): Promise<AdminAddress> {
  const [{ findAdmin }, { parseAddress }] = await Promise.all([import('./find-gateway.ts'), import('./addresses.ts')])
  // In the words of this option.
  if (to !== undefined) parseAddress(to, '--to')
  return findAdmin({ ...options, ...(to === undefined ? {} : { admin: to }) })
}
