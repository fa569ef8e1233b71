/**
 * Whether a function can be started at all. A failed load, or workers that crash one after the other, pause starting
 * for a while (policy/breaker.ts); meanwhile callers are told why at once instead of being kept waiting.
 */
import type { Death } from './death.ts'
import { InvocationFailure } from './failure.ts'
import { afterFailure, type Breaker, CLOSED, isOpen } from './policy/breaker.ts'
import { isExcess } from './policy/limits.ts'
import type { FunctionStatus } from './status.ts'
import type { ErrorReport } from './wire/messages.ts'

/** Crashes in a row, without one invocation ending well, before starting is paused. */
const TOLERATED_CRASHES = 4
/** Loads that may fail in a row without a pause once one has gone well: the next shows whether it was by chance. */
const TOLERATED_LOADS = 1

interface Cause {
  readonly code: 'init-failed' | 'crash-loop'
  readonly message: string
  readonly report: ErrorReport | null
}

export class Availability {
  #breaker: Breaker = CLOSED
  #cause: Cause | null = null
  #hasLoaded = false

  isPaused(nowMs: number): boolean {
    return isOpen(this.#breaker, nowMs)
  }

  /** A worker was loaded. */
  onLoaded(): void {
    this.#hasLoaded = true
    // Crashes of loaded workers still count in a row: only an invocation that ends well says that it works.
    if (this.#cause?.code === 'init-failed') this.#reset()
  }

  /** An invocation ended, whatever its result: its worker lived. */
  onServed(): void {
    if (this.#breaker.failures > 0) this.#reset()
  }

  onLoadFailed(message: string, report: ErrorReport | null, nowMs: number): void {
    this.#breaker = afterFailure(this.#breaker, this.#hasLoaded ? TOLERATED_LOADS : 0, nowMs)
    this.#cause = { code: 'init-failed', message: `It cannot be loaded: ${message}`, report }
  }

  /** A worker has died: of the function's own doing, perhaps. */
  onDied(death: Death, nowMs: number): void {
    const { reason, during, description } = death
    if (reason === 'crash' && !death.wasKilled) return this.#onCrashed(description, nowMs)
    const hasNotLoaded = reason === 'init-failed' || (isExcess(reason) && during === 'loading')
    if (hasNotLoaded && !this.isPaused(nowMs)) this.onLoadFailed(`the worker ended: ${description}`, null, nowMs)
  }

  /** What callers are told; null while nothing is paused. */
  failure(nowMs: number): InvocationFailure | null {
    if (this.#cause === null || !this.isPaused(nowMs)) return null
    const { code, message, report } = this.#cause
    const retryAfterMs = this.#breaker.closedAtMs - nowMs
    return new InvocationFailure(code, message, { retryAfterMs, ...(report === null ? {} : { report }) })
  }

  status(nowMs: number): FunctionStatus['unavailable'] {
    const failure = this.failure(nowMs)
    if (failure === null) return null
    return { code: failure.code, message: failure.message, retryInMs: Math.ceil(failure.details.retryAfterMs ?? 0) }
  }

  #onCrashed(description: string, nowMs: number): void {
    this.#breaker = afterFailure(this.#breaker, TOLERATED_CRASHES, nowMs)
    const message = `Its workers crash one after the other; the last: ${description}`
    this.#cause = { code: 'crash-loop', message, report: null }
  }

  #reset(): void {
    this.#breaker = CLOSED
    this.#cause = null
  }
}
