/**
 * A load that leaves the machine room: wrk on a few connections, each of which pauses before its next request, so that
 * what is seen is how long answers take and not how many fit. Without a pause it is the ordinary load, and so it is
 * where autocannon stands in, which cannot pause.
 */
import { fileURLToPath } from 'node:url'
import { hasWrk, type LoadOptions, type LoadReport, load } from './load.ts'
import { pinLoad } from './pinning.ts'
import { runCommand } from './run-command.ts'
import { parseWrk } from './wrk.ts'

const SCRIPT = fileURLToPath(new URL('pause.lua', import.meta.url))

export async function calmLoad(url: string, pauseMs: number, options: LoadOptions): Promise<LoadReport> {
  if (!hasWrk || pauseMs === 0) return load(url, options)
  const { connections, seconds } = options
  const words = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--latency', '-s', SCRIPT, url]
  const [file, ...args] = [...pinLoad, 'wrk', ...words, '--', String(pauseMs)]
  return parseWrk(await runCommand([file!, ...args]))
}
