/**
 * Who goes when the machine's budget is used up. Keeping warm is caching: what a warm worker is worth is how often it
 * is asked for, times what its next start would cost, over the memory it holds (FaasCache, ASPLOS 2021); how long ago
 * it was last used discounts it.
 */

export interface Evictable {
  /** Invocations over its life. */
  readonly invocations: number
  readonly ageMs: number
  readonly idleMs: number
  /** The price of the next start: the shortest of its function's latest loads, which the machine's load did not lengthen. */
  readonly loadMs: number
  readonly rssBytes: number
}

/** Keeps a start that took no measurable time from being worth nothing. */
const START_FLOOR_MS = 5

const LOADS_KEPT = 8

/** What a function's next start costs, by its latest loads. */
export class LoadTimes {
  #latestMs: number[] = []

  add(loadMs: number): void {
    this.#latestMs = [...this.#latestMs, loadMs].slice(-LOADS_KEPT)
  }

  get usualMs(): number {
    return this.#latestMs.length === 0 ? 0 : Math.min(...this.#latestMs)
  }
}

export function worthOf(worker: Evictable): number {
  const callsPerMs = (worker.invocations + 1) / (worker.ageMs + 1)
  const cost = worker.loadMs + START_FLOOR_MS
  return (callsPerMs * cost) / ((worker.rssBytes + 1) * (worker.idleMs + 1))
}

/** The least valuable of them, or -1 when there is none. */
export function chooseVictim(candidates: readonly Evictable[]): number {
  let victim = -1
  let lowest = Number.POSITIVE_INFINITY
  for (let at = 0; at < candidates.length; at++) {
    const worth = worthOf(candidates[at]!)
    if (worth < lowest) {
      victim = at
      lowest = worth
    }
  }
  return victim
}
