/**
 * The machine's processes under one budget: starts them (at once where somebody waits, paced where nobody does), keeps
 * blanks on a shelf for each kind that is used, gives them out, and looks at what they all use. It never exceeds the
 * pool's maximum; who makes room in a full one is decided in room.ts.
 */

import type { BlankKind } from './blank-kind.ts'
import { BlankShelf, type BlankShelfHost } from './blank-shelf.ts'
import { CORES, IdleCores } from './idle-cores.ts'
import type { Missing, MissingByKind } from './missing.ts'
import { nextClaim } from './policy/fair-share.ts'
import { type Boots, pacedStarts, urgentStarts } from './policy/pacing.ts'
import { type ProcessTable, readProcesses } from './resources/process-table.ts'
import { holdStill, letGo } from './resources/standstill.ts'
import { lookAfterStrays } from './resources/strays.ts'
import { ThreadGrowth } from './resources/thread-growth.ts'
import { Room, type RoomOwner } from './room.ts'
import type { RuntimeLocator } from './runtime.ts'
import type { PoolSettings } from './settings.ts'
import { Shelves } from './shelves.ts'
import { WarmSet } from './warm-set.ts'
import type { Worker } from './worker.ts'
import type { WorkerOwner } from './worker-owner.ts'

const MOST_WORKERS = 100_000
/** Starting a process stands still this one for some milliseconds: not while a function is being loaded from a blank. */
const REFILL_DELAY_MS = 50
/** The same for a fork, which is over sooner. */
const FORK_DELAY_MS = 8
const FORKS_AT_ONCE = 8
/** Every which look sees a worker that has had nothing to do since it was last seen. */
const QUIET_LOOKS = 4
/** A look in vain at all processes is not repeated before so many times the processor time that it took. */
const REST_AFTER_LOOK = 20

export interface SupplyHost {
  onStarted(worker: Worker): void
  /** Something changed that may let more be given or started. */
  requestSupply(): void
  /** A process died before it was anybody's. */
  onBlankDied(worker: Worker): void
  onBlankLog(worker: Worker, stream: 'stdout' | 'stderr', line: string): void
}

export class ProcessSupply implements BlankShelfHost, RoomOwner {
  settings: PoolSettings
  /** Every process that is not dead, whoever's it is. */
  readonly workers = new Set<Worker>()
  readonly warm = new WarmSet(MOST_WORKERS)
  readonly #shelves: Shelves
  readonly #host: SupplyHost
  readonly #room = new Room(this)
  readonly #idleCores = new IdleCores()
  #lastTakenAtMs = Number.NEGATIVE_INFINITY
  #looks = 0
  readonly #growth = new ThreadGrowth()
  /** Until when not to look again, since what grew were other programs' processes. */
  #growsElsewhereUntilMs = 0

  constructor(settings: PoolSettings, bootTimeoutMs: number, locate: RuntimeLocator | undefined, host: SupplyHost) {
    this.settings = settings
    this.#host = host
    this.#shelves = new Shelves((kind) => new BlankShelf(kind, locate, bootTimeoutMs, this))
  }

  /** A function's workers are made from blanks of this kind: some are kept from now on. */
  use(kind: BlankKind): void {
    this.#shelves.use(kind)
  }

  /** A function has no use for this kind any longer. */
  leave(kind: BlankKind, nowMs: number): void {
    this.#shelves.leave(kind, nowMs)
  }

  get usesCgroups(): boolean {
    return this.settings.cgroups === 'auto'
  }

  get blanks(): number {
    return this.#shelves.blanks
  }

  get starting(): number {
    return this.#shelves.starting
  }

  /** All, and those that are just being forked. */
  get processes(): number {
    return this.workers.size + this.#shelves.forking
  }

  get memoryBytes(): number {
    let sum = 0
    for (const worker of this.workers) sum += worker.usage.rssBytes
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
    const shelf = this.#shelves.get(kind)
    if (shelf === null) return null
    const worker = this.#takeBlank(shelf, taker, nowMs)
    if (worker !== null) shelf.owed++
    return worker
  }

  /**
   * A blank for what nobody waits for: the last one is left to whoever comes cold. `isOwed`: for every call that somebody
   * makes there will be another.
   */
  takeSpare(kind: string, isOwed: boolean, nowMs: number): Worker | null {
    const shelf = this.#shelves.get(kind)
    if (shelf === null) return null
    const left = this.settings.blanks >= 2 && !shelf.isOneFunctions ? 1 : 0
    if (shelf.blanks <= left) return null
    if (isOwed) shelf.owed++
    return this.#takeBlank(shelf, null, nowMs)
  }

  /** Starts what is missing: at once for those who wait, paced for the shelves' own and what nobody waits for yet. */
  start(missing: MissingByKind, nowMs: number): void {
    this.#shelves.emptyUnused(nowMs)
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
      if (worker.usage.isQuiet && (this.#looks + worker.pid) % QUIET_LOOKS !== 0) continue
      if (worker.group.needsTable) table ??= readProcesses()
      worker.usage.look(table)
    }
    if (table !== null) this.#growth.settle(this.workers.size)
    this.#room.shrink(nowMs)
  }

  /**
   * Looks at every process where many more have come: they may be one worker's. What workers have started stands still
   * meanwhile, and while `check` ends whoever has too many.
   */
  watchGrowth(nowMs: number, check: () => void): void {
    if (nowMs < this.#growsElsewhereUntilMs || !this.#growth.hasGrown(this.workers.size)) return
    const before = process.cpuUsage()
    const watched = [...this.workers].filter(({ group }) => group.needsTable)
    const stopped = holdStill(watched.map(({ pid }) => pid))
    try {
      lookAfterStrays()
      const isOwn = hasGrown(watched, readProcesses())
      this.#growth.settle(this.workers.size)
      const { user, system } = process.cpuUsage(before)
      if (!isOwn) this.#growsElsewhereUntilMs = nowMs + ((user + system) / 1000) * REST_AFTER_LOOK
      check()
    } finally {
      letGo(stopped)
    }
  }

  /** Memory grows fast. Workers that are at something are looked at more often where the kernel does not stop it, or soon would. */
  glance(): void {
    for (const { group, state, usage } of this.workers)
      if ((state === 'busy' || state === 'loading') && (group.needsTable || usage.isGrowingFast)) usage.look(null)
  }

  get isPolling(): boolean {
    for (const { group, usage } of this.workers) if (group.needsTable || usage.isGrowingFast) return true
    return false
  }

  remove(worker: Worker): void {
    this.workers.delete(worker)
    this.warm.remove(worker)
  }

  /** The blanks go, and whatever is still on its way to being one. */
  close(nowMs: number): void {
    this.#shelves.close(nowMs)
  }

  /** What processes were forked from. They are to be gone. */
  endTemplates(): void {
    this.#shelves.endTemplates()
  }

  get hasTemplates(): boolean {
    return this.#shelves.hasTemplates
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

  #startUrgent(shelf: BlankShelf, { now, warming, claimants }: Missing, nowMs: number): void {
    if (now === 0 || shelf.pausedMs(nowMs) > 0) return
    const atOnce = urgentStarts(this.#boots(nowMs))
    // A fork that has to wait for its template is none for who waits.
    const awaited = Math.max(0, Math.min(now - warming - shelf.arriving, atOnce))
    const urgent = Math.max(awaited, Math.min(now - shelf.starting, atOnce))
    for (let count = 0; count < urgent; count++)
      if (this.#room.isLeft) shelf.start(nowMs, count < awaited)
      else this.#room.makeForNewcomer(nextClaim(claimants, shelf.arriving), nowMs)
  }

  /**
   * A fork is cheap, so who needs one blank after the other finds the next: only the call that took one comes first. What
   * was taken for nobody who waits is paced.
   */
  #refillForked(shelf: BlankShelf, now: number, nowMs: number): void {
    if (shelf.pausedMs(nowMs) > 0) return
    const room =
      Math.min(now + this.#shelves.spareOf(shelf, this.settings.blanks) - shelf.blanks, FORKS_AT_ONCE) - shelf.starting
    shelf.owed = Math.max(0, Math.min(shelf.owed, room))
    if (shelf.owed === 0) return
    const calmInMs = now > 0 ? 0 : shelf.takenAtMs + FORK_DELAY_MS - nowMs
    if (calmInMs > 0) return this.#againIn(calmInMs)
    for (; shelf.owed > 0 && this.#room.isLeft; shelf.owed--) shelf.start(nowMs)
  }

  #againIn(afterMs: number): void {
    setTimeout(() => this.#host.requestSupply(), afterMs).unref()
  }

  #startPaced(shelf: BlankShelf, { now, soon, claimants }: Missing, nowMs: number): void {
    if (shelf.pausedMs(nowMs) > 0) return
    const missing = now + soon + this.#shelves.spareOf(shelf, this.settings.blanks) - shelf.blanks - shelf.starting
    const paced = Math.min(missing, pacedStarts(this.#boots(nowMs)))
    for (let count = 0; count < paced && this.#room.isLeft; count++) shelf.start(nowMs)
    // With nothing that waits, nothing on the shelf and nothing on its way to it.
    if (paced <= 0 || now + shelf.blanks + shelf.starting > 0 || this.#room.isLeft) return
    // A minimum is owed also where nobody waits.
    if (soon > 0 && claimants.length > 0) this.#room.make(nextClaim(claimants, 0), nowMs)
    else this.#room.reclaim(nowMs)
  }

  /** All kinds' boots share the machine. */
  #boots(nowMs: number): Boots {
    let lastStartAtMs = Number.NEGATIVE_INFINITY
    let starting = 0
    for (const [, shelf] of this.#shelves) {
      lastStartAtMs = Math.max(lastStartAtMs, shelf.lastStartAtMs)
      starting += shelf.arriving + (shelf.isTemplateBooting ? 1 : 0)
    }
    const sinceLastStartMs = nowMs - lastStartAtMs
    return { starting, cores: CORES, idleShare: this.#idleCores.share, sinceLastStartMs }
  }

  /** `taker`: who waits for it; null: nobody does. */
  #takeBlank(shelf: BlankShelf, taker: WorkerOwner | null, nowMs: number): Worker | null {
    const worker = shelf.take()
    if (worker === null) return null
    this.#lastTakenAtMs = nowMs
    this.#room.onBlankTaken(taker, nowMs)
    return worker
  }
}

/** They have more processes than at the last look. */
function hasGrown(workers: readonly Worker[], table: ProcessTable): boolean {
  const count = (): number => workers.reduce((sum, { group }) => sum + group.usage.processes, 0)
  const before = count()
  for (const { usage } of workers) usage.look(table)
  return count() > before
}
