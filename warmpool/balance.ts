/**
 * Brings what is towards what should be: retires what has expired, gives blanks to the functions that want workers, has
 * started what is missing, and tells those for whom that is hopeless. Events only ask for it. It runs once a turn, from
 * whatever state it finds, and looks only at functions that something may have changed for; running it again without an
 * event changes nothing.
 */
import { InvocationFailure } from './failure.ts'
import type { FunctionPool } from './function-pool.ts'
import { MissingByKind } from './missing.ts'
import { poorest, surplusOf } from './policy/fair-share.ts'
import type { ProcessSupply } from './process-supply.ts'
import { clock } from './running-clock.ts'
import type { Worker } from './worker.ts'

export class Balance {
  /** How many wait until everything is warm: then nothing is paced. */
  warmUps = 0
  readonly #supply: ProcessSupply
  readonly #onBalanced: (isAwaited: boolean) => void
  readonly #shareMinimums: () => void
  /** The functions to look at: until each has all that it wants. */
  readonly #functions = new Set<FunctionPool>()
  #isRequested = false
  /** Minimums, or the places for them, may have changed. */
  #isShareDue = true
  #state: 'open' | 'closing' | 'closed' = 'open'

  /** `shareMinimums` is called before a run that it concerns; `onBalanced` is told whether somebody still waits for a process. */
  constructor(supply: ProcessSupply, shareMinimums: () => void, onBalanced: (isAwaited: boolean) => void) {
    this.#supply = supply
    this.#shareMinimums = shareMinimums
    this.#onBalanced = onBalanced
  }

  /** Something changed that concerns everybody. */
  request(): void {
    if (this.#isRequested || this.#state === 'closed') return
    this.#isRequested = true
    setImmediate(() => {
      this.#isRequested = false
      if (this.#state !== 'closed') this.run(clock.now())
    })
  }

  /** Something changed for this function. */
  requestFor(pool: FunctionPool): void {
    this.#functions.add(pool)
    this.request()
  }

  /** The next run looks at it, whenever that is. */
  include(pool: FunctionPool): void {
    this.#functions.add(pool)
  }

  forget(pool: FunctionPool): void {
    this.#functions.delete(pool)
  }

  /** From now on nothing is started that nobody waits for. */
  startClosing(): void {
    this.#state = 'closing'
  }

  close(): void {
    this.#state = 'closed'
  }

  /** The next run shares the places out to the minimums anew. */
  shareAnew(): void {
    this.#isShareDue = true
  }

  run(nowMs: number): void {
    if (this.#isShareDue) this.#shareMinimums()
    this.#isShareDue = false
    const missing = new MissingByKind()
    for (const pool of this.#functions) pool.retireExpired(nowMs)
    this.#shareOut(nowMs)
    for (const pool of this.#functions) this.#provide(pool, missing, nowMs)
    const { awaited } = missing
    if (this.#state !== 'open') missing.dropSoon()
    if (this.#state === 'open' || awaited.length > 0) this.#supply.start(missing, nowMs)
    const areTold = awaited.map((kind) => this.#tellIfHopeless(kind, nowMs))
    this.#onBalanced(areTold.includes(false))
  }

  /** Where several functions wait for workers or are owed some, blanks go one by one to whoever has the least. */
  #shareOut(nowMs: number): void {
    const claimants = [...this.#functions].filter((pool) => pool.demand.claim(nowMs).wants > 0)
    if (claimants.length < 2 || claimants.every((pool) => pool.demand.wanted(nowMs).now === 0)) return
    while (claimants.length > 0) {
      const at = poorest(claimants.map((pool) => surplusOf(pool.demand.claim(nowMs))))
      const pool = claimants[at]!
      const worker = this.#supply.take(pool.kind.key, pool, nowMs)
      if (worker !== null) pool.adopt(worker, nowMs)
      if (worker === null || pool.demand.claim(nowMs).wants <= 0) claimants.splice(at, 1)
    }
  }

  /** Gives a function the blanks that it needs, and notes what is missing then. */
  #provide(pool: FunctionPool, missing: MissingByKind, nowMs: number): void {
    const kind = pool.kind.key
    const wanted = pool.demand.wanted(nowMs)
    const isAwaited = this.warmUps > 0
    const take = (): Worker | null => this.#supply.take(kind, pool, nowMs)
    const takeSpare = (): Worker | null => this.#supply.takeSpare(kind, pool.isOneShot, nowMs)
    const now = give(pool, wanted.now, take, nowMs)
    const soon = give(pool, wanted.soon, isAwaited ? take : takeSpare, nowMs)
    if (now + soon === 0) {
      this.#functions.delete(pool)
      return
    }
    const claimant = pool.demand.claim(nowMs)
    if (isAwaited) missing.add(kind, { now: now + soon, soon: 0, warming: soon }, claimant)
    else missing.add(kind, { now, soon }, claimant)
  }

  #tellIfHopeless(kind: string, nowMs: number): boolean {
    const why = this.#supply.hopelessBecause(kind)
    if (why === null) return false
    const details = { retryAfterMs: this.#supply.pausedMs(kind, nowMs) }
    const failure = new InvocationFailure('boot-failed', `No worker process can be started: ${why}`, details)
    for (const pool of this.#functions) if (pool.kind.key === kind) pool.calls.failWaiting(failure)
    return true
  }
}

/** Gives processes to a function; returns how many were missing. */
function give(pool: FunctionPool, count: number, take: () => Worker | null, nowMs: number): number {
  for (let given = 0; given < count; given++) {
    const worker = take()
    if (worker === null) return count - given
    pool.adopt(worker, nowMs)
  }
  return 0
}
