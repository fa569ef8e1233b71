/**
 * When to sample a worker's memory again, and whether it may take one more call, so that a function that leaks is
 * replaced between the limit at which that is wished for (`memory`) and the one at which it is ended (`limits.memory`):
 * pure decisions over plain numbers.
 */

const MiB = 1024 * 1024

/** What a call is taken to leave at least: a leak may begin at any time. */
const LEAST_PER_CALL_BYTES = MiB / 2
/** Growth is uneven: so much more than it was the last time is nothing unusual. */
const SAFETY = 2
/** However little it grows. */
const MOST_CALLS = 1024

/** The second call: the first is not held up by that, and what it left is not known before it has ended. */
export const FIRST_SAMPLE_AT = 2

export interface MemorySample {
  readonly bytes: number
  /** Calls that have ended. */
  readonly ended: number
}

export interface MemoryLimits {
  /** Over which it is to be replaced. */
  readonly recycledAtBytes: number
  /** Over which it is ended. */
  readonly endedAtBytes: number
}

export interface MemoryState {
  readonly bytes: number
  /** What one call is expected to leave. */
  readonly perCallBytes: number
  readonly inFlight: number
}

/** What one call leaves, by the latest two samples. What was seen before is forgotten by halves. */
export function perCallBytes(before: MemorySample, now: MemorySample, earlierBytes: number): number {
  const ended = Math.max(1, now.ended - before.ended)
  return Math.max(0, (now.bytes - before.bytes) / ended, earlierBytes / 2)
}

/**
 * After how many calls more it is to be sampled again: before those, and the ones it has, could reach the limit. `taken`: in
 * its whole life. Few calls say little, so that a young worker is sampled with its 2nd, 4th, 8th call, and so on.
 */
export function callsUntilSample(state: MemoryState, limits: MemoryLimits, taken: number): number {
  const { bytes, perCallBytes, inFlight } = state
  const eachBytes = Math.max(perCallBytes, LEAST_PER_CALL_BYTES) * SAFETY
  const calls = Math.floor((limits.endedAtBytes - bytes) / eachBytes) - inFlight
  return Math.max(1, Math.min(MOST_CALLS, taken, calls))
}

/** False: one more call could reach the limit at which it is ended, together with those that it has. */
export function mayTakeMore({ bytes, perCallBytes, inFlight }: MemoryState, limits: MemoryLimits): boolean {
  // What is below is left alone: how a fresh worker grows says nothing of how it goes on.
  if (bytes <= limits.recycledAtBytes) return true
  return bytes + (inFlight + 1) * perCallBytes * SAFETY <= limits.endedAtBytes
}
