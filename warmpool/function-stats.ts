/** What happened to one function since the pool began: counters, and latencies in a histogram of bounded size. */
import { LatencyHistogram } from './latency-histogram.ts'
import type { StartKind } from './status.ts'
import type { DeathReason } from './worker-state.ts'

export class FunctionStats {
  readonly starts: Record<StartKind, number> = { warm: 0, blank: 0, cold: 0 }
  readonly deaths: Partial<Record<DeathReason, number>> = {}
  invocations = 0
  errors = 0
  /** A few kilobytes, made with the first invocation. */
  #latencyUs: LatencyHistogram | null = null

  /** Hand-over to last byte. */
  recordLatency(ms: number): void {
    this.#latencyUs ??= new LatencyHistogram()
    this.#latencyUs.record(ms * 1000)
  }

  countDeath(reason: DeathReason): void {
    this.deaths[reason] = (this.deaths[reason] ?? 0) + 1
  }

  latencyMs(): { p50: number | null; p99: number | null } {
    const histogram = this.#latencyUs
    if (histogram === null) return { p50: null, p99: null }
    return { p50: histogram.percentile(50) / 1000, p99: histogram.percentile(99) / 1000 }
  }
}
