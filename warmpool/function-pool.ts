/**
 * The workers of one bundle of one function, from the blank to the death: which should go, and what that means for the
 * rest. Processes it gets from the warm pool (its host). Those that load, those that serve, its invocations
 * (function-calls.ts) and how many workers it wants (function-demand.ts) are in files of their own.
 */
import type { AnswerWatch } from './answer-watch.ts'
import { Availability } from './availability.ts'
import type { BlankKind } from './blank-kind.ts'
import type { DeadlineWheel } from './deadline-wheel.ts'
import type { Egress } from './egress.ts'
import type { InvocationFailure } from './failure.ts'
import { FunctionCalls, type FunctionCallsOwner, TIMEOUT_GRACE_MS } from './function-calls.ts'
import { FunctionDemand, type FunctionDemandOwner } from './function-demand.ts'
import { FunctionIsolation } from './function-isolation.ts'
import type { FunctionSpec } from './function-spec.ts'
import type { FunctionStats } from './function-stats.ts'
import type { Invocation } from './invocation.ts'
import { LoadingWorkers } from './loading-workers.ts'
import { LoadTimes } from './policy/eviction.ts'
import { weightOfEach } from './policy/fair-share.ts'
import type { MemoryLimits } from './policy/memory-growth.ts'
import type { Part } from './policy/minimums.ts'
import { isOneShot, isRenewed, SUCCESSOR_DELAY_MS } from './policy/recycling.ts'
import type { UnkeptSetting } from './resources/process-group.ts'
import { clock } from './running-clock.ts'
import { sameSecrets } from './secret.ts'
import { ServingWorkers } from './serving-workers.ts'
import type { FunctionSettings } from './settings.ts'
import type { FunctionStatus } from './status.ts'
import type { ErrorReport } from './wire/messages.ts'
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

export class FunctionPool implements WorkerOwner, FunctionCallsOwner, FunctionDemandOwner {
  readonly spec: FunctionSpec
  readonly version: number
  readonly stats: FunctionStats
  settings: FunctionSettings
  /** Every process that is this function's, draining ones included. */
  readonly workers: Worker[] = []
  readonly #host: FunctionPoolHost
  /** Of each worker, as of the last look. */
  #weight: number
  /** Its invocations that have not ended. */
  readonly calls: FunctionCalls
  /** Those of `workers` that will take invocations, and those that do. */
  readonly loading: LoadingWorkers
  readonly serving = new ServingWorkers()
  readonly availability = new Availability()
  readonly demand = new FunctionDemand(this)
  readonly #isolation: FunctionIsolation
  readonly #loadTimes = new LoadTimes()
  isRetired = false
  /** Of its minimum, what the pool has room for. */
  minimum: Part
  /** Somebody waits until it is warm: it comes before the others' minimums. */
  isAwaitedWarm = false

  constructor(spec: FunctionSpec, version: number, stats: FunctionStats, host: FunctionPoolHost) {
    this.spec = spec
    this.settings = spec.settings
    this.minimum = { guaranteed: spec.settings.minWorkers, warmed: spec.settings.minWorkers }
    this.#weight = spec.settings.cpu.weight
    this.#isolation = new FunctionIsolation(spec)
    this.version = version
    this.stats = stats
    this.#host = host
    this.loading = new LoadingWorkers(spec, (name) => host.egressOf(name))
    this.calls = new FunctionCalls(this, host.wheel, host.watch)
  }

  /** What its workers are made from. */
  get kind(): BlankKind {
    return this.#isolation.kind
  }

  /** Every call has a process of its own. */
  get isOneShot(): boolean {
    return isOneShot(this.settings)
  }

  get isIdle(): boolean {
    return this.calls.waiting === 0 && this.workers.every((worker) => worker.inFlight === 0)
  }

  /** Takes a blank and makes it this function's. */
  adopt(worker: Worker, nowMs: number): void {
    this.workers.push(worker)
    const unkept = worker.limit(this.settings)
    if (unkept.length > 0) this.#host.onUnkept(this, worker, unkept)
    worker.group.weigh(this.#weight)
    this.loading.load(worker, this.settings, this, nowMs)
  }

  /** Retires what has been idle, lived or grown too much. Idempotent. */
  retireExpired(nowMs: number): void {
    for (const [worker, reason] of this.serving.expired(this.settings, nowMs)) {
      const isOfMinimum = this.serving.count <= this.minimum.warmed
      if (isRenewed(worker.invocations, isOfMinimum, this.settings.idleTimeoutMs)) this.expire(worker, reason)
      else this.drain(worker, reason, nowMs)
    }
    for (;;) {
      const surplus = this.serving.idleSurplus(this.settings, this.minimum.warmed, nowMs)
      if (surplus === undefined) return
      this.drain(surplus, 'idle', nowMs)
    }
  }

  get usualLoadMs(): number {
    return this.#loadTimes.usualMs
  }

  surplusOf(worker: Worker): number {
    return this.serving.has(worker) ? this.serving.count - this.minimum.guaranteed : 0
  }

  isSpare(worker: Worker): boolean {
    return worker.state === 'ready' && this.serving.count > this.minimum.guaranteed && this.serving.has(worker)
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
  checkLimits(nowMs: number): void {
    for (const worker of [...this.workers]) {
      const excess = worker.state === 'dead' ? null : worker.usage.excess
      if (excess === null) {
        if (!worker.usage.isQuiet) this.#spare(worker, nowMs)
        continue
      }
      this.serving.remove(worker)
      worker.killFor(excess)
    }
  }

  sampleMemory(worker: Worker, nowMs: number): void {
    worker.memorySampleAt = worker.invocations + worker.usage.sampleMemory(this.#memoryLimits)
    this.#spare(worker, nowMs)
    if (worker.usage.rssBytes > this.settings.memoryBytes) this.#host.requestBalance(this)
  }

  get #memoryLimits(): MemoryLimits {
    const { memoryBytes, limits } = this.settings
    return { recycledAtBytes: memoryBytes, endedAtBytes: limits.memoryBytes }
  }

  /** What could reach its limit with one more call gets none, and ends those that it has. */
  #spare(worker: Worker, nowMs: number): void {
    if (worker.usage.mayTakeMore(this.#memoryLimits) || !this.serving.has(worker)) return
    if (!worker.isExpiring) this.#host.onRecycling(this, worker, 'memory')
    this.drain(worker, 'memory', nowMs)
    this.#host.requestBalance(this)
  }

  /** New numbers for the same bundle; a changed environment or isolation is a new start for its workers. */
  retune(settings: FunctionSettings, nowMs: number): void {
    const isEnvChanged =
      JSON.stringify(settings.env) !== JSON.stringify(this.settings.env) ||
      !sameSecrets(settings.secrets, this.settings.secrets)
    const isOutdated = this.#isolation.retune(this.settings, settings) || isEnvChanged
    this.settings = settings
    for (const worker of this.workers) worker.limit(settings)
    this.shareProcessors()
    for (const [worker, reason] of this.serving.retune(settings, isOutdated)) this.expire(worker, reason)
    // What is loaded with the old ones would not be among those that expire.
    if (isOutdated) this.loading.killAll('replaced')
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
      isolation: this.#isolation.status(this.settings),
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
    this.loading.remove(worker)
    const nowMs = clock.now()
    if (this.isRetired) return worker.drain('replaced', 0, nowMs)
    this.availability.onLoaded()
    this.#loadTimes.add(worker.loadMs)
    this.#isolation.onLoaded(worker)
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
    this.availability.onLoadFailed(`${report.name}: ${report.message}`, report, clock.now())
    this.calls.tellUnavailable(clock.now())
  }

  onRetiring(worker: Worker): void {
    this.drain(worker, 'unhandled-error', clock.now())
    this.#host.requestBalance(this)
  }

  onFreed(worker: Worker, invocation: Invocation, failure: InvocationFailure | null, nowMs: number): void {
    this.calls.onFreed(invocation, failure, nowMs)
    this.availability.onServed()
    if (worker.state === 'ready' || worker.state === 'busy') {
      if (!this.calls.serveWaiting(worker, nowMs) && worker.state === 'ready') this.#host.onUsed(worker)
    }
  }

  onDied(worker: Worker, orphans: readonly Invocation[]): void {
    this.loading.remove(worker)
    this.serving.remove(worker)
    this.workers.splice(this.workers.indexOf(worker), 1)
    this.stats.countDeath(worker.death.reason!)
    this.#host.onDied(this, worker)
    const nowMs = clock.now()
    this.availability.onDied(worker.death, nowMs)
    this.calls.onOrphans(worker, orphans, nowMs)
    this.#host.requestBalance(this)
  }

  onLog(worker: Worker, stream: 'stdout' | 'stderr', line: string): void {
    this.#host.onLog(this, worker, stream, line)
  }

  onChanged(): void {
    this.#host.requestBalance(this)
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
    // Its calls have deadlines of their own: this is for what outlives them.
    const { timeoutMs, streamTimeoutMs } = this.settings
    worker.drain(reason, Math.max(timeoutMs, streamTimeoutMs) + TIMEOUT_GRACE_MS, nowMs)
  }
}
