/**
 * How many more processes one function wants, for the invocations that wait, for its minimum and as successors, and what
 * it may claim of a full pool. Counted anew at each question; the decision is in policy/scheduling.ts.
 */
import type { Availability } from './availability.ts'
import type { FunctionCalls } from './function-calls.ts'
import type { LoadingWorkers } from './loading-workers.ts'
import type { Claimant } from './policy/fair-share.ts'
import type { Part } from './policy/minimums.ts'
import { isOneShot } from './policy/recycling.ts'
import { type Wanted, workersWanted } from './policy/scheduling.ts'
import type { ServingWorkers } from './serving-workers.ts'
import type { FunctionSettings } from './settings.ts'
import type { Worker } from './worker.ts'

/** What there is already: the pool of the same bundle. */
export interface FunctionDemandOwner {
  readonly settings: FunctionSettings
  readonly workers: readonly Worker[]
  readonly loading: LoadingWorkers
  readonly serving: ServingWorkers
  readonly calls: FunctionCalls
  readonly availability: Availability
  readonly isRetired: boolean
  readonly minimum: Part
}

export class FunctionDemand {
  readonly #owner: FunctionDemandOwner

  constructor(owner: FunctionDemandOwner) {
    this.#owner = owner
  }

  /** What it may claim of a full pool: what somebody waits for, and what its minimum owes it. */
  claim(nowMs: number): Claimant {
    const { serving, loading, minimum } = this.#owner
    const workers = serving.count + loading.count
    const minWorkers = minimum.guaranteed
    const { now, soon } = this.wanted(nowMs)
    return { workers, minWorkers, wants: Math.max(now, Math.min(now + soon, minWorkers - workers)) }
  }

  /** How many more processes it wants. None while starting is paused. */
  wanted(nowMs: number): Wanted {
    const { settings, loading, serving, calls, availability, isRetired } = this.#owner
    if (isRetired || availability.isPaused(nowMs)) return { now: 0, soon: 0 }
    const isEachAnother = isOneShot(settings)
    return workersWanted({
      waiting: calls.waiting,
      loading: loading.count,
      serving: serving.count,
      expiring: serving.expiringCount,
      outdated: serving.outdatedCount,
      running: isEachAnother ? this.#runningCount : 0,
      spent: isEachAnother ? serving.spentCount(settings, nowMs) : 0,
      minWorkers: this.#owner.minimum.warmed,
      maxWorkers: settings.maxWorkers,
      concurrency: serving.concurrency(settings),
    })
  }

  /** It wants workers, or has some that are loading. */
  isWarming(nowMs: number): boolean {
    const { now, soon } = this.wanted(nowMs)
    return now + soon > 0 || this.#owner.loading.count > 0
  }

  /** Of a one-shot function. What was given up is about to go. */
  get #runningCount(): number {
    return this.#owner.workers.reduce((count, { death, inFlight }) => {
      return count + (death.reason === 'invocations' && inFlight > 0 ? 1 : 0)
    }, 0)
  }
}
