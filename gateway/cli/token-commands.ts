/** `wrangler-free tokens` and `audit`: their arguments. */
import { type Command, Option } from 'commander'
import { addressOf, type ToOptions, withAddress } from './gateway-address.ts'

interface Options extends ToOptions {
  readonly json?: boolean
}

interface CreateOptions extends Options {
  readonly scope: string
  readonly functions?: string
}

export function addTokenCommands(program: Command): void {
  const tokens = program.command('tokens').description('make, list and revoke tokens for the admin address')
  withAddress(tokens.command('create').description('make a token; it is shown this once'))
    .argument('<name>', 'what it is called, in the audit log too')
    .addOption(new Option('--scope <scope>', 'what it may').choices(['read', 'deploy', 'admin']).default('deploy'))
    .option('--functions <names>', 'only for these functions, as shop,hello')
    .option('--json', 'print it as JSON')
    .action(async (name: string, options: CreateOptions) => {
      const [{ createToken }, address] = await Promise.all([import('./tokens.ts'), addressOf(options)])
      const functions = options.functions?.split(',').map((one) => one.trim()) ?? null
      await createToken(address, { name, scope: options.scope, functions }, formOf(options))
    })
  withAddress(tokens.command('list').description('list the tokens there are'))
    .option('--json', 'print them as JSON')
    .action(async (options: Options) => {
      const [{ listTokens }, address] = await Promise.all([import('./tokens.ts'), addressOf(options)])
      await listTokens(address, formOf(options))
    })
  withAddress(tokens.command('revoke').description('end a token, at once'))
    .argument('<token>', 'its id or name')
    .action(async (token: string, options: Options) => {
      const [{ revokeToken }, address] = await Promise.all([import('./tokens.ts'), addressOf(options)])
      await revokeToken(address, token)
    })
  withAddress(program.command('audit').description('show who changed what'))
    .option('--limit <count>', 'how many', '30')
    .option('--json', 'print them as JSON, the newest first')
    .action(async (options: Options & { readonly limit: string }) => {
      const [{ showAudit }, address] = await Promise.all([import('./tokens.ts'), addressOf(options)])
      await showAudit(address, options.limit, formOf(options))
    })
}

function formOf({ json }: Options): 'json' | 'text' {
  return json ? 'json' : 'text'
}
