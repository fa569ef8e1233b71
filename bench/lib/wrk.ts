/** wrk, as Debian packages it: one fixed request, a GET without a script or the POST that one describes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoadOptions, LoadReport, Post } from './load.ts'
import { pinLoad } from './pinning.ts'
import { runCommand } from './run-command.ts'

export async function wrk(url: string, { post, ...options }: LoadOptions): Promise<LoadReport> {
  if (post === undefined) return runWrk(url, options, [])
  const folder = mkdtempSync(join(tmpdir(), 'wrangler-free-bench-'))
  try {
    const script = join(folder, 'post.lua')
    writeFileSync(script, postScript(post))
    return await runWrk(url, options, ['-s', script])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function runWrk(
  url: string,
  { connections, seconds, isClosing }: LoadOptions,
  script: string[],
): Promise<LoadReport> {
  const words = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '30s', '--latency']
  const [file, ...args] = [
    ...pinLoad,
    'wrk',
    ...words,
    ...(isClosing ? ['-H', 'Connection: close'] : []),
    ...script,
    url,
  ]
  return parseWrk(await runCommand([file!, ...args]))
}

/** wrk makes one request of these and repeats it; the length it adds itself. */
function postScript({ bodyFile, contentType }: Post): string {
  return `local file = assert(io.open(${JSON.stringify(bodyFile)}, 'rb'))
wrk.method = 'POST'
wrk.body = file:read('*a')
wrk.headers['content-type'] = ${JSON.stringify(contentType)}
file:close()
`
}

/** Reads what `wrk --latency` prints. */
export function parseWrk(output: string): LoadReport {
  const number = (pattern: RegExp): number => Number(output.match(pattern)?.[1] ?? 0)
  const requests = number(/(\d+) requests in/)
  if (requests === 0) throw new Error(`wrk got no answer at all:\n${output}`)
  const sockets = output.match(/Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/)
  return {
    requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/),
    requests,
    p50Ms: latencyMs(output, 50),
    p99Ms: latencyMs(output, 99),
    badStatuses: number(/Non-2xx or 3xx responses: (\d+)/),
    errors: sockets === null ? 0 : sockets.slice(1).reduce((all, count) => all + Number(count), 0),
  }
}

const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 }

function latencyMs(output: string, percent: number): number {
  const [, value, unit] = output.match(new RegExp(`^\\s+${percent}%\\s+([\\d.]+)(us|ms|s|m)$`, 'm')) ?? []
  return Number(value) * UNIT_MS[unit ?? 'ms']!
}
