/**
 * Whether the pool stays awake for an answer: pure decisions over plain numbers. Falling asleep and being woken takes
 * longer than a fast function, so where a core is free for it the loop keeps turning for a moment. It never does so for
 * long, nor often for what turned out to be slow, nor where it would take the core that the worker needs.
 */

/** More than a fast call takes without the wake-up, and not more than the wake-up costs. */
export const LONGEST_WATCH_MS = 0.1

/** A function that never answers in time is tried once in so many calls. */
const MOST_SKIPPED = 255

export interface Sight {
  readonly cores: number
  /** Invocations that all workers hold, with the one to be watched. */
  readonly inFlight: number
  /** How many of the function's calls are still to be passed over. */
  readonly toSkip: number
}

/** Until when to stay awake for an invocation that is handed over now; 0 is not at all. */
export function watchUntilMs({ cores, inFlight, toSkip }: Sight, nowMs: number): number {
  return inFlight < cores && toSkip === 0 ? nowMs + LONGEST_WATCH_MS : 0
}

/** How many calls to pass over after the next watch, from how many it was before: ever more after waiting in vain. */
export function skippedNext(before: number, wasAnswered: boolean): number {
  return wasAnswered ? Math.floor(before / 2) : Math.min(MOST_SKIPPED, before * 2 + 1)
}
