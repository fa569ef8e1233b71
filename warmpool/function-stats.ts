/** What happened to one function since the pool began: counters, and latencies in a histogram of bounded size. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { StartKind } from './status.ts'
import type { DeathReason } from './worker-state.ts'

/** 2 significant figures up to an hour: a few kilobytes, made with the first invocation. */
const HISTOGRAM = { lowest: 1, highest: 3_600_000_000, figures: 2 }

export class FunctionStats {
  readonly starts: Record<StartKind, number> = { warm: 0, blank: 0, cold: 0 }
  readonly deaths: Partial<Record<DeathReason, number>> = {}
  invocations = 0
  errors = 0
  #latencyUs: RecordableHistogram | null = null

  /** Hand-over to last byte. */
  recordLatency(ms: number): void {
    this.#latencyUs ??= createHistogram(HISTOGRAM)
    this.#latencyUs.record(Math.min(HISTOGRAM.highest, Math.max(1, Math.round(ms * 1000))))
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
