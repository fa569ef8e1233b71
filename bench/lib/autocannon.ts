/** autocannon from npm, in a process of its own. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { LoadOptions, LoadReport } from './load.ts'
import { pinLoad } from './pinning.ts'
import { runCommand } from './run-command.ts'

const COMMAND = fileURLToPath(new URL('../node_modules/autocannon/autocannon.js', import.meta.url))

interface AutocannonReport {
  readonly duration: number
  readonly errors: number
  readonly timeouts: number
  readonly non2xx: number
  readonly '3xx': number
  readonly requests: { readonly total: number }
  readonly latency: { readonly p50: number; readonly p99: number }
}

export async function autocannon(url: string, { connections, seconds, post }: LoadOptions): Promise<LoadReport> {
  if (!existsSync(COMMAND)) {
    throw new Error(
      'There is no load generator: install wrk (apt install wrk), or run npm ci in bench/ for autocannon.',
    )
  }
  const words = ['-c', String(connections), '-d', String(seconds), '--timeout', '30', '--json', '--no-progress']
  if (post !== undefined) words.push('-m', 'POST', '-i', post.bodyFile, '-H', `content-type=${post.contentType}`)
  const [file, ...args] = [...pinLoad, process.execPath, COMMAND, ...words, url]
  const report = JSON.parse(await runCommand([file!, ...args])) as AutocannonReport
  if (report.requests.total === 0) throw new Error(`autocannon got no answer at all from ${url}`)
  return {
    requestsPerSecond: report.requests.total / report.duration,
    requests: report.requests.total,
    p50Ms: report.latency.p50,
    p99Ms: report.latency.p99,
    badStatuses: report.non2xx - report['3xx'],
    errors: report.errors + report.timeouts,
  }
}
