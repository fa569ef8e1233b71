/**
 * Room for one more process within the pool's budget: whether there is any, and whose worker makes it. The least valuable
 * idle one goes for who waits, and ahead of who will come, where it has been seen that what is called does not fit:
 * functions that fit into the pool lose no warm worker to a blank. Never more than one is on its way out for that.
 */
import { NOTHING } from './policy/fair-share.ts'
import { WORKER_BYTES } from './policy/minimums.ts'
import { afterBlankTaken, afterNewcomer, NO_NEWCOMERS, reclaimableBeforeMs } from './policy/reclaim.ts'
import type { PoolSettings } from './settings.ts'
import type { WarmSet } from './warm-set.ts'
import type { Worker } from './worker.ts'
import type { WorkerOwner } from './worker-owner.ts'

/** The budget, and what it is spent on. */
export interface RoomOwner {
  readonly settings: PoolSettings
  /** Every process that is not dead. */
  readonly workers: ReadonlySet<Worker>
  /** Those, and what will be one. */
  readonly processes: number
  readonly memoryBytes: number
  readonly warm: WarmSet
}

export class Room {
  readonly #owner: RoomOwner
  #newcomers = NO_NEWCOMERS
  /** Whose worker was let go for the blank that stands or is to come; null once it is taken. */
  #gavePlace: WorkerOwner | null = null

  constructor(owner: RoomOwner) {
    this.#owner = owner
  }

  get isLeft(): boolean {
    const { settings, processes } = this.#owner
    return processes < settings.maxWorkers && this.#owner.memoryBytes + WORKER_BYTES <= settings.memoryBytes
  }

  /**
   * Makes room for a function with this surplus: of an idle worker, or of the function that has the most. False: nobody
   * has to go, or one is on its way out and makes the room.
   */
  make(claim: number, nowMs: number): boolean {
    if (this.#isBeingMade()) return false
    const { warm } = this.#owner
    return letGo(warm.victim(claim, nowMs) ?? warm.ofLargest(claim), nowMs)
  }

  /** The same for one for whom somebody waits: there was no place for it. */
  makeForNewcomer(claim: number, nowMs: number): void {
    if (this.make(claim, nowMs)) this.#newcomers = afterNewcomer(this.#newcomers, nowMs)
  }

  /** Makes room for one blank ahead of need, once its place is worth more that way. */
  reclaim(nowMs: number): void {
    const beforeMs = reclaimableBeforeMs(this.#newcomers, nowMs)
    if (beforeMs === Number.NEGATIVE_INFINITY || this.#isBeingMade()) return
    const victim = this.#owner.warm.victim(NOTHING, nowMs, beforeMs)
    if (victim === null) return
    this.#gavePlace = victim.owner
    letGo(victim, nowMs)
  }

  /** Lets go of what is over the memory budget. */
  shrink(nowMs: number): void {
    const { memoryBytes, settings, warm } = this.#owner
    if (memoryBytes > settings.memoryBytes && !this.#isBeingMade()) letGo(warm.victim(NOTHING, nowMs), nowMs)
  }

  /** A blank has been taken. `taker`: who waited for it; null: nobody did. */
  onBlankTaken(taker: WorkerOwner | null, nowMs: number): void {
    if (taker !== null && this.#gavePlace !== null)
      this.#newcomers = afterBlankTaken(this.#newcomers, taker === this.#gavePlace, nowMs)
    this.#gavePlace = null
  }

  #isBeingMade(): boolean {
    for (const { state, death } of this.#owner.workers)
      if (state === 'draining' && death.reason === 'evicted') return true
    return false
  }
}

function letGo(victim: Worker | null, nowMs: number): boolean {
  victim?.owner.evict(victim, nowMs)
  return victim !== null
}
