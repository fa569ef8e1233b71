/**
 * Those workers of one function that take invocations: who of them is free, who has served long enough, and whose event
 * loop stands still. It keeps the set and answers; ending a worker is its pool's business, and whom a question concerns
 * is decided in policy/.
 */
import {
  drawBudget,
  expiryReason,
  isOneShot,
  isSuccessorDue,
  lastingBytes,
  recycledAtBytes,
} from './policy/recycling.ts'
import { chooseWorker } from './policy/scheduling.ts'
import type { FunctionSettings } from './settings.ts'
import type { Worker } from './worker.ts'
import type { DeathReason } from './worker-state.ts'

/** A loop that stands still for so long is given up even where calls may take longer. */
const UNRESPONSIVE_MS = 60_000

/** Who must go, and why. */
type Going = readonly [Worker, DeathReason]

export class ServingWorkers {
  readonly #workers: Worker[] = []
  /** When one-shot workers took their call that have no successor yet; the earliest first. */
  readonly #spentAtMs: number[] = []

  get count(): number {
    return this.#workers.length
  }

  get expiringCount(): number {
    return this.#workers.reduce((count, worker) => count + (worker.isExpiring ? 1 : 0), 0)
  }

  /** Those that were loaded with another environment than the function has now. */
  get outdatedCount(): number {
    return this.#workers.reduce((count, worker) => count + (worker.expiring === 'replaced' ? 1 : 0), 0)
  }

  /** One that may go as soon as another has come. */
  get firstExpiring(): Worker | undefined {
    return this.#workers.find((worker) => worker.isExpiring)
  }

  /** One-shot workers whose successors are due. Those that come too late nobody needs, like a worker that nobody calls. */
  spentCount({ idleTimeoutMs }: FunctionSettings, nowMs: number): number {
    return this.#spentAtMs.filter((atMs) => isSuccessorDue(nowMs - atMs, idleTimeoutMs)).length
  }

  has(worker: Worker): boolean {
    return this.#workers.includes(worker)
  }

  add(worker: Worker, settings: FunctionSettings): void {
    worker.budget = drawBudget(settings, Math.random())
    this.#workers.push(worker)
    // The latest: what nobody has replaced in time is not made up for by a worker for somebody else's call.
    this.#spentAtMs.pop()
  }

  /** It has taken the only call that it may. */
  spend(worker: Worker, nowMs: number): void {
    this.remove(worker)
    this.#spentAtMs.push(nowMs)
  }

  /** Does nothing where it is not in here. */
  remove(worker: Worker): void {
    const at = this.#workers.indexOf(worker)
    if (at >= 0) this.#workers.splice(at, 1)
  }

  /** What one worker may have at once: the least of what the function's settings and its format allow. */
  concurrency(settings: FunctionSettings): number {
    const formatLimit = this.#workers[0]?.formatConcurrency ?? Number.POSITIVE_INFINITY
    return isOneShot(settings) ? 1 : Math.min(settings.concurrency, formatLimit)
  }

  /** The one to take the next invocation; null: every slot is taken. */
  free(settings: FunctionSettings): Worker | null {
    const at = chooseWorker(this.#workers, this.concurrency(settings))
    return at < 0 ? null : this.#workers[at]!
  }

  /** Those that have lived, served or grown too much, and why; the ones that are expiring already left out. */
  expired({ memoryBytes, limits }: FunctionSettings, nowMs: number): readonly Going[] {
    return this.#workers.flatMap((worker): Going[] => {
      if (worker.isExpiring) return []
      const rssBytes = lastingBytes(worker.usage.memory, memoryBytes, limits.memoryBytes)
      const usage = { invocations: worker.invocations, ageMs: nowMs - worker.bornAtMs, rssBytes }
      const reason = expiryReason(
        usage,
        worker.budget,
        recycledAtBytes(worker.invocations, memoryBytes, limits.memoryBytes),
      )
      return reason === null ? [] : [[worker, reason]]
    })
  }

  /** One that has idled too long and is not one of those that are to be warm; undefined: there is none. */
  idleSurplus({ idleTimeoutMs }: FunctionSettings, warmed: number, nowMs: number): Worker | undefined {
    if (this.count <= warmed) return undefined
    return this.#workers.find(
      (worker) => worker.inFlight === 0 && !worker.isExpiring && nowMs - worker.idleSinceMs >= idleTimeoutMs,
    )
  }

  /** Those that are more than the settings allow now. */
  beyondMaximum({ maxWorkers }: FunctionSettings): readonly Worker[] {
    return this.#workers.slice(maxWorkers)
  }

  /** New settings: each worker's budget is drawn anew. Returns those that have no place under them. */
  retune(settings: FunctionSettings, isEnvChanged: boolean): readonly Going[] {
    return this.#workers.flatMap((worker): Going[] => {
      worker.budget = drawBudget(settings, Math.random())
      if (isEnvChanged) return [[worker, 'replaced']]
      return isOneShot(settings) && worker.invocations > 0 ? [[worker, 'invocations']] : []
    })
  }

  /** Those that owe an answer to a ping for too long. Pings the others as it is time. */
  unresponsive({ timeoutMs }: FunctionSettings, nowMs: number, pingEveryMs: number): readonly Worker[] {
    // Nothing that is not over its time-out may block a loop so long.
    const limitMs = Math.min(timeoutMs, UNRESPONSIVE_MS)
    return this.#workers.filter((worker) => {
      if (!worker.heartbeat.hasStopped(nowMs, pingEveryMs, limitMs)) return false
      worker.death.note = `its event loop did not turn for ${Math.round(limitMs)} ms`
      return true
    })
  }
}
