/**
 * Stops starting what does not start. Each failure in a row doubles the pause before the next try; while it lasts,
 * callers are told at once instead of being kept waiting. The state is a value, each step a pure function.
 */

const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000

export interface Breaker {
  readonly failures: number
  /** No start before this time. */
  readonly closedAtMs: number
}

export const CLOSED: Breaker = { failures: 0, closedAtMs: 0 }

/** One more failure; the first `tolerated` in a row are retried without a pause. */
export function afterFailure(breaker: Breaker, tolerated: number, nowMs: number): Breaker {
  const failures = breaker.failures + 1
  const pauses = failures - tolerated
  if (pauses <= 0) return { failures, closedAtMs: nowMs }
  return { failures, closedAtMs: nowMs + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (pauses - 1)) }
}

export function isOpen(breaker: Breaker, nowMs: number): boolean {
  return nowMs < breaker.closedAtMs
}
