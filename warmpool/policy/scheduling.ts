/** Which worker takes an invocation, and how many workers a function should start: pure decisions over plain numbers. */

/** What an invocation found when it came. */
export type StartKind = 'warm' | 'blank' | 'cold'

export interface Candidate {
  readonly inFlight: number
  /** It should go as soon as its replacement is warm. */
  readonly isExpiring: boolean
}

/**
 * The least busy worker with a free slot; among equals the first, so that what is not needed idles and can be retired.
 * One that is about to be replaced is taken only when there is no other. Returns -1 when every slot is taken.
 */
export function chooseWorker(workers: readonly Candidate[], concurrency: number): number {
  let best = -1
  let bestLoad = Number.POSITIVE_INFINITY
  for (let at = 0; at < workers.length; at++) {
    const { inFlight, isExpiring } = workers[at]!
    if (inFlight >= concurrency) continue
    const load = isExpiring ? inFlight + concurrency : inFlight
    if (load < bestLoad) {
      best = at
      bestLoad = load
    }
  }
  return best
}

/** A warm worker, at least a blank that had only to be loaded, or nothing that had booted. */
export function startKind(
  admittedAtMs: number,
  worker: { readonly bootedAtMs: number; readonly loadedAtMs: number },
): StartKind {
  if (admittedAtMs >= worker.loadedAtMs) return 'warm'
  return admittedAtMs >= worker.bootedAtMs ? 'blank' : 'cold'
}

export interface Demand {
  readonly waiting: number
  readonly loading: number
  /** Workers that take work, expiring ones included. */
  readonly serving: number
  readonly expiring: number
  /** Of the expiring: those that serve with an environment that is no longer the function's. */
  readonly outdated: number
  /** One-shot workers that are running their call. */
  readonly running: number
  /** One-shot workers that have taken their call lately, running or not, and have no successor yet. */
  readonly spent: number
  readonly minWorkers: number
  readonly maxWorkers: number
  readonly concurrency: number
}

export interface Wanted {
  /** Somebody is waiting for these, or for what they would do otherwise than those there are. */
  readonly now: number
  /** Nobody is waiting yet: the minimum, and successors, which are warm before the next call comes or the old ones go. */
  readonly soon: number
}

/** As many workers as the waiting invocations fill, not one for each of them; replacements may exceed the maximum. */
export function workersWanted(demand: Demand): Wanted {
  const { waiting, loading, serving, expiring, outdated, running, spent, minWorkers, maxWorkers, concurrency } = demand
  const live = loading + serving
  const room = Math.max(0, maxWorkers + expiring - live - running)
  const now = Math.min(room, Math.max(0, Math.max(Math.ceil(waiting / concurrency), outdated) - loading))
  const forMinimum = minWorkers - live
  const forSuccessors = expiring + spent - loading
  const soon = Math.min(room - now, Math.max(0, Math.max(forMinimum, forSuccessors) - now))
  return { now, soon }
}
