/**
 * When a program that only waits for lines is ready. Nothing in its contract says so: it is ready when it sleeps in a
 * read of its stdin, which Linux tells; where that cannot be seen (another system, a runtime that waits in another way),
 * when it has rested for a moment. One that computes is still starting, and on a busy machine that takes as long as it takes.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_EVERY_MS = 3
const RESTED_MS = 250
/** One that computes for so long does it for good. */
const STARTED_MS = 5_000
const RUNNING = 'running'
/** The number of the system call `read`. */
const READ: Readonly<Record<string, number>> = { x64: 0, arm64: 63 }

export async function whenReadingStdin(pid: number, signal: AbortSignal): Promise<void> {
  const reading = `${READ[process.arch] ?? -1} 0x0 `
  const startedAtMs = performance.now()
  let restsSinceMs = startedAtMs
  for (let nowMs = startedAtMs; nowMs - startedAtMs < STARTED_MS; nowMs = performance.now()) {
    const call = systemCallOf(pid)
    if (call.startsWith(reading)) return
    if (call.startsWith(RUNNING)) restsSinceMs = nowMs
    if (nowMs - restsSinceMs >= RESTED_MS) return
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
}

/** The number of the system call in which it sleeps, and the arguments; `running` where it does not. */
function systemCallOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/syscall`, 'latin1')
  } catch {
    return ''
  }
}
