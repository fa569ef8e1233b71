/**
 * When a program that only waits for lines is ready. Nothing in its contract says so: it is ready when it sleeps in a
 * read of its stdin, which Linux tells; where that cannot be seen (another system, a runtime that waits in another way),
 * when it has lived for a moment, in which what fails at once has failed.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_EVERY_MS = 3
const LIVED_MS = 250
/** The number of the system call `read`. */
const READ: Readonly<Record<string, number>> = { x64: 0, arm64: 63 }

export async function whenReadingStdin(pid: number, signal: AbortSignal): Promise<void> {
  const reading = `${READ[process.arch] ?? -1} 0x0 `
  const startedAtMs = performance.now()
  while (performance.now() - startedAtMs < LIVED_MS) {
    if (systemCallOf(pid).startsWith(reading)) return
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
}

/** The number of the system call in which it sleeps, and the arguments. */
function systemCallOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/syscall`, 'latin1')
  } catch {
    return ''
  }
}
