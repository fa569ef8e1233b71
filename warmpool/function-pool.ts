/**
 * The workers and the waiting list of one bundle of one function. It admits invocations, hands each to a worker,
 * knows how many workers it wants and which should go; processes it gets from the warm pool (its host). It guarantees
 * that an invocation ends exactly once, and that one which may have run is never run again unless the function says
 * that is harmless.
 */
import { type AnswerWatch, Watched } from './answer-watch.ts'
import { Availability } from './availability.ts'
import { type BlankKind, kindFor } from './blank-kind.ts'
import { confinementOf, sameIsolation, withoutSandbox } from './confinement.ts'
import type { DeadlineWheel } from './deadline-wheel.ts'
import { InvocationFailure } from './failure.ts'
import type { FunctionSpec } from './function-spec.ts'
import type { FunctionStats } from './function-stats.ts'
import type { Invocation, InvocationOwner } from './invocation.ts'
import type { Claimant } from './policy/fair-share.ts'
import { isExcess } from './policy/limits.ts'
import { isOneShot } from './policy/recycling.ts'
import { startKind, type Wanted, workersWanted } from './policy/scheduling.ts'
import { makePrivateFolder } from './private-folder.ts'
import type { UnkeptSetting } from './resources/process-group.ts'
import { lastAnswer } from './sandbox/available.ts'
import { sameSecrets, withSecrets } from './secret.ts'
import { ServingWorkers } from './serving-workers.ts'
import type { FunctionSettings } from './settings.ts'
import type { FunctionStatus } from './status.ts'
import { WaitingList } from './waiting-list.ts'
import type { Confined, Confinement, ErrorReport } from './wire/messages.ts'
import type { Worker, WorkerOwner } from './worker.ts'
import type { DeathReason } from './worker-state.ts'

/** What a function's pool needs of the whole. */
export interface FunctionPoolHost {
  readonly wheel: DeadlineWheel
  readonly watch: AnswerWatch
  /** Something changed that may call for starting or retiring workers. Coalesced; never runs at once. */
  requestBalance(pool: FunctionPool): void
  onUsed(worker: Worker): void
  onLoaded(pool: FunctionPool, worker: Worker): void
  onLoadFailed(pool: FunctionPool, worker: Worker, report: ErrorReport): void
  onRecycling(pool: FunctionPool, worker: Worker, reason: DeathReason): void
  /** Settings that this system does not let anybody see to. */
  onUnkept(pool: FunctionPool, worker: Worker, settings: readonly UnkeptSetting[]): void
  onDied(pool: FunctionPool, worker: Worker): void
  onLog(pool: FunctionPool, worker: Worker, stream: 'stdout' | 'stderr', line: string): void
}

/** A worker that never ran an invocation dies under it at most so often before the caller is told. */
const MAX_RETRIES = 16
/** What siblings of a timed-out invocation may still take. */
const TIMEOUT_GRACE_MS = 5_000
/** Longest time that setTimeout can count; "never" is as good as that. */
const LONGEST_GRACE_MS = 2 ** 31 - 1

export class FunctionPool implements WorkerOwner, InvocationOwner {
  readonly spec: FunctionSpec
  readonly version: number
  readonly stats: FunctionStats
  settings: FunctionSettings
  /** What its workers are made from. */
  kind: BlankKind
  /** Every process that is this function's, draining ones included. */
  readonly workers: Worker[] = []
  readonly #host: FunctionPoolHost
  readonly #waiting: WaitingList
  /** Those of `workers` that take invocations. */
  readonly #serving = new ServingWorkers()
  readonly #availability = new Availability()
  readonly #watched = new Watched()
  #retired = false
  /** What the last one that loaded has of its isolation; null: none has yet. */
  #confined: Confined | null = null

  constructor(spec: FunctionSpec, version: number, stats: FunctionStats, host: FunctionPoolHost) {
    this.spec = spec
    this.settings = spec.settings
    this.kind = kindFor(spec, spec.settings)
    this.version = version
    this.stats = stats
    this.#host = host
    this.#waiting = new WaitingList(host.wheel)
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.workers.every((worker) => worker.inFlight === 0)
  }

  /** What it may claim of a full pool: what somebody waits for, and what its minimum owes it. */
  claim(nowMs: number): Claimant {
    const workers = this.#serving.count + this.#loadingCount
    const { minWorkers } = this.settings
    const { now, soon } = this.wanted(nowMs)
    return { workers, minWorkers, wants: Math.max(now, Math.min(now + soon, minWorkers - workers)) }
  }

  admit(invocation: Invocation, nowMs: number): void {
    invocation.owner = this
    invocation.admittedAtMs = nowMs
    this.stats.invocations++
    this.#serve(invocation, nowMs)
  }

  /** How many more processes it wants. None while starting is paused. */
  wanted(nowMs: number): Wanted {
    if (this.#retired || this.#availability.isPaused(nowMs)) return { now: 0, soon: 0 }
    return workersWanted({
      waiting: this.#waiting.length,
      loading: this.#loadingCount,
      serving: this.#serving.count,
      expiring: this.#serving.expiringCount,
      outdated: this.#serving.outdatedCount,
      minWorkers: this.settings.minWorkers,
      maxWorkers: this.settings.maxWorkers,
      concurrency: this.#serving.concurrency(this.settings),
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
    const { bundle: _bundle, runtime: _runtime, settings: _settings, ...spec } = this.spec
    const { secrets, bootTimeoutMs: timeoutMs } = this.settings
    const env = withSecrets(this.settings.env, secrets)
    const memoryBytes = Number.isFinite(this.settings.memoryBytes) ? this.settings.memoryBytes : null
    const unkept = worker.limit(this.settings)
    if (unkept.length > 0) this.#host.onUnkept(this, worker, unkept)
    const confinement = this.#confinementFor(worker)
    if (confinement === undefined) return
    worker.keepSecret(secrets)
    worker.load({ ...spec, memoryBytes, timeoutMs, env, confinement }, this, nowMs)
    worker.setDeadline(timeoutMs, () => {
      worker.note = `it did not load within ${timeoutMs} ms`
      worker.kill('init-failed')
    })
  }

  /** Retires what has been idle, lived or grown too much. Idempotent. */
  retireExpired(nowMs: number): void {
    for (const [worker, reason] of this.#serving.expired(this.settings, nowMs)) this.#expire(worker, reason)
    for (;;) {
      const surplus = this.#serving.idleSurplus(this.settings, nowMs)
      if (surplus === undefined) return
      this.#drain(surplus, 'idle', nowMs)
    }
  }

  surplusOf(worker: Worker): number {
    return this.#serving.has(worker) ? this.#serving.count - this.settings.minWorkers : 0
  }

  isSpare(worker: Worker): boolean {
    return worker.state === 'ready' && this.#serving.count > this.settings.minWorkers && this.#serving.has(worker)
  }

  evict(worker: Worker, nowMs: number): void {
    this.#drain(worker, 'evicted', nowMs)
  }

  /** Ends workers whose event loop does not turn. */
  checkResponsive(nowMs: number, pingEveryMs: number): void {
    for (const worker of this.#serving.unresponsive(this.settings, nowMs, pingEveryMs)) {
      this.#serving.remove(worker)
      worker.kill('unresponsive')
    }
  }

  /** Ends workers that use more than they may, whatever they are at. */
  checkLimits(): void {
    for (const worker of this.workers) {
      const excess = worker.state === 'dead' ? null : worker.excess
      if (excess === null) continue
      this.#serving.remove(worker)
      worker.killFor(excess)
    }
  }

  /** New numbers for the same bundle; a changed environment or isolation is a new start for its workers. */
  retune(settings: FunctionSettings, nowMs: number): void {
    const isEnvChanged =
      JSON.stringify(settings.env) !== JSON.stringify(this.settings.env) ||
      !sameSecrets(settings.secrets, this.settings.secrets)
    const isOutdated = isEnvChanged || !sameIsolation(settings, this.settings)
    if (!sameIsolation(settings, this.settings)) {
      this.kind = kindFor(this.spec, settings)
      this.#confined = null
    }
    this.settings = settings
    for (const worker of this.workers) worker.limit(settings)
    for (const [worker, reason] of this.#serving.retune(settings, isOutdated)) this.#expire(worker, reason)
    // What is loaded with the old ones would not be among those that expire.
    if (isOutdated) for (const worker of this.workers) if (worker.state === 'loading') worker.kill('replaced')
    for (const worker of this.#serving.beyondMaximum(settings)) this.#drain(worker, 'replaced', nowMs)
    this.#host.requestBalance(this)
  }

  /** Ends this bundle's life: hands what waits to its successor, and lets the workers finish what they have. */
  retire(successor: FunctionPool | null, reason: DeathReason, nowMs: number): void {
    this.#retired = true
    for (const waiting of this.#waiting.takeAll()) {
      if (successor === null) this.#fail(waiting, new InvocationFailure('shutdown', 'The function was removed'))
      else successor.take(waiting, nowMs)
    }
    for (const worker of [...this.workers]) {
      if (worker.state === 'loading') worker.kill(reason)
      else this.#drain(worker, reason, nowMs)
    }
  }

  /** An invocation that waited for the bundle before this one. */
  take(invocation: Invocation, nowMs: number): void {
    invocation.owner = this
    this.#serve(invocation, nowMs)
  }

  /** Ends everything at once; what was under way is told so. */
  abort(failure: InvocationFailure): void {
    this.failWaiting(failure)
    for (const worker of this.workers) worker.kill('shutdown')
  }

  /** Tells everybody who waits that no process could be started. The platform's fault. */
  failWaiting(failure: InvocationFailure): void {
    for (const waiting of this.#waiting.takeAll()) this.#fail(waiting, failure)
  }

  status(nowMs: number): FunctionStatus {
    const { stats, spec } = this
    return {
      name: spec.name,
      version: this.version,
      bundle: spec.bundle,
      runtime: spec.runtime,
      isolation: this.#isolationStatus(),
      starts: { ...stats.starts },
      deaths: { ...stats.deaths },
      invocations: stats.invocations,
      errors: stats.errors,
      latencyMs: stats.latencyMs(),
      queue: this.#waiting.length,
      unavailable: this.#availability.status(nowMs),
      workers: this.workers.map((worker) => worker.status(nowMs)),
    }
  }

  // What an invocation tells.

  onExpired(invocation: Invocation, nowMs: number): void {
    if (invocation.state === 'queued') {
      this.#waiting.remove(invocation)
      const waitedMs = Math.round(nowMs - invocation.admittedAtMs)
      this.#fail(invocation, new InvocationFailure('queue-timeout', `No worker became free within ${waitedMs} ms`))
    } else if (invocation.worker === null) return
    else if (invocation.activeAtMs === 0 || invocation.endsAtMs <= nowMs) {
      this.#onTimeout(invocation, invocation.worker, nowMs)
    } else this.#onQuiet(invocation, invocation.worker, nowMs)
  }

  onTooLarge(invocation: Invocation): void {
    const { responseBytes } = this.settings.limits
    invocation.worker?.cancel(invocation)
    this.stats.errors++
    invocation.fail(new InvocationFailure('response-too-large', `Its response is longer than ${responseBytes} bytes`))
  }

  onStreaming(invocation: Invocation): void {
    const { streamTimeoutMs } = this.settings
    if (!Number.isFinite(streamTimeoutMs)) return
    const { wheel } = this.#host
    const nowMs = performance.now()
    invocation.endsAtMs = invocation.expiresAtMs
    invocation.activeAtMs = nowMs
    wheel.clear(invocation)
    wheel.set(invocation, Math.min(invocation.endsAtMs, nowMs + streamTimeoutMs))
  }

  onCancelled(invocation: Invocation): void {
    if (invocation.state === 'queued') {
      this.#waiting.remove(invocation)
      invocation.state = 'ended'
    } else invocation.worker?.cancel(invocation)
  }

  // What a worker tells.

  onBooted(): void {}

  onLoaded(worker: Worker): void {
    worker.clearDeadline()
    const nowMs = performance.now()
    if (this.#retired) return worker.drain('replaced', 0, nowMs)
    this.#availability.onLoaded()
    const { degraded } = this.kind
    if (degraded !== null) worker.confined = withoutSandbox(worker.confined, degraded)
    this.#confined = worker.confined
    this.#serving.add(worker, this.settings)
    this.#host.onLoaded(this, worker)
    this.#serveWaiting(worker, nowMs)
    // Made before broken: the one it replaces may go now.
    const replaced = this.#serving.firstExpiring
    if (replaced !== undefined) this.#drain(replaced, replaced.expiring!, nowMs)
    this.#host.requestBalance(this)
  }

  onLoadFailed(worker: Worker, report: ErrorReport): void {
    this.#host.onLoadFailed(this, worker, report)
    this.#availability.onLoadFailed(`${report.name}: ${report.message}`, report, performance.now())
    this.#tellUnavailable(performance.now())
  }

  onFreed(worker: Worker, invocation: Invocation, failure: InvocationFailure | null, nowMs: number): void {
    this.#host.watch.freed(1)
    this.#host.wheel.clear(invocation)
    this.stats.recordLatency(nowMs - invocation.sentAtMs)
    if (failure !== null && failure.code !== 'cancelled') this.stats.errors++
    this.#availability.onServed()
    if (worker.state === 'ready' || worker.state === 'busy') {
      if (this.#waiting.length > 0) this.#serveWaiting(worker, nowMs)
      else if (worker.state === 'ready') this.#host.onUsed(worker)
    }
  }

  onDied(worker: Worker, orphans: readonly Invocation[]): void {
    worker.clearDeadline()
    this.#host.watch.freed(orphans.length)
    this.#serving.remove(worker)
    this.workers.splice(this.workers.indexOf(worker), 1)
    const reason = worker.reason!
    this.stats.countDeath(reason)
    this.#host.onDied(this, worker)
    const nowMs = performance.now()
    if (reason === 'crash' && !worker.wasKilled) this.#availability.onCrashed(worker.describeDeath(), nowMs)
    else if (
      (reason === 'init-failed' || (isExcess(reason) && worker.diedIn === 'loading')) &&
      !this.#availability.isPaused(nowMs)
    ) {
      this.#availability.onLoadFailed(`the worker ended: ${worker.describeDeath()}`, null, nowMs)
    }
    this.#tellUnavailable(nowMs)
    // Backwards, so that those that never ran are back at the front in their old order.
    for (let at = orphans.length - 1; at >= 0; at--) this.#onOrphan(worker, orphans[at]!, nowMs)
    this.#host.requestBalance(this)
  }

  onLog(worker: Worker, stream: 'stdout' | 'stderr', line: string): void {
    this.#host.onLog(this, worker, stream, line)
  }

  get #loadingCount(): number {
    return this.workers.reduce((count, worker) => count + (worker.state === 'loading' ? 1 : 0), 0)
  }

  /** Undefined when there is no folder for it: then it is on its way out. */
  #confinementFor(worker: Worker): Confinement | null | undefined {
    if (this.settings.isolation === 'trusted') return null
    const { sandboxed } = worker
    try {
      const folder = sandboxed?.folder ?? makePrivateFolder(sandboxed?.user)
      return confinementOf(this.settings, this.spec.readable, folder, sandboxed)
    } catch (error) {
      worker.owner = this
      worker.note = `it has no folder of its own: ${(error as Error).message}`
      worker.kill('init-failed')
      return undefined
    }
  }

  #isolationStatus(): FunctionStatus['isolation'] {
    const { isolation: profile, network } = this.settings
    const { inForce, missing } = this.#confined ?? { inForce: null, missing: this.#missingSandbox() }
    return { profile, network, inForce: profile === 'trusted' ? [] : inForce, missing }
  }

  /** What is known before a worker has loaded it. */
  #missingSandbox(): Confined['missing'] {
    const { degraded, sandbox } = this.kind
    const why = degraded ?? (sandbox === null ? null : lastAnswer(sandbox.network))
    return why === null ? [] : [{ mechanism: 'namespaces', why }]
  }

  #serve(invocation: Invocation, nowMs: number): void {
    const worker = this.#waiting.length === 0 ? this.#serving.free(this.settings) : null
    if (worker !== null) this.#handOver(worker, invocation, nowMs)
    else this.#enqueue(invocation, nowMs)
  }

  #enqueue(invocation: Invocation, nowMs: number): void {
    const { max, timeoutMs } = this.settings.queue
    const unavailable = this.#serving.count === 0 ? this.#availability.failure(nowMs) : null
    if (unavailable !== null) return this.#fail(invocation, unavailable)
    if (this.#waiting.length >= max) {
      return this.#fail(invocation, new InvocationFailure('queue-full', `${max} invocations wait already`))
    }
    this.#waiting.push(invocation, nowMs + timeoutMs)
    this.#host.requestBalance(this)
  }

  #handOver(worker: Worker, invocation: Invocation, nowMs: number): void {
    const timeoutMs = invocation.timeoutMs ?? this.settings.timeoutMs
    invocation.startKind = startKind(invocation.admittedAtMs, worker)
    this.stats.starts[invocation.startKind]++
    this.#host.wheel.set(invocation, nowMs + timeoutMs)
    invocation.responseBytesLeft = this.settings.limits.responseBytes
    worker.begin(invocation, nowMs, timeoutMs)
    this.#host.watch.handedOver(invocation, this.#watched, nowMs)
    if (worker.invocations >= worker.budget.invocations && !worker.isExpiring) {
      if (isOneShot(this.settings)) this.#drain(worker, 'invocations', nowMs)
      else this.#expire(worker, 'invocations')
    }
  }

  #serveWaiting(worker: Worker, nowMs: number): void {
    const concurrency = this.#serving.concurrency(this.settings)
    while (this.#waiting.length > 0 && worker.inFlight < concurrency && worker.state !== 'draining') {
      this.#handOver(worker, this.#waiting.shift()!, nowMs)
    }
  }

  /** It serves on until its replacement is warm. */
  #expire(worker: Worker, reason: DeathReason): void {
    if (worker.isExpiring) return
    worker.expiring = reason
    this.#host.onRecycling(this, worker, reason)
    this.#host.requestBalance(this)
  }

  #drain(worker: Worker, reason: DeathReason, nowMs: number): void {
    this.#serving.remove(worker)
    worker.drain(reason, Math.min(LONGEST_GRACE_MS, this.settings.timeoutMs + TIMEOUT_GRACE_MS), nowMs)
  }

  #onTimeout(invocation: Invocation, worker: Worker, nowMs: number): void {
    this.#serving.remove(worker)
    if (worker.hasNotBegun(invocation)) {
      worker.note = 'it did not begin an invocation that it was given'
      return worker.kill('unresponsive')
    }
    const message = `It ran longer than its time-out of ${invocation.timeoutMs ?? this.settings.timeoutMs} ms`
    const failure = new InvocationFailure('timeout', message, { reason: 'timeout', state: worker.state })
    this.#giveUp(invocation, worker, failure, 'timeout', nowMs)
  }

  /** A streamed response: it has been silent for too long, or its deadline is put off. */
  #onQuiet(invocation: Invocation, worker: Worker, nowMs: number): void {
    const { streamTimeoutMs } = this.settings
    // A caller that takes nothing keeps the function from sending: the gateway has a deadline of its own for that.
    const since = invocation.isHeldBack ? nowMs : invocation.activeAtMs
    if (since + streamTimeoutMs > nowMs) {
      this.#host.wheel.set(invocation, Math.min(invocation.endsAtMs, since + streamTimeoutMs))
      return
    }
    this.#serving.remove(worker)
    const message = `Its response stood still for ${streamTimeoutMs} ms`
    const failure = new InvocationFailure('stream-timeout', message, { reason: 'stream-timeout', state: worker.state })
    this.#giveUp(invocation, worker, failure, 'stream-timeout', nowMs)
  }

  #giveUp(
    invocation: Invocation,
    worker: Worker,
    failure: InvocationFailure,
    reason: DeathReason,
    nowMs: number,
  ): void {
    this.stats.errors++
    worker.abandon(invocation, failure)
    worker.drain(reason, TIMEOUT_GRACE_MS, nowMs)
    this.#host.requestBalance(this)
  }

  /** The worker died under it. */
  #onOrphan(worker: Worker, invocation: Invocation, nowMs: number): void {
    this.#host.wheel.clear(invocation)
    if (invocation.state === 'ended') return
    if (invocation.isCancelled) {
      invocation.state = 'ended'
      return
    }
    // What used too much would do so again.
    const isWorthAnother = this.settings.idempotent && !isExcess(worker.reason)
    const mayRunAgain = worker.neverBegan(invocation) || (isWorthAnother && invocation.state === 'sent')
    if (mayRunAgain && invocation.retries < MAX_RETRIES && !this.#retired) return this.#again(invocation, nowMs)
    this.stats.errors++
    const { reason } = worker
    const died = worker.hasBrokenProtocol ? 'worker-broke-protocol' : 'worker-died'
    const code = isExcess(reason) ? reason : died
    const message = isExcess(reason)
      ? `The worker was ended while running it: ${worker.note}`
      : `The worker died while running it: ${worker.describeDeath()}`
    invocation.fail(new InvocationFailure(code, message, { reason: worker.reason!, state: worker.diedIn }))
  }

  #again(invocation: Invocation, nowMs: number): void {
    invocation.retries++
    invocation.worker = null
    const unavailable = this.#serving.count === 0 ? this.#availability.failure(nowMs) : null
    if (unavailable !== null) return this.#fail(invocation, unavailable)
    const worker = this.#serving.free(this.settings)
    if (worker !== null) return this.#handOver(worker, invocation, nowMs)
    this.#waiting.unshift(invocation, nowMs + this.settings.queue.timeoutMs)
  }

  /** Starting is paused: everybody who waits is told, unless a worker that was started before can serve. */
  #tellUnavailable(nowMs: number): void {
    const failure = this.#serving.count === 0 ? this.#availability.failure(nowMs) : null
    if (failure !== null) this.failWaiting(failure)
  }

  /** For one that no worker holds. */
  #fail(invocation: Invocation, failure: InvocationFailure): void {
    this.stats.errors++
    invocation.fail(failure)
  }
}
