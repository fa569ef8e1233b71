/** `wrangler-free check`: its arguments. What it does is loaded only when it runs. */
import { readFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError } from 'commander'
import type { CheckRequest } from '../functions/check-call.ts'
import { CommandError, EXIT } from './exit-codes.ts'

interface CheckOptions {
  readonly config?: string
  readonly calls: number
  readonly path: readonly string[]
  readonly method?: string
  readonly header: readonly (readonly [string, string])[]
  readonly data?: string
  readonly json?: boolean
}

const LEAST_CALLS = 4

export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .description('call a function many times in one worker, and say what its calls leave behind')
    .argument('<function>', 'name of a function, or folder or file of one')
    .option('-c, --config <FILE>', 'configuration file (wrangler-free.config.ts, .mts, .js, .mjs or .json here)')
    .option('-n, --calls <N>', `calls in one worker, at least ${LEAST_CALLS}`, parseCalls, 100)
    .option('-p, --path <PATH>', 'path to call, with its query; may be given several times', collect, [])
    .option('-X, --method <METHOD>', 'method (default: GET, or POST with --data)')
    .option(
      '-H, --header <LINE>',
      "header such as 'content-type: application/json'; may be given several times",
      header,
      [],
    )
    .option('-d, --data <TEXT>', 'body; @FILE reads it from a file')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      `
The calls are real: what they do outside of their process is done. Looked for are globals, changed built-in objects,
variables, current folder, listeners on process, timers and other handles, descriptors, child processes, growing
memory, and answers that depend on earlier calls.

Exit codes: 0 nothing was found, 1 something was or it could not be checked, 2 wrong arguments.

Examples:
  wrangler-free check hello
  wrangler-free check functions/shop --path /cart --path /cart?add=1 --calls 1000
  wrangler-free check sha512 --data @README.md --json`,
    )
    .action(async (target: string, options: CheckOptions) => {
      const { runCheck } = await import('./check.ts')
      const { config: configFile, calls, json } = options
      const requests = await requestsOf(options)
      const least = LEAST_CALLS * requests.length
      if (calls < least)
        throw new CommandError(EXIT.usage, `With ${requests.length} paths, --calls is at least ${least}.`)
      process.exitCode = await runCheck({ target, configFile, requests, calls, form: json === true ? 'json' : 'text' })
    })
}

async function requestsOf({ path, method, header: headers, data }: CheckOptions): Promise<CheckRequest[]> {
  const body = data === undefined ? null : await bodyOf(data)
  const paths = path.length === 0 ? ['/'] : path
  return paths.map((one) => ({ method: method ?? (body === null ? 'GET' : 'POST'), path: one, headers, body }))
}

async function bodyOf(data: string): Promise<Uint8Array> {
  return data.startsWith('@') ? readFile(data.slice(1)) : Buffer.from(data)
}

function parseCalls(text: string): number {
  const calls = Number(text)
  if (Number.isSafeInteger(calls) && calls >= LEAST_CALLS) return calls
  throw new InvalidArgumentError(`It has to be a whole number from ${LEAST_CALLS}.`)
}

function collect(path: string, before: readonly string[]): string[] {
  if (/^\/[\x21-\x7e]*$/.test(path)) return [...before, path]
  throw new InvalidArgumentError('It has to begin with / and have neither spaces nor letters beyond ASCII.')
}

function header(line: string, before: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*)$/.exec(line) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError("It has to look like 'name: value'.")
  return [...before, [name, value]]
}
