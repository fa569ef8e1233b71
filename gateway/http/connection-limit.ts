/**
 * How many connections the gateway takes: as many as leave it the descriptors that workers need. Without that, callers
 * who only connect would keep every function from being started.
 */
import { readFileSync } from 'node:fs'

/** Pipes, journal, shared memory: what a worker takes of the gateway's descriptors. */
const OF_A_WORKER = 6
/** Bundles being read and written, the log, looks into /proc, the admin address, callers being turned away. */
const OF_THE_GATEWAY = 160

/**
 * `openFiles`: how many descriptors this process may have; null: not known. `others`: what else it takes. Half of few are
 * still for callers.
 */
export function connectionLimit(openFiles: number | null, maxWorkers: number, others: number): number {
  if (openFiles === null) return Number.POSITIVE_INFINITY
  const left = openFiles - OF_THE_GATEWAY - OF_A_WORKER * maxWorkers - others
  return Math.max(left, Math.floor(openFiles / 2))
}

/** Read anew: an operator may change it while it runs (`prlimit`). */
export function openFilesLimit(): number | null {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
    return soft === undefined ? null : Number(soft)
  } catch {
    return null
  }
}
