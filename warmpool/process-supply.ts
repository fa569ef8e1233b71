/**
 * The machine's processes under one budget: starts them (at once where somebody waits, paced where nobody does), keeps
 * blanks on the shelf, gives them out, and makes room by evicting the least valuable idle worker. It never exceeds the
 * pool's maximum, and evicts no warm worker for the sake of a blank that nobody waits for.
 */
import { BlankShelf, type BlankShelfHost } from './blank-shelf.ts'
import { CORES, IdleCores } from './idle-cores.ts'
import { pacedStarts, urgentStarts } from './policy/pacing.ts'
import type { PoolSettings } from './settings.ts'
import { WarmSet } from './warm-set.ts'
import type { Worker } from './worker.ts'

/** What one more process is expected to need, before it has been measured. */
const WORKER_BYTES = 48 * 1024 * 1024
/** Boots that fail in a row until those who wait are told. */
const HOPELESS_BOOTS = 3
const MOST_WORKERS = 100_000
/** Starting a process stands still this one for some milliseconds: not while a function is being loaded from a blank. */
const REFILL_DELAY_MS = 50

/** Processes that functions want and that no blank could be given for. */
export interface Missing {
  readonly now: number
  readonly soon: number
  /** Somebody waits for a function that has no worker at all. */
  readonly isStarving: boolean
}

export interface SupplyHost {
  onStarted(worker: Worker): void
  /** Something changed that may let more be given or started. */
  requestSupply(): void
  /** A process died before it was anybody's. */
  onBlankDied(worker: Worker): void
  onBlankLog(worker: Worker, stream: 'stdout' | 'stderr', line: string): void
}

export class ProcessSupply implements BlankShelfHost {
  settings: PoolSettings
  /** Every process that is not dead, whoever's it is. */
  readonly workers = new Set<Worker>()
  readonly warm = new WarmSet(MOST_WORKERS)
  readonly #shelf: BlankShelf
  readonly #host: SupplyHost
  readonly #idleCores = new IdleCores()
  #failedBoots = 0
  #lastTakenAtMs = Number.NEGATIVE_INFINITY

  constructor(settings: PoolSettings, bootTimeoutMs: number, host: SupplyHost) {
    this.settings = settings
    this.#host = host
    this.#shelf = new BlankShelf('node', bootTimeoutMs, this)
  }

  get blanks(): number {
    return this.#shelf.blanks
  }

  get starting(): number {
    return this.#shelf.starting
  }

  get memoryBytes(): number {
    let sum = 0
    for (const worker of this.workers) sum += worker.rssBytes
    return sum
  }

  /** Why no process can be started, when several in a row could not; null otherwise. */
  get hopelessBecause(): string | null {
    return this.#failedBoots >= HOPELESS_BOOTS ? this.#shelf.bootFailure : null
  }

  /** Milliseconds until starting is tried again after failed boots; 0: nothing is in the way. */
  pausedMs(nowMs: number): number {
    return this.#shelf.pausedMs(nowMs)
  }

  /** A blank for somebody who waits, or null. */
  take(): Worker | null {
    const worker = this.#shelf.take()
    if (worker !== null) this.#lastTakenAtMs = performance.now()
    return worker
  }

  /** A blank for what nobody waits for: the last one is left to whoever comes cold. */
  takeSpare(): Worker | null {
    const left = this.settings.blanks >= 2 ? 1 : 0
    return this.#shelf.blanks > left ? this.take() : null
  }

  /** Starts what is missing: at once for those who wait, paced for the shelf's own and what nobody waits for yet. */
  start({ now, soon, isStarving }: Missing, nowMs: number): void {
    const shelf = this.#shelf
    if (shelf.pausedMs(nowMs) > 0) return
    const boots = {
      starting: shelf.starting,
      cores: CORES,
      idleShare: this.#idleCores.share,
      sinceLastStartMs: nowMs - shelf.lastStartAtMs,
    }
    const urgent = Math.min(now - shelf.starting, urgentStarts(boots))
    for (let count = 0; count < urgent; count++)
      if (!this.#hasRoom()) this.#evict(nowMs, isStarving)
      else this.#startOne(nowMs)
    const calmInMs = this.#lastTakenAtMs + REFILL_DELAY_MS - nowMs
    if (calmInMs > 0) {
      setTimeout(() => this.#host.requestSupply(), calmInMs).unref()
      return
    }
    const missing = now + soon + this.settings.blanks - shelf.blanks - shelf.starting
    const paced = Math.min(missing, pacedStarts({ ...boots, starting: shelf.starting }))
    for (let count = 0; count < paced && this.#hasRoom(); count++) this.#startOne(nowMs)
  }

  /** Looks at the machine and at every process; lets go of what is over the memory budget. */
  measure(nowMs: number): void {
    this.#idleCores.look()
    for (const worker of this.workers) worker.measure()
    if (this.memoryBytes > this.settings.memoryBytes) this.#evict(nowMs, false)
  }

  remove(worker: Worker): void {
    this.workers.delete(worker)
    this.warm.remove(worker)
  }

  drainBlanks(nowMs: number): void {
    for (const worker of [...this.#shelf.workers]) worker.drain('shutdown', 0, nowMs)
  }

  onStarted(worker: Worker): void {
    this.workers.add(worker)
    this.#host.onStarted(worker)
  }

  onBlank(): void {
    this.#failedBoots = 0
    this.#host.requestSupply()
  }

  onBlankDied(worker: Worker): void {
    if (worker.diedIn === 'starting' && worker.reason === 'crash') this.#failedBoots++
    this.#host.onBlankDied(worker)
  }

  onBlankLog(worker: Worker, stream: 'stdout' | 'stderr', line: string): void {
    this.#host.onBlankLog(worker, stream, line)
  }

  onRefused(): void {
    this.#failedBoots++
  }

  #startOne(nowMs: number): void {
    this.#shelf.start(nowMs)
  }

  #hasRoom(): boolean {
    return this.workers.size < this.settings.maxWorkers && this.memoryBytes + WORKER_BYTES <= this.settings.memoryBytes
  }

  /** Makes room: of an idle worker, or where somebody has none at all, of the function that has the most. */
  #evict(nowMs: number, isStarving: boolean): void {
    // One that is on its way out already makes the room.
    for (const worker of this.workers) if (worker.state === 'draining' && worker.reason === 'evicted') return
    const victim = this.warm.victim(nowMs) ?? (isStarving ? this.warm.ofLargest() : null)
    victim?.owner.evict(victim, nowMs)
  }
}
