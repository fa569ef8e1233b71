/**
 * How long a function that loads may be waited for until it is ready to serve. Shorter than what the parent waits, so that
 * what did not come is said in words, and not as a time-out.
 */
import type { Load } from '../../wire/messages.ts'

/** Of the time there is for loading: what is left is for telling. */
const READY_SHARE = 0.8
const USUAL_LOAD_MS = 10_000

export function readyWithinMs({ timeoutMs = USUAL_LOAD_MS }: Pick<Load, 'timeoutMs'>): number {
  return timeoutMs * READY_SHARE
}
