/**
 * A load that leaves the machine room: wrk on a few connections, each of which pauses before its next request, so that
 * what is seen is how long answers take and not how many fit. Without a pause it is the ordinary load, and so it is
 * where autocannon stands in, which cannot pause.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasWrk, type LoadOptions, type LoadReport, load } from './load.ts'
import { pinLoad } from './pinning.ts'
import { runCommand } from './run-command.ts'
import { parseWrk } from './wrk.ts'

export async function calmLoad(url: string, pauseMs: number, options: LoadOptions): Promise<LoadReport> {
  if (!hasWrk || pauseMs === 0) return load(url, options)
  const { connections, seconds } = options
  const folder = mkdtempSync(join(tmpdir(), 'wrangler-free-bench-'))
  try {
    const script = join(folder, 'pause.lua')
    // wrk does not count this time as latency.
    writeFileSync(script, `function delay() return ${pauseMs} end\n`)
    const words = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--latency', '-s', script, url]
    const [file, ...args] = [...pinLoad, 'wrk', ...words]
    return parseWrk(await runCommand([file!, ...args]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
