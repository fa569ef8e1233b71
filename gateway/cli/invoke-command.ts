/** `wrangler-free invoke`: its arguments, read into one request. What sends it is loaded only when it runs. */
import { type Command, Option } from 'commander'
import type { InvokeRequest } from './invoke.ts'

const DEFAULT_URL = 'http://127.0.0.1:8787'

interface InvokeOptions {
  readonly url: string
  readonly method?: string
  readonly header?: readonly string[]
  readonly data?: string
  readonly file?: string
  readonly path: string
  readonly include?: boolean
}

export function addInvokeCommand(program: Command): void {
  program
    .command('invoke')
    .description('call a function of a running gateway and print what it answers')
    .argument('<name>', 'the function')
    .argument('[body]', 'the request body, or - to read it from stdin')
    .addOption(new Option('--url <url>', 'public address of the gateway').default(DEFAULT_URL).env('WRANGLER_FREE_URL'))
    .option('-X, --method <method>', 'request method (default: GET, with a body POST)')
    .option('-H, --header <line>', 'request header such as "accept: text/html"; may be repeated', collect)
    .option('-d, --data <body>', 'the request body, or - to read it from stdin')
    .option('--file <path>', 'send the content of this file as the body')
    .option('--path <path>', 'path below the function, with a query if wanted: /users/7?full=1', '/')
    .option('-i, --include', 'print the response headers too, to stderr')
    .addHelpText(
      'after',
      `
The body goes to stdout as it comes; status, timing and headers go to stderr. A body given as an argument is sent
as application/json when it is JSON, else as text/plain; -H "content-type: …" says otherwise.

Exit codes: 0 answered with 2xx or 3xx, 22 answered with 4xx or 5xx (its body is printed all the same),
2 wrong arguments, 69 nothing answers, 74 the answer broke off.

Examples:
  wrangler-free invoke hello
  wrangler-free invoke sha512 '{"text":"abc"}'
  wrangler-free invoke thumbnail --file photo.jpg --path '/?width=200' > small.jpg
  cat notes.md | wrangler-free invoke markdown -`,
    )
    .action(async (name: string, body: string | undefined, options: InvokeOptions) => {
      const [{ parseAddress }, { invoke }] = await Promise.all([import('./addresses.ts'), import('./invoke.ts')])
      const address = parseAddress(options.url, '--url')
      const request = await readRequest(address, name, body, options)
      await invoke(request, { include: options.include === true })
    })
}

async function readRequest(
  address: URL,
  name: string,
  argument: string | undefined,
  options: InvokeOptions,
): Promise<InvokeRequest> {
  const { functionUrl, parseHeader, readBody } = await import('./invoke-request.ts')
  const url = functionUrl(address, name, options.path)
  const headers = (options.header ?? []).map(parseHeader)
  const body = await readBody({ argument, data: options.data, file: options.file })
  return { url, method: options.method?.toUpperCase() ?? (body.kind === 'none' ? 'GET' : 'POST'), headers, body }
}

function collect(line: string, before: readonly string[] = []): string[] {
  return [...before, line]
}
