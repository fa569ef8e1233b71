/** wrk, as Debian packages it, without a script: one fixed GET. */
import type { LoadOptions, LoadReport } from './load.ts'
import { pinLoad } from './pinning.ts'
import { runCommand } from './run-command.ts'

export async function wrk(url: string, { connections, seconds }: LoadOptions): Promise<LoadReport> {
  const words = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '30s', '--latency', url]
  const [file, ...args] = [...pinLoad, 'wrk', ...words]
  return parseWrk(await runCommand([file!, ...args]))
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
