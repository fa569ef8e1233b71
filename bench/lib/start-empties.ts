/**
 * A program: starts the bare runtime with an empty script again and again, so many at a time, and prints how often that
 * went in a second. A process of its own, because starting stands its starter still, the longer the larger that is.
 * Its words: the empty script, how many at a time, for how many seconds.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { treeCpuMs } from './cpu.ts'

/** What this program prints as JSON. */
export interface EmptyStarts {
  readonly startsPerSecond: number
  /** CPU of this program and of everything it started, for each start. */
  readonly cpuMsPerStart: number
  /** From the start of one to its end, while the others run beside it; each of them. */
  readonly tookMs: readonly number[]
}

const [emptyFile, atATime, seconds] = process.argv.slice(2)
const cpuBeforeMs = treeCpuMs(process.pid)
const startedAtMs = performance.now()
const overAtMs = startedAtMs + Number(seconds) * 1000
const tookMs: number[] = []
let inTime = 0

async function lane(): Promise<void> {
  for (;;) {
    const startMs = performance.now()
    if (startMs >= overAtMs) return
    const [code] = await once(spawn(process.execPath, [emptyFile!], { stdio: 'ignore' }), 'exit')
    if (code !== 0) throw new Error(`node ${emptyFile} ended with ${code}`)
    const endMs = performance.now()
    tookMs.push(endMs - startMs)
    if (endMs <= overAtMs) inTime++
  }
}

await Promise.all(Array.from({ length: Number(atATime) }, lane))
const result: EmptyStarts = {
  startsPerSecond: inTime / Number(seconds),
  cpuMsPerStart: (treeCpuMs(process.pid) - cpuBeforeMs) / tookMs.length,
  tookMs,
}
process.stdout.write(JSON.stringify(result))
