/**
 * The machine's processes under one budget: starts them (at once where somebody waits, paced where nobody does), keeps
 * blanks on a shelf for each kind that is used, gives them out, and makes room by evicting the least valuable idle
 * worker: for who waits, and ahead of who will come, where it has been seen that what is called does not fit. It never
 * exceeds the pool's maximum, and functions that fit into it lose no warm worker to a blank.
 */

import { type BlankKind, ordinaryKind } from './blank-kind.ts'
import { BlankShelf, type BlankShelfHost } from './blank-shelf.ts'
import { CORES, IdleCores } from './idle-cores.ts'
import type { Missing, MissingByKind } from './missing.ts'
import { NOTHING, nextClaim } from './policy/fair-share.ts'
import { type Boots, pacedStarts, urgentStarts } from './policy/pacing.ts'
import { afterBlankTaken, afterNewcomer, NO_NEWCOMERS, reclaimableBeforeMs } from './policy/reclaim.ts'
import { type ProcessTable, readProcesses } from './resources/process-table.ts'
import { lookAfterStrays } from './resources/strays.ts'
import type { RuntimeLocator } from './runtime.ts'
import type { PoolSettings } from './settings.ts'
import { WarmSet } from './warm-set.ts'
import type { Worker, WorkerOwner } from './worker.ts'

/** What one more process is expected to need, before it has been measured. */
const WORKER_BYTES = 48 * 1024 * 1024
const MOST_WORKERS = 100_000
/** Starting a process stands still this one for some milliseconds: not while a function is being loaded from a blank. */
const REFILL_DELAY_MS = 50
/** The same for a fork, which is over sooner. */
const FORK_DELAY_MS = 8
const FORKS_AT_ONCE = 8
/** Every which look sees a worker that has had nothing to do since it was last seen. */
const QUIET_LOOKS = 4

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
  /** By their kinds' keys. */
  readonly #shelves = new Map<string, BlankShelf>()
  readonly #firstShelf: BlankShelf
  readonly #bootTimeoutMs: number
  readonly #locate: RuntimeLocator | undefined
  readonly #host: SupplyHost
  readonly #idleCores = new IdleCores()
  #lastTakenAtMs = Number.NEGATIVE_INFINITY
  #newcomers = NO_NEWCOMERS
  #looks = 0
  /** Whose worker was let go for the blank that stands or is to come; null once it is taken. */
  #gavePlace: WorkerOwner | null = null

  constructor(settings: PoolSettings, bootTimeoutMs: number, locate: RuntimeLocator | undefined, host: SupplyHost) {
    this.#locate = locate
    this.settings = settings
    this.#host = host
    this.#bootTimeoutMs = bootTimeoutMs
    this.#firstShelf = this.#shelfOf(ordinaryKind('node'))
  }

  /** A function's workers are made from blanks of this kind: some are kept from now on. */
  use(kind: BlankKind, nowMs: number): void {
    this.#shelfOf(kind).users++
    this.#clearUnused(nowMs)
  }

  /** A function has no use for this kind any longer. Others may have. */
  leave(kind: BlankKind, nowMs: number): void {
    const shelf = this.#shelves.get(kind.key)
    if (shelf === undefined) return
    shelf.users--
    if (shelf.isOneFunctions) this.#shelves.delete(kind.key)
    this.#clearUnused(nowMs)
    if (shelf.isOneFunctions) for (const worker of [...shelf.workers]) worker.drain('replaced', 0, nowMs)
  }

  get usesCgroups(): boolean {
    return this.settings.cgroups === 'auto'
  }

  get blanks(): number {
    let sum = 0
    for (const shelf of this.#shelves.values()) sum += shelf.blanks
    return sum
  }

  get starting(): number {
    let sum = 0
    for (const shelf of this.#shelves.values()) sum += shelf.starting
    return sum
  }

  /** All, and those that are just being forked. */
  get processes(): number {
    let sum = this.workers.size
    for (const shelf of this.#shelves.values()) sum += shelf.forking
    return sum
  }

  get memoryBytes(): number {
    let sum = 0
    for (const worker of this.workers) sum += worker.rssBytes
    return sum
  }

  /** Why no process of this kind can be started, when several in a row could not; null otherwise. */
  hopelessBecause(kind: string): string | null {
    return this.#shelves.get(kind)?.hopelessBecause ?? null
  }

  /** Milliseconds until starting is tried again after failed boots; 0: nothing is in the way. */
  pausedMs(kind: string, nowMs: number): number {
    return this.#shelves.get(kind)?.pausedMs(nowMs) ?? 0
  }

  /** A blank for somebody who waits, or null. */
  take(kind: string, taker: WorkerOwner, nowMs: number): Worker | null {
    const gavePlace = this.#gavePlace
    const worker = this.#takeBlank(kind, nowMs)
    if (worker !== null) this.#shelves.get(kind)!.owed++
    if (worker !== null && gavePlace !== null)
      this.#newcomers = afterBlankTaken(this.#newcomers, taker === gavePlace, nowMs)
    return worker
  }

  /** A blank for what nobody waits for: the last one is left to whoever comes cold. */
  takeSpare(kind: string, nowMs: number): Worker | null {
    const shelf = this.#shelves.get(kind)
    if (shelf === undefined) return null
    const left = this.settings.blanks >= 2 && !shelf.isOneFunctions ? 1 : 0
    return shelf.blanks > left ? this.#takeBlank(kind, nowMs) : null
  }

  /** Starts what is missing: at once for those who wait, paced for the shelves' own and what nobody waits for yet. */
  start(missing: MissingByKind, nowMs: number): void {
    for (const [kind, shelf] of this.#shelves) this.#startUrgent(shelf, missing.of(kind), nowMs)
    for (const [kind, shelf] of this.#shelves)
      if (shelf.isForked) this.#refillForked(shelf, missing.of(kind).now, nowMs)
    const calmInMs = this.#lastTakenAtMs + REFILL_DELAY_MS - nowMs
    if (calmInMs > 0) {
      this.#againIn(calmInMs)
      return
    }
    for (const [kind, shelf] of this.#shelves) this.#startPaced(shelf, missing.of(kind), nowMs)
  }

  /** Looks at the machine and at every process; lets go of what is over the memory budget. */
  measure(nowMs: number): void {
    this.#idleCores.look()
    let table: ProcessTable | null = null
    lookAfterStrays()
    this.#looks++
    for (const worker of this.workers) {
      // Where nothing happens nothing changes, mostly.
      if (worker.isQuiet && (this.#looks + worker.pid) % QUIET_LOOKS !== 0) continue
      if (worker.group.needsTable) table ??= readProcesses()
      worker.measure(table)
    }
    if (this.memoryBytes > this.settings.memoryBytes && !this.#isEvicting())
      this.#letGo(this.warm.victim(NOTHING, nowMs), nowMs)
  }

  /** Memory grows fast. Where the kernel does not stop it, workers that are at something are looked at more often. */
  glance(): void {
    for (const worker of this.workers)
      if (worker.group.needsTable && (worker.state === 'busy' || worker.state === 'loading')) worker.measure(null)
  }

  get isPolling(): boolean {
    for (const worker of this.workers) if (worker.group.needsTable) return true
    return false
  }

  remove(worker: Worker): void {
    this.workers.delete(worker)
    this.warm.remove(worker)
  }

  drainBlanks(nowMs: number): void {
    for (const shelf of this.#shelves.values()) shelf.close(nowMs)
  }

  /** Nothing is left of it. The processes that workers are forked from go last. */
  get isEmpty(): boolean {
    if (this.workers.size > 0) return false
    const left = [...this.#shelves.values()].filter((shelf) => shelf.hasTemplate)
    for (const shelf of left) shelf.endTemplate()
    return left.length === 0
  }

  onTemplateGone(): void {
    this.#host.requestSupply()
  }

  onStarted(worker: Worker): void {
    this.workers.add(worker)
    this.#host.onStarted(worker)
  }

  onBlank(): void {
    this.#host.requestSupply()
  }

  onBlankDied(worker: Worker): void {
    this.#host.onBlankDied(worker)
  }

  onBlankLog(worker: Worker, stream: 'stdout' | 'stderr', line: string): void {
    this.#host.onBlankLog(worker, stream, line)
  }

  #shelfOf(kind: BlankKind): BlankShelf {
    const shelf = this.#shelves.get(kind.key) ?? new BlankShelf(kind, this.#locate, this.#bootTimeoutMs, this)
    this.#shelves.set(kind.key, shelf)
    return shelf
  }

  /** Of a kind that somebody uses; before anybody uses any, of the one that most will use. */
  #spareOf(shelf: BlankShelf): number {
    if (shelf.isOneFunctions) return 0
    const isAnyUsed = [...this.#shelves.values()].some(({ users }) => users > 0)
    return shelf.users > 0 || (!isAnyUsed && shelf === this.#firstShelf) ? this.settings.blanks : 0
  }

  #clearUnused(nowMs: number): void {
    for (const shelf of this.#shelves.values())
      if (shelf.users === 0 && this.#spareOf(shelf) === 0)
        for (const worker of [...shelf.workers]) worker.drain('replaced', 0, nowMs)
  }

  #startUrgent(shelf: BlankShelf, { now, warming, claimants }: Missing, nowMs: number): void {
    if (now === 0 || shelf.pausedMs(nowMs) > 0) return
    const atOnce = urgentStarts(this.#boots(nowMs))
    // A fork that has to wait for its template is none for who waits.
    const awaited = Math.max(0, Math.min(now - warming - shelf.arriving, atOnce))
    const urgent = Math.max(awaited, Math.min(now - shelf.starting, atOnce))
    for (let count = 0; count < urgent; count++)
      if (this.#hasRoom()) shelf.start(nowMs, count < awaited)
      else if (this.#evict(nextClaim(claimants, shelf.arriving), nowMs))
        this.#newcomers = afterNewcomer(this.#newcomers, nowMs)
  }

  /**
   * A fork is cheap, so who needs one blank after the other finds the next: only the call that took one comes first. What
   * was taken for nobody who waits is paced.
   */
  #refillForked(shelf: BlankShelf, now: number, nowMs: number): void {
    if (shelf.pausedMs(nowMs) > 0) return
    const room = Math.min(now + this.#spareOf(shelf) - shelf.blanks, FORKS_AT_ONCE) - shelf.starting
    shelf.owed = Math.max(0, Math.min(shelf.owed, room))
    if (shelf.owed === 0) return
    const calmInMs = now > 0 ? 0 : shelf.takenAtMs + FORK_DELAY_MS - nowMs
    if (calmInMs > 0) return this.#againIn(calmInMs)
    for (; shelf.owed > 0 && this.#hasRoom(); shelf.owed--) shelf.start(nowMs)
  }

  #againIn(afterMs: number): void {
    setTimeout(() => this.#host.requestSupply(), afterMs).unref()
  }

  #startPaced(shelf: BlankShelf, { now, soon, claimants }: Missing, nowMs: number): void {
    if (shelf.pausedMs(nowMs) > 0) return
    const missing = now + soon + this.#spareOf(shelf) - shelf.blanks - shelf.starting
    const paced = Math.min(missing, pacedStarts(this.#boots(nowMs)))
    for (let count = 0; count < paced && this.#hasRoom(); count++) shelf.start(nowMs)
    // With nothing that waits, nothing on the shelf and nothing on its way to it.
    if (paced <= 0 || now + shelf.blanks + shelf.starting > 0 || this.#hasRoom()) return
    // A minimum is owed also where nobody waits.
    if (soon > 0 && claimants.length > 0) this.#evict(nextClaim(claimants, 0), nowMs)
    else this.#reclaim(nowMs)
  }

  /** All kinds' boots share the machine. */
  #boots(nowMs: number): Boots {
    let lastStartAtMs = Number.NEGATIVE_INFINITY
    let starting = 0
    for (const shelf of this.#shelves.values()) {
      lastStartAtMs = Math.max(lastStartAtMs, shelf.lastStartAtMs)
      starting += shelf.arriving + (shelf.isTemplateBooting ? 1 : 0)
    }
    const sinceLastStartMs = nowMs - lastStartAtMs
    return { starting, cores: CORES, idleShare: this.#idleCores.share, sinceLastStartMs }
  }

  #takeBlank(kind: string, nowMs: number): Worker | null {
    const worker = this.#shelves.get(kind)?.take() ?? null
    if (worker === null) return null
    this.#lastTakenAtMs = nowMs
    this.#gavePlace = null
    return worker
  }

  #hasRoom(): boolean {
    return this.processes < this.settings.maxWorkers && this.memoryBytes + WORKER_BYTES <= this.settings.memoryBytes
  }

  /**
   * Makes room for a function with this surplus: of an idle worker, or of the function that has the most. False: nobody
   * has to go, or one is on its way out and makes the room.
   */
  #evict(claim: number, nowMs: number): boolean {
    if (this.#isEvicting()) return false
    return this.#letGo(this.warm.victim(claim, nowMs) ?? this.warm.ofLargest(claim), nowMs)
  }

  #letGo(victim: Worker | null, nowMs: number): boolean {
    victim?.owner.evict(victim, nowMs)
    return victim !== null
  }

  /** Makes room for one blank ahead of need, once its place is worth more that way. */
  #reclaim(nowMs: number): void {
    const beforeMs = reclaimableBeforeMs(this.#newcomers, nowMs)
    if (beforeMs === Number.NEGATIVE_INFINITY || this.#isEvicting()) return
    const victim = this.warm.victim(NOTHING, nowMs, beforeMs)
    if (victim === null) return
    this.#gavePlace = victim.owner
    victim.owner.evict(victim, nowMs)
  }

  #isEvicting(): boolean {
    for (const worker of this.workers) if (worker.state === 'draining' && worker.reason === 'evicted') return true
    return false
  }
}
