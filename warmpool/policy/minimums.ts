/**
 * What functions get of their minimums (`minWorkers`) where the pool has fewer places than they ask for together: pure
 * decisions over plain numbers. Each is guaranteed the same, up to its own minimum, so that every function can have a
 * worker; what is left over is warmed for the first of them, and goes to whoever is called.
 */

/** What one more process is expected to need, before it has been measured. */
export const WORKER_BYTES = 48 * 1024 * 1024

export interface Budget {
  readonly maxWorkers: number
  readonly memoryBytes: number
}

/** What there is already. */
export interface Spent {
  readonly processes: number
  readonly memoryBytes: number
}

/** How many workers the budget has room for: those that there are, and as many of their size as still fit. */
export function placesIn(budget: Budget, { processes, memoryBytes }: Spent): number {
  const eachBytes = Math.max(WORKER_BYTES, processes === 0 ? 0 : memoryBytes / processes)
  const byMemory = processes + Math.floor((budget.memoryBytes - memoryBytes) / eachBytes)
  return Math.max(1, Math.min(budget.maxWorkers, byMemory))
}

/** One function's part. */
export interface Part {
  /** Workers that nobody takes from it. */
  readonly guaranteed: number
  /** Workers that are started for it without a call. At least what is guaranteed. */
  readonly warmed: number
}

/** `wanted`: the minimum of each function, in the order in which they came. */
export function shareMinimums(wanted: readonly number[], places: number): Part[] {
  // A function without a minimum needs one place that is nobody's, or it never gets a worker.
  const shared = places - (wanted.includes(0) ? 1 : 0)
  if (sum(wanted) <= shared) return wanted.map((count) => ({ guaranteed: count, warmed: count }))
  let level = 0
  while (sum(wanted.map((count) => Math.min(count, level + 1))) <= shared) level++
  let left = Math.max(0, shared - sum(wanted.map((count) => Math.min(count, level))))
  return wanted.map((count) => {
    const guaranteed = Math.min(count, level)
    const extra = count > level && left > 0 ? 1 : 0
    left -= extra
    return { guaranteed, warmed: guaranteed + extra }
  })
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
