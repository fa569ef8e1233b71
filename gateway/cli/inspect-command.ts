/** `wrangler-free inspect`: its arguments. What it does is loaded only when it runs. */
import type { Command } from 'commander'

interface InspectOptions {
  readonly config?: string
  readonly json?: boolean
}

export function addInspectCommand(program: Command): void {
  program
    .command('inspect')
    .description('say what a function folder is taken for, why, and how it would be run')
    .argument('<path>', 'folder or file of one function')
    .option('-c, --config <FILE>', 'configuration file (wrangler-free.config.ts, .mts, .js, .mjs or .json here)')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      `
It builds the function and loads it once, as the gateway would, and calls it never.

Exit codes: 0 it can be served, 1 it cannot, 2 wrong arguments.

Examples:
  wrangler-free inspect functions/hello
  wrangler-free inspect functions/hello --json | jq .format`,
    )
    .action(async (path: string, { config, json }: InspectOptions) => {
      const { runInspect } = await import('./inspect.ts')
      process.exitCode = await runInspect(path, config, json === true ? 'json' : 'text')
    })
}
