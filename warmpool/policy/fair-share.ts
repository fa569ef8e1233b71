/**
 * Who gets the next process, who may take another's place in a full pool, and how much of the processors: everybody its minimum, and what is beyond
 * that shared evenly among those that ask for it (max-min fairness). All of it speaks of a function's surplus: how many
 * workers it has, or is getting, beyond its minimum; below 0 it is owed some. One that has none at all comes first.
 */

/** The surplus of a function without a worker. */
export const NOTHING = Number.NEGATIVE_INFINITY
/** Of one that asks for no other's place. */
export const NO_CLAIM = Number.POSITIVE_INFINITY

/** An idle worker that was used within this time is still asked for: its function counts as one that shares. */
const RECENT_MS = 1_000
/** The same for its last: what a flood gains by one more is less than what the next call loses. */
const RECENT_LAST_MS = 10_000

/** A function that wants so many more. */
export interface Claimant {
  readonly workers: number
  readonly minWorkers: number
  readonly wants: number
}

export function surplusOf({ workers, minWorkers }: Pick<Claimant, 'workers' | 'minWorkers'>): number {
  return workers === 0 ? NOTHING : workers - minWorkers
}

/** Which of those that want one gets the next process; the first among equals. -1: there is none. */
export function poorest(surpluses: readonly number[]): number {
  let chosen = -1
  let least = Number.POSITIVE_INFINITY
  for (let at = 0; at < surpluses.length; at++) {
    if (surpluses[at]! >= least) continue
    chosen = at
    least = surpluses[at]!
  }
  return chosen
}

/** The surplus of the one that wants the next process when so many are on their way to the poorest already. */
export function nextClaim(claimants: readonly Claimant[], coming: number): number {
  const workers = claimants.map((claimant) => claimant.workers)
  for (let given = 0; ; given++) {
    const claims = claimants.map(({ workers: before, minWorkers, wants }, at) =>
      workers[at]! - before < wants ? surplusOf({ workers: workers[at]!, minWorkers }) : NO_CLAIM,
    )
    const at = poorest(claims)
    if (at < 0) return NO_CLAIM
    if (given === coming) return claims[at]!
    workers[at]!++
  }
}

/**
 * Whether a busy worker of a function with so much must make place for one with so little. Only where that makes them
 * more alike: otherwise two functions would take each other's places for ever.
 */
export function mayTakeBusy(claim: number, surplus: number): boolean {
  return surplus > 0 && (claim < 0 || claim + 2 <= surplus)
}

/** Whether an idle worker must. A flood does not get the last worker of one that is called every now and then. */
export function mayTakeIdle(claim: number, surplus: number, idleMs: number): boolean {
  if (surplus <= 0) return false
  return claim < surplus || idleMs >= (surplus === 1 ? RECENT_LAST_MS : RECENT_MS)
}

/**
 * The weight of each worker where so many of a function are at work: together they weigh what the function does, so that
 * many of them get no more of the processors than one does.
 */
export function weightOfEach(weight: number, busy: number): number {
  return Math.max(1, Math.round(weight / Math.max(1, busy)))
}
