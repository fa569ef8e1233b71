/** `wrangler-free status`: its arguments. What it does is loaded only when it runs. */
import { type Command, Option } from 'commander'
import type { AdminOptions } from './find-gateway.ts'

interface StatusOptions extends AdminOptions {
  readonly json?: boolean
  readonly watch?: boolean
}

export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .description('show what a running gateway and its functions do')
    .option('-c, --config <FILE>', 'configuration file, which says where the state folder is')
    .option('--state <DIR>', 'the state folder (.wrangler-free), in which the address and the token are found')
    .addOption(new Option('--admin <url>', 'admin address of another gateway').env('WRANGLER_FREE_ADMIN_URL'))
    .addOption(new Option('--token <token>', 'its token').env('WRANGLER_FREE_ADMIN_TOKEN'))
    .option('--json', 'print the status as JSON (with --watch: a line each second)')
    .option('--watch', 'draw it anew each second until Ctrl-C')
    .addHelpText(
      'after',
      `
Columns: warm, blank and cold count what calls found (a warm worker, a blank that had to load the function,
nothing); recycled counts ended workers by reason. A narrow terminal leaves out the least useful ones.

Exit codes: 0 done, 2 wrong arguments, 69 nothing answers, 77 token missing or wrong.

Examples:
  wrangler-free status
  wrangler-free status --watch
  wrangler-free status --json | jq '.functions[] | {name, errors}'
  WRANGLER_FREE_ADMIN_TOKEN=… wrangler-free status --admin http://10.0.0.5:8788`,
    )
    .action(async ({ json, watch, ...options }: StatusOptions) => {
      const [{ findAdmin }, { showStatus, watchStatus }] = await Promise.all([
        import('./find-gateway.ts'),
        import('./show-status.ts'),
      ])
      const address = await findAdmin(options)
      const show = watch ? watchStatus : showStatus
      await show(address, json ? 'json' : 'table')
    })
}
