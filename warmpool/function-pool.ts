/**
 * The workers of one bundle of one function: how many it wants, which should go, and what becomes of one that dies.
 * Processes it gets from the warm pool (its host); its invocations are in function-calls.ts.
 */
import type { AnswerWatch } from './answer-watch.ts'
import { Availability } from './availability.ts'
import { type BlankKind, kindAfter, kindFor } from './blank-kind.ts'
import { sameIsolation, withoutSandbox } from './confinement.ts'
import type { DeadlineWheel } from './deadline-wheel.ts'
import type { Egress } from './egress.ts'
import type { InvocationFailure } from './failure.ts'
import { FunctionCalls, type FunctionCallsOwner, TIMEOUT_GRACE_MS } from './function-calls.ts'
import { FolderMissing, loadFor } from './function-load.ts'
import type { FunctionSpec } from './function-spec.ts'
import type { FunctionStats } from './function-stats.ts'
import type { Invocation } from './invocation.ts'
import { isolationStatus } from './isolation-status.ts'
import { type Claimant, weightOfEach } from './policy/fair-share.ts'
import { isExcess } from './policy/limits.ts'
import { isOneShot, SUCCESSOR_DELAY_MS } from './policy/recycling.ts'
import { type Wanted, workersWanted } from './policy/scheduling.ts'
import type { UnkeptSetting } from './resources/process-group.ts'
import { sameSecrets } from './secret.ts'
import { ServingWorkers } from './serving-workers.ts'
import type { FunctionSettings } from './settings.ts'
import type { FunctionStatus } from './status.ts'
import type { Confined, ErrorReport } from './wire/messages.ts'
import type { Worker } from './worker.ts'
import type { WorkerOwner } from './worker-owner.ts'
import type { DeathReason } from './worker-state.ts'

/** What a function's pool needs of the whole. */
export interface FunctionPoolHost {
  readonly wheel: DeadlineWheel
  readonly watch: AnswerWatch
  /** Something changed that may call for starting or retiring workers. Coalesced; never runs at once. */
  requestBalance(pool: FunctionPool): void
  /** The way out for a function whose network is a list of hosts; null: there is none. */
  egressOf(functionName: string): Egress | null
  onUsed(worker: Worker): void
  onLoaded(pool: FunctionPool, worker: Worker): void
  onLoadFailed(pool: FunctionPool, worker: Worker, report: ErrorReport): void
  onRecycling(pool: FunctionPool, worker: Worker, reason: DeathReason): void
  /** Settings that this system does not let anybody see to. */
  onUnkept(pool: FunctionPool, worker: Worker, settings: readonly UnkeptSetting[]): void
  onDied(pool: FunctionPool, worker: Worker): void
  onLog(pool: FunctionPool, worker: Worker, stream: 'stdout' | 'stderr', line: string): void
}

/** Longest time that setTimeout can count; "never" is as good as that. */
const LONGEST_GRACE_MS = 2 ** 31 - 1

export class FunctionPool implements WorkerOwner, FunctionCallsOwner {
  readonly spec: FunctionSpec
  readonly version: number
  readonly stats: FunctionStats
  settings: FunctionSettings
  /** What its workers are made from. */
  kind: BlankKind
  /** Every process that is this function's, draining ones included. */
  readonly workers: Worker[] = []
  readonly #host: FunctionPoolHost
  /** Of each worker, as of the last look. */
  #weight: number
  /** Its invocations that have not ended. */
  readonly calls: FunctionCalls
  /** Those of `workers` that take invocations. */
  readonly serving = new ServingWorkers()
  readonly availability = new Availability()
  isRetired = false
  /** What the last one that loaded has of its isolation; null: none has yet. */
  #confined: Confined | null = null

  constructor(spec: FunctionSpec, version: number, stats: FunctionStats, host: FunctionPoolHost) {
    this.spec = spec
    this.settings = spec.settings
    this.#weight = spec.settings.cpu.weight
    this.kind = kindFor(spec, spec.settings)
    this.version = version
    this.stats = stats
    this.#host = host
    this.calls = new FunctionCalls(this, host.wheel, host.watch)
  }

  /** Every call has a process of its own. */
  get isOneShot(): boolean {
    return isOneShot(this.settings)
  }

  get isIdle(): boolean {
    return this.calls.waiting === 0 && this.workers.every((worker) => worker.inFlight === 0)
  }

  /** What it may claim of a full pool: what somebody waits for, and what its minimum owes it. */
  claim(nowMs: number): Claimant {
    const workers = this.serving.count + this.#loadingCount
    const { minWorkers } = this.settings
    const { now, soon } = this.wanted(nowMs)
    return { workers, minWorkers, wants: Math.max(now, Math.min(now + soon, minWorkers - workers)) }
  }

  /** How many more processes it wants. None while starting is paused. */
  wanted(nowMs: number): Wanted {
    if (this.isRetired || this.availability.isPaused(nowMs)) return { now: 0, soon: 0 }
    return workersWanted({
      waiting: this.calls.waiting,
      loading: this.#loadingCount,
      serving: this.serving.count,
      expiring: this.serving.expiringCount,
      outdated: this.serving.outdatedCount,
      running: this.isOneShot ? this.#runningCount : 0,
      spent: this.isOneShot ? this.serving.spentCount(this.settings, nowMs) : 0,
      minWorkers: this.settings.minWorkers,
      maxWorkers: this.settings.maxWorkers,
      concurrency: this.serving.concurrency(this.settings),
    })
  }

  /** Wants workers, or has some that are being loaded. */
  isWarming(nowMs: number): boolean {
    const { now, soon } = this.wanted(nowMs)
    return now + soon > 0 || this.workers.some((worker) => worker.state === 'loading')
  }

  /** Takes a blank and makes it this function's. */
  adopt(worker: Worker, nowMs: number): void {
    this.workers.push(worker)
    const unkept = worker.limit(this.settings)
    if (unkept.length > 0) this.#host.onUnkept(this, worker, unkept)
    worker.group.weigh(this.#weight)
    const { bootTimeoutMs } = this.settings
    try {
      worker.keepSecret(this.settings.secrets)
      worker.load(
        loadFor(worker, this.spec, this.settings, (name) => this.#host.egressOf(name)),
        this,
        nowMs,
      )
    } catch (error) {
      if (!(error instanceof FolderMissing)) throw error
      worker.owner = this
      worker.death.note = error.message
      return worker.kill('init-failed')
    }
    worker.setDeadline(bootTimeoutMs, () => {
      worker.death.note = `it did not load within its boot time-out of ${bootTimeoutMs} ms`
      worker.kill('init-failed')
    })
  }

  /** Retires what has been idle, lived or grown too much. Idempotent. */
  retireExpired(nowMs: number): void {
    for (const [worker, reason] of this.serving.expired(this.settings, nowMs)) this.expire(worker, reason)
    for (;;) {
      const surplus = this.serving.idleSurplus(this.settings, nowMs)
      if (surplus === undefined) return
      this.drain(surplus, 'idle', nowMs)
    }
  }

  surplusOf(worker: Worker): number {
    return this.serving.has(worker) ? this.serving.count - this.settings.minWorkers : 0
  }

  isSpare(worker: Worker): boolean {
    return worker.state === 'ready' && this.serving.count > this.settings.minWorkers && this.serving.has(worker)
  }

  evict(worker: Worker, nowMs: number): void {
    this.drain(worker, 'evicted', nowMs)
  }

  /** Ends workers whose event loop does not turn. */
  checkResponsive(nowMs: number, pingEveryMs: number): void {
    for (const worker of this.serving.unresponsive(this.settings, nowMs, pingEveryMs)) {
      this.serving.remove(worker)
      worker.kill('unresponsive')
    }
  }

  /** The function's share of the processors, among those of its workers that use any. */
  shareProcessors(): void {
    const busy = this.workers.filter(({ state }) => state === 'busy').length
    this.#weight = weightOfEach(this.settings.cpu.weight, busy)
    for (const worker of this.workers) worker.group.weigh(this.#weight)
  }

  /** Ends workers that use more than they may, whatever they are at. */
  checkLimits(): void {
    for (const worker of this.workers) {
      const excess = worker.state === 'dead' ? null : worker.usage.excess
      if (excess === null) continue
      this.serving.remove(worker)
      worker.killFor(excess)
    }
  }

  /** New numbers for the same bundle; a changed environment or isolation is a new start for its workers. */
  retune(settings: FunctionSettings, nowMs: number): void {
    const isEnvChanged =
      JSON.stringify(settings.env) !== JSON.stringify(this.settings.env) ||
      !sameSecrets(settings.secrets, this.settings.secrets)
    const isOutdated = isEnvChanged || !sameIsolation(settings, this.settings)
    if (!sameIsolation(settings, this.settings)) this.#confined = null
    this.kind = kindAfter(this.kind, this.spec, this.settings, settings)
    this.settings = settings
    for (const worker of this.workers) worker.limit(settings)
    this.shareProcessors()
    for (const [worker, reason] of this.serving.retune(settings, isOutdated)) this.expire(worker, reason)
    // What is loaded with the old ones would not be among those that expire.
    if (isOutdated) for (const worker of this.workers) if (worker.state === 'loading') worker.kill('replaced')
    for (const worker of this.serving.beyondMaximum(settings)) this.drain(worker, 'replaced', nowMs)
    this.#host.requestBalance(this)
  }

  /** Ends this bundle's life: hands what waits to its successor, and lets the workers finish what they have. */
  retire(successor: FunctionPool | null, reason: DeathReason, nowMs: number): void {
    this.isRetired = true
    this.calls.handOn(successor?.calls ?? null, nowMs)
    for (const worker of [...this.workers]) {
      if (worker.state === 'loading') worker.kill(reason)
      else this.drain(worker, reason, nowMs)
    }
  }

  /** Ends everything at once; what was under way is told so. */
  abort(failure: InvocationFailure): void {
    this.calls.failWaiting(failure)
    for (const worker of this.workers) worker.kill('shutdown')
  }

  status(nowMs: number): FunctionStatus {
    const { stats, spec } = this
    return {
      name: spec.name,
      version: this.version,
      bundle: spec.bundle,
      runtime: spec.runtime,
      isolation: isolationStatus(this.settings, this.kind, this.#confined),
      starts: { ...stats.starts },
      deaths: { ...stats.deaths },
      invocations: stats.invocations,
      errors: stats.errors,
      latencyMs: stats.latencyMs(),
      queue: this.calls.waiting,
      unavailable: this.availability.status(nowMs),
      workers: this.workers.map((worker) => worker.status(nowMs)),
    }
  }

  // What a worker tells.

  onBooted(): void {}

  onLoaded(worker: Worker): void {
    worker.clearDeadline()
    const nowMs = performance.now()
    if (this.isRetired) return worker.drain('replaced', 0, nowMs)
    this.availability.onLoaded()
    const { degraded } = this.kind
    if (degraded !== null) worker.confined = withoutSandbox(worker.confined, degraded)
    this.#confined = worker.confined
    this.serving.add(worker, this.settings)
    this.#host.onLoaded(this, worker)
    this.calls.serveWaiting(worker, nowMs)
    // Made before broken: the one it replaces may go now.
    const replaced = this.serving.firstExpiring
    if (replaced !== undefined) this.drain(replaced, replaced.expiring!, nowMs)
    this.#host.requestBalance(this)
  }

  onLoadFailed(worker: Worker, report: ErrorReport): void {
    this.#host.onLoadFailed(this, worker, report)
    this.availability.onLoadFailed(`${report.name}: ${report.message}`, report, performance.now())
    this.calls.tellUnavailable(performance.now())
  }

  onFreed(worker: Worker, invocation: Invocation, failure: InvocationFailure | null, nowMs: number): void {
    this.calls.onFreed(invocation, failure, nowMs)
    this.availability.onServed()
    if (worker.state === 'ready' || worker.state === 'busy') {
      if (!this.calls.serveWaiting(worker, nowMs) && worker.state === 'ready') this.#host.onUsed(worker)
    }
  }

  onDied(worker: Worker, orphans: readonly Invocation[]): void {
    worker.clearDeadline()
    this.serving.remove(worker)
    this.workers.splice(this.workers.indexOf(worker), 1)
    const reason = worker.death.reason!
    this.stats.countDeath(reason)
    this.#host.onDied(this, worker)
    const nowMs = performance.now()
    if (reason === 'crash' && !worker.death.wasKilled) this.availability.onCrashed(worker.death.description, nowMs)
    else if (
      (reason === 'init-failed' || (isExcess(reason) && worker.death.during === 'loading')) &&
      !this.availability.isPaused(nowMs)
    ) {
      this.availability.onLoadFailed(`the worker ended: ${worker.death.description}`, null, nowMs)
    }
    this.calls.onOrphans(worker, orphans, nowMs)
    this.#host.requestBalance(this)
  }

  onLog(worker: Worker, stream: 'stdout' | 'stderr', line: string): void {
    this.#host.onLog(this, worker, stream, line)
  }

  firstLoading(): Worker | undefined {
    return this.workers.find((worker) => worker.state === 'loading')
  }

  onChanged(): void {
    this.#host.requestBalance(this)
  }

  get #loadingCount(): number {
    return this.workers.reduce((count, worker) => count + (worker.state === 'loading' ? 1 : 0), 0)
  }

  /** Of a one-shot function. What was given up is about to go. */
  get #runningCount(): number {
    return this.workers.reduce((count, { death, inFlight }) => {
      return count + (death.reason === 'invocations' && inFlight > 0 ? 1 : 0)
    }, 0)
  }

  expire(worker: Worker, reason: DeathReason): void {
    if (worker.isExpiring) return
    worker.expiring = reason
    this.#host.onRecycling(this, worker, reason)
    this.#host.requestBalance(this)
  }

  spend(worker: Worker, nowMs: number): void {
    this.serving.spend(worker, nowMs)
    this.drain(worker, 'invocations', nowMs)
    // A timer may come a little early.
    setTimeout(() => this.#host.requestBalance(this), SUCCESSOR_DELAY_MS + 1).unref()
  }

  drain(worker: Worker, reason: DeathReason, nowMs: number): void {
    this.serving.remove(worker)
    worker.drain(reason, Math.min(LONGEST_GRACE_MS, this.settings.timeoutMs + TIMEOUT_GRACE_MS), nowMs)
  }
}
