/**
 * Whether one that has waited its time for a worker is told so now, or a moment later. Where the function's first worker
 * is still loading, and its own deadline is about to say that the function cannot be loaded, that is the truer answer:
 * with both time-outs alike, as they are unless somebody says otherwise, the caller's would always come first.
 */

/** That much longer than `queue.timeout` says, at most: its process may have had to boot first. */
const MOST_PATIENCE_MS = 3_000
/** From a missed deadline until its worker's end is known, when it is looked at again. */
const LOOK_AGAIN_MS = 50

/** When to look again; null: tell it now. `loadEndsAtMs`: the deadline of the first that loads. */
export function patientUntilMs(loadEndsAtMs: number, nowMs: number): number | null {
  if (Math.abs(loadEndsAtMs - nowMs) > MOST_PATIENCE_MS) return null
  return Math.max(loadEndsAtMs, nowMs) + LOOK_AGAIN_MS
}
