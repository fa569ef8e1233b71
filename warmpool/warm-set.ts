/**
 * The warm workers of all functions, most recently used last: what the machine's memory is spent on. lru-cache keeps
 * the order and the sum of their memory; who must go is decided by worth (policy/eviction.ts), with the least recently
 * used one first among equals. Workers never live or die by the cache's own limits: it has none that could fire.
 */
import { LRUCache } from 'lru-cache'
import { chooseVictim } from './policy/eviction.ts'
import { mayTakeBusy, mayTakeIdle } from './policy/fair-share.ts'
import type { Worker } from './worker.ts'

export class WarmSet {
  readonly #cache: LRUCache<number, Worker>

  /** `capacity`: more than there can ever be. */
  constructor(capacity: number) {
    this.#cache = new LRUCache({ max: capacity })
  }

  /** It has just served, or was just loaded. */
  touch(worker: Worker): void {
    this.#cache.set(worker.pid, worker)
  }

  remove(worker: Worker): void {
    this.#cache.delete(worker.pid)
  }

  /**
   * The least valuable of those that have idled since before then and that their owners can spare for a function with
   * this surplus; null: there is none.
   */
  victim(claim: number, nowMs: number, beforeMs = Number.POSITIVE_INFINITY): Worker | null {
    const candidates = ([...this.#cache.rvalues()] as Worker[]).filter(
      (worker) =>
        worker.idleSinceMs < beforeMs &&
        worker.owner.isSpare(worker) &&
        mayTakeIdle(claim, worker.owner.surplusOf(worker), nowMs - worker.idleSinceMs),
    )
    const at = chooseVictim(
      candidates.map((worker) => ({
        invocations: worker.invocations,
        ageMs: nowMs - worker.bornAtMs,
        idleMs: nowMs - worker.idleSinceMs,
        loadMs: worker.owner.usualLoadMs,
        rssBytes: worker.usage.rssBytes,
      })),
    )
    return candidates[at] ?? null
  }

  /** The least busy worker of whoever has the most beyond its minimum; null when one with this surplus may take none. */
  ofLargest(claim: number): Worker | null {
    let chosen: Worker | null = null
    for (const worker of this.#cache.values()) {
      const surplus = worker.owner.surplusOf(worker)
      if (surplus <= 0) continue
      const most = chosen?.owner.surplusOf(chosen) ?? 0
      if (surplus > most || (surplus === most && worker.inFlight < chosen!.inFlight)) chosen = worker
    }
    return chosen !== null && mayTakeBusy(claim, chosen.owner.surplusOf(chosen)) ? chosen : null
  }
}
