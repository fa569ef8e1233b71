/**
 * The invocations of one bundle that have not ended: those that wait, and those that its workers hold. It hands each to a
 * free worker and guarantees that it ends exactly once, and that one which may have run is never run again unless the
 * function says that is harmless. How many workers there are is its pool's business.
 */
import { type AnswerWatch, Watched } from './answer-watch.ts'
import type { Availability } from './availability.ts'
import type { DeadlineWheel } from './deadline-wheel.ts'
import { InvocationFailure } from './failure.ts'
import type { FunctionStats } from './function-stats.ts'
import type { Invocation, InvocationOwner } from './invocation.ts'
import type { LoadingWorkers } from './loading-workers.ts'
import { isExcess } from './policy/limits.ts'
import { patientUntilMs } from './policy/patience.ts'
import { isOneShot } from './policy/recycling.ts'
import { startKind } from './policy/scheduling.ts'
import { clock } from './running-clock.ts'
import type { ServingWorkers } from './serving-workers.ts'
import type { FunctionSettings } from './settings.ts'
import { WaitingList } from './waiting-list.ts'
import type { Worker } from './worker.ts'
import type { DeathReason } from './worker-state.ts'

/** A worker that never ran an invocation dies under it at most so often before the caller is told. */
const MAX_RETRIES = 16
/** What siblings of a timed-out invocation may still take. */
export const TIMEOUT_GRACE_MS = 5_000

/** What is theirs together: the pool of the same bundle. */
export interface FunctionCallsOwner {
  readonly settings: FunctionSettings
  readonly stats: FunctionStats
  readonly loading: LoadingWorkers
  readonly serving: ServingWorkers
  readonly availability: Availability
  readonly isRetired: boolean
  /** It serves on until its replacement is warm. */
  expire(worker: Worker, reason: DeathReason): void
  /** It has taken the only call that it may. */
  spend(worker: Worker, nowMs: number): void
  /** So many calls may have left something in it. */
  sampleMemory(worker: Worker, nowMs: number): void
  /** More or fewer workers may be wanted. */
  onChanged(): void
}

export class FunctionCalls implements InvocationOwner {
  readonly #owner: FunctionCallsOwner
  readonly #wheel: DeadlineWheel
  readonly #watch: AnswerWatch
  readonly #waiting: WaitingList
  readonly #watched = new Watched()

  constructor(owner: FunctionCallsOwner, wheel: DeadlineWheel, watch: AnswerWatch) {
    this.#owner = owner
    this.#wheel = wheel
    this.#watch = watch
    this.#waiting = new WaitingList(wheel)
  }

  get waiting(): number {
    return this.#waiting.length
  }

  admit(invocation: Invocation, nowMs: number): void {
    invocation.admittedAtMs = nowMs
    this.#owner.stats.invocations++
    this.take(invocation, nowMs)
  }

  /** One that was admitted, perhaps by the bundle before this one. */
  take(invocation: Invocation, nowMs: number): void {
    const { serving, settings } = this.#owner
    invocation.owner = this
    const worker = this.#waiting.length === 0 ? serving.free(settings) : null
    if (worker !== null) this.#handOver(worker, invocation, nowMs)
    else this.#enqueue(invocation, nowMs)
  }

  /** Hands all that wait to the bundle after this one; without one they are told. */
  handOn(successor: FunctionCalls | null, nowMs: number): void {
    if (successor === null) this.failWaiting(new InvocationFailure('shutdown', 'The function was removed'))
    else for (const waiting of this.#waiting.takeAll()) successor.take(waiting, nowMs)
  }

  /** Tells everybody who waits. */
  failWaiting(failure: InvocationFailure): void {
    for (const waiting of this.#waiting.takeAll()) this.#fail(waiting, failure)
  }

  /** A worker has free slots. False: nobody waits. */
  serveWaiting(worker: Worker, nowMs: number): boolean {
    if (this.#waiting.length === 0) return false
    const { serving, settings } = this.#owner
    const concurrency = serving.concurrency(settings)
    while (this.#waiting.length > 0 && worker.inFlight < concurrency && worker.state !== 'draining')
      this.#handOver(worker, this.#waiting.shift()!, nowMs)
    return true
  }

  /** A worker has ended one. */
  onFreed(invocation: Invocation, failure: InvocationFailure | null, nowMs: number): void {
    const { stats } = this.#owner
    this.#watch.freed(1)
    this.#wheel.clear(invocation)
    stats.recordLatency(nowMs - invocation.sentAtMs)
    if (failure !== null && failure.code !== 'cancelled') stats.errors++
  }

  /** A worker has died, and these with it. */
  onOrphans(worker: Worker, orphans: readonly Invocation[], nowMs: number): void {
    this.#watch.freed(orphans.length)
    this.tellUnavailable(nowMs)
    // Backwards, so that those that never ran are back at the front in their old order.
    for (let at = orphans.length - 1; at >= 0; at--) this.#onOrphan(worker, orphans[at]!, nowMs)
  }

  /** Starting is paused: everybody who waits is told, unless a worker that was started before can serve. */
  tellUnavailable(nowMs: number): void {
    const failure = this.#unavailable(nowMs)
    if (failure !== null) this.failWaiting(failure)
  }

  // What an invocation tells.

  onExpired(invocation: Invocation, nowMs: number): void {
    if (invocation.state === 'queued') this.#onWaitedOut(invocation, nowMs)
    else if (invocation.worker === null) return
    else if (invocation.state === 'ended') this.#onUnsettled(invocation, invocation.worker, nowMs)
    else if (invocation.activeAtMs > 0) this.#onQuiet(invocation, invocation.worker, nowMs)
    else this.#onHandlerDue(invocation, invocation.worker, nowMs)
  }

  onTooLarge(invocation: Invocation): void {
    const { responseBytes } = this.#owner.settings.limits
    invocation.worker?.cancel(invocation)
    this.#owner.stats.errors++
    invocation.fail(new InvocationFailure('response-too-large', `Its response is longer than ${responseBytes} bytes`))
  }

  onStreaming(invocation: Invocation): void {
    if (invocation.state === 'ended') return
    const { streamTimeoutMs, streamIdleTimeoutMs } = this.#owner.settings
    const nowMs = clock.now()
    invocation.endsAtMs = invocation.isEndless ? Number.POSITIVE_INFINITY : nowMs + streamTimeoutMs
    invocation.activeAtMs = nowMs
    this.#wheel.clear(invocation)
    this.#wheel.set(invocation, Math.min(invocation.endsAtMs, nowMs + streamIdleTimeoutMs))
  }

  onCancelled(invocation: Invocation): void {
    if (invocation.state === 'queued') {
      this.#waiting.remove(invocation)
      invocation.state = 'ended'
    } else if (invocation.worker !== null) this.#cancel(invocation, invocation.worker)
  }

  /** The handler hears of it, and has its time-out to end. */
  #cancel(invocation: Invocation, worker: Worker): void {
    worker.cancel(invocation)
    this.#wheel.clear(invocation)
    invocation.activeAtMs = 0
    this.#wheel.set(invocation, clock.now() + this.#timeoutMs(invocation))
  }

  #enqueue(invocation: Invocation, nowMs: number): void {
    const { max, timeoutMs } = this.#owner.settings.queue
    const unavailable = this.#unavailable(nowMs)
    if (unavailable !== null) return this.#fail(invocation, unavailable)
    if (this.#waiting.length >= max) {
      return this.#fail(invocation, new InvocationFailure('queue-full', `${max} invocations wait already`))
    }
    this.#waiting.push(invocation, nowMs + timeoutMs)
    this.#owner.onChanged()
  }

  #handOver(worker: Worker, invocation: Invocation, nowMs: number): void {
    const timeoutMs = this.#timeoutMs(invocation)
    invocation.startKind = startKind(invocation.admittedAtMs, worker)
    this.#owner.stats.starts[invocation.startKind]++
    invocation.endsAtMs = invocation.isBodyComing
      ? nowMs + this.#owner.settings.streamTimeoutMs
      : Number.POSITIVE_INFINITY
    this.#wheel.set(invocation, Math.min(invocation.endsAtMs, nowMs + timeoutMs))
    invocation.responseBytesLeft = this.#owner.settings.limits.responseBytes
    worker.begin(invocation, nowMs, timeoutMs)
    this.#watch.handedOver(invocation, this.#watched, nowMs)
    if (worker.invocations >= worker.budget.invocations && !worker.isExpiring) {
      if (isOneShot(this.#owner.settings)) this.#owner.spend(worker, nowMs)
      else this.#owner.expire(worker, 'invocations')
    } else if (worker.invocations >= worker.memorySampleAt) this.#owner.sampleMemory(worker, nowMs)
  }

  #onWaitedOut(invocation: Invocation, nowMs: number): void {
    const first = this.#owner.serving.count === 0 ? this.#owner.loading.first : undefined
    const { bootTimeoutMs } = this.#owner.settings
    const untilMs = first === undefined ? null : patientUntilMs(first.stateSinceMs + bootTimeoutMs, nowMs)
    if (untilMs !== null) return this.#wheel.set(invocation, untilMs)
    this.#waiting.remove(invocation)
    const loadingMs = first === undefined ? 0 : Math.round(nowMs - first.stateSinceMs)
    const why =
      first === undefined ? '' : `: the first has been loading for ${loadingMs} ms, of at most ${bootTimeoutMs}`
    const message = `No worker became free within ${Math.round(nowMs - invocation.admittedAtMs)} ms${why}`
    this.#fail(invocation, new InvocationFailure('queue-timeout', message))
  }

  #timeoutMs(invocation: Invocation): number {
    return invocation.timeoutMs ?? this.#owner.settings.timeoutMs
  }

  /** The handler's time is over, unless its caller is still sending: then it counts from the last piece of the body. */
  #onHandlerDue(invocation: Invocation, worker: Worker, nowMs: number): void {
    const endsAtMs = invocation.isBodyComing ? invocation.endsAtMs : Number.POSITIVE_INFINITY
    const since = invocation.isBodyAwaited ? nowMs : Math.max(invocation.sentAtMs, invocation.bodyAtMs)
    const dueAtMs = since + this.#timeoutMs(invocation)
    if (endsAtMs <= nowMs) this.#onTooSlow(invocation, worker, nowMs)
    else if (dueAtMs > nowMs) this.#wheel.set(invocation, Math.min(endsAtMs, dueAtMs))
    else this.#onTimeout(invocation, worker, nowMs)
  }

  /** Its caller has its answer, or was told that there is none; what it has promised to settle is not. */
  #onUnsettled(invocation: Invocation, worker: Worker, nowMs: number): void {
    // That work waits for a caller who is still sending: the time is the caller's, as before the answer.
    if (invocation.isReadOn && invocation.isBodyAwaited && invocation.endsAtMs > nowMs)
      return this.#wheel.set(invocation, Math.min(invocation.endsAtMs, nowMs + this.#timeoutMs(invocation)))
    if (invocation.activeAtMs === 0) return this.#onTimeout(invocation, worker, nowMs)
    // The time of its stream was another one: from now on it has the handler's.
    invocation.activeAtMs = 0
    this.#wheel.set(invocation, nowMs + this.#timeoutMs(invocation))
  }

  /** A body, of the request or of the response, is not whole in all the time that it has. The worker goes on. */
  #onTooSlow(invocation: Invocation, worker: Worker, nowMs: number): void {
    const what = invocation.activeAtMs > 0 ? 'response' : "request's body"
    worker.cancel(invocation)
    invocation.activeAtMs = 0
    this.#wheel.set(invocation, nowMs + this.#timeoutMs(invocation))
    this.#owner.stats.errors++
    const message = `Its ${what} was not whole within ${this.#owner.settings.streamTimeoutMs} ms (streamTimeout)`
    invocation.fail(new InvocationFailure('stream-timeout', message))
  }

  #onTimeout(invocation: Invocation, worker: Worker, nowMs: number): void {
    this.#owner.serving.remove(worker)
    if (worker.hasNotBegun(invocation)) {
      worker.death.note = 'it did not begin an invocation that it was given'
      return worker.kill('unresponsive')
    }
    const message = `It ran longer than its time-out of ${this.#timeoutMs(invocation)} ms`
    const failure = new InvocationFailure('timeout', message, { reason: 'timeout', state: worker.state })
    this.#giveUp(invocation, worker, failure, 'timeout', nowMs)
  }

  /** A streamed response: it has been silent for too long, or its deadline is put off. */
  #onQuiet(invocation: Invocation, worker: Worker, nowMs: number): void {
    if (invocation.endsAtMs <= nowMs) return this.#onTooSlow(invocation, worker, nowMs)
    const { streamIdleTimeoutMs } = this.#owner.settings
    // A caller that takes nothing keeps the function from sending: the gateway has a deadline of its own for that.
    const since = invocation.isHeldBack ? nowMs : invocation.activeAtMs
    if (since + streamIdleTimeoutMs > nowMs) {
      this.#wheel.set(invocation, Math.min(invocation.endsAtMs, since + streamIdleTimeoutMs))
      return
    }
    this.#owner.serving.remove(worker)
    const message = `Its response stood still for ${streamIdleTimeoutMs} ms (streamIdleTimeout)`
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
    this.#owner.stats.errors++
    worker.abandon(invocation, failure)
    worker.drain(reason, TIMEOUT_GRACE_MS, nowMs)
    this.#owner.onChanged()
  }

  /** The worker died under it. */
  #onOrphan(worker: Worker, invocation: Invocation, nowMs: number): void {
    this.#wheel.clear(invocation)
    if (invocation.state === 'ended') return invocation.stopReading()
    if (invocation.isCancelled) {
      invocation.state = 'ended'
      return
    }
    // What used too much would do so again.
    const isWorthAnother = this.#owner.settings.idempotent && !isExcess(worker.death.reason)
    const mayRunAgain = worker.death.neverBegan(invocation) || (isWorthAnother && invocation.state === 'sent')
    if (mayRunAgain && invocation.retries < MAX_RETRIES && !this.#owner.isRetired) return this.#again(invocation, nowMs)
    this.#owner.stats.errors++
    const { reason } = worker.death
    const died = worker.death.hasBrokenProtocol ? 'worker-broke-protocol' : 'worker-died'
    const code = isExcess(reason) ? reason : died
    const message = isExcess(reason)
      ? `The worker was ended while running it: ${worker.death.note}`
      : `The worker died while running it: ${worker.death.description}`
    invocation.fail(new InvocationFailure(code, message, { reason: worker.death.reason!, state: worker.death.during }))
  }

  #again(invocation: Invocation, nowMs: number): void {
    invocation.retries++
    invocation.worker = null
    const unavailable = this.#unavailable(nowMs)
    if (unavailable !== null) return this.#fail(invocation, unavailable)
    const worker = this.#owner.serving.free(this.#owner.settings)
    if (worker !== null) return this.#handOver(worker, invocation, nowMs)
    this.#waiting.unshift(invocation, nowMs + this.#owner.settings.queue.timeoutMs)
  }

  #unavailable(nowMs: number): InvocationFailure | null {
    const { serving, availability } = this.#owner
    return serving.count === 0 ? availability.failure(nowMs) : null
  }

  /** For one that no worker holds. */
  #fail(invocation: Invocation, failure: InvocationFailure): void {
    this.#owner.stats.errors++
    invocation.fail(failure)
  }
}
