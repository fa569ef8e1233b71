/**
 * Processes that workers have started, made to stand still while they are looked at. Hundreds of them that compute leave this
 * process a hundredth of the processors: a look that takes ten milliseconds then takes a second, and the tree grows on.
 */
import { childrenOf } from './process-table.ts'
import { adoptedHere } from './strays.ts'

/** New ones may have come from what was stopped a moment too late. */
const MOST_ROUNDS = 8

/** Stops all that these have started, from the top, and orphans. Returns whom it stopped. */
export function holdStill(workers: readonly number[]): ReadonlySet<number> {
  const stopped = new Set<number>()
  for (let round = 0, before = -1; round < MOST_ROUNDS && before !== stopped.size; round++) {
    before = stopped.size
    // Orphans are the many of a tree that hides its descent: all at once, before anything is asked of one.
    const orphans = adoptedHere().filter((pid) => stop(pid, stopped))
    for (const pid of [...orphans, ...workers]) for (const child of childrenOf(pid) ?? []) holdTree(child, stopped)
  }
  return stopped
}

/** Those that have been killed meanwhile stay it. */
export function letGo(stopped: ReadonlySet<number>): void {
  for (const pid of stopped) signal(pid, 'SIGCONT')
}

/** A process that stands has no new children: each is stopped before its own are asked for. */
function holdTree(pid: number, stopped: Set<number>): void {
  if (stop(pid, stopped)) for (const child of childrenOf(pid) ?? []) holdTree(child, stopped)
}

/** False: it stands already, is gone, or is not ours. */
function stop(pid: number, stopped: Set<number>): boolean {
  if (stopped.has(pid) || !signal(pid, 'SIGSTOP')) return false
  stopped.add(pid)
  return true
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}
