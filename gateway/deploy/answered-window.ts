/** What one version answered since it was last asked to begin anew: counts, and latencies of the last thousand calls. */
import type { Answered } from './canary-policy.ts'

const KEPT = 1_000

export class AnsweredWindow {
  #calls = 0
  #failed = 0
  readonly #latenciesMs: number[] = []

  add(status: number, tookMs: number): void {
    // The caller left: that says nothing of the version.
    if (status === 0) return
    this.#latenciesMs[this.#calls % KEPT] = tookMs
    this.#calls++
    if (status >= 500) this.#failed++
  }

  answered(): Answered {
    const sorted = this.#latenciesMs.toSorted((a, b) => a - b)
    return { calls: this.#calls, failed: this.#failed, p95Ms: sorted[Math.floor(sorted.length * 0.95)] ?? null }
  }
}
