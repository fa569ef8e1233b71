/**
 * What one version answered since it was last asked to begin anew: counts, and latencies of the last thousand calls. A
 * worker's first second says nothing of its version's speed: its code is not compiled yet. What fails then counts.
 */
import type { Answered } from './canary-policy.ts'

const KEPT = 1_000

export interface AnsweredCall {
  readonly status: number
  readonly tookMs: number
  /** Its worker was in its first second, or had to be started for it. */
  readonly isEarly: boolean
}

export class AnsweredWindow {
  #calls = 0
  #failed = 0
  #timed = 0
  readonly #latenciesMs: number[] = []

  add({ status, tookMs, isEarly }: AnsweredCall): void {
    // The caller left: that says nothing of the version.
    if (status === 0) return
    if (!isEarly) this.#latenciesMs[this.#timed++ % KEPT] = tookMs
    this.#calls++
    if (status >= 500) this.#failed++
  }

  answered(): Answered {
    const latenciesMs = this.#latenciesMs.toSorted((a, b) => a - b)
    return { calls: this.#calls, failed: this.#failed, latenciesMs }
  }
}
