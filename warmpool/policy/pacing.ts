/**
 * How many processes may boot at the same time. Booting costs a core some 40 ms, so what nobody waits for is started
 * from idle cores only, and on a busy machine at a trickle: a refill must not be seen in a neighbour's p99.
 */

/**
 * A busy machine still gets one paced start in this time, or replacements would never come. Not more: a fresh worker
 * runs uncompiled code for its first second or so, and costs more by that than by its start.
 */
const TRICKLE_MS = 4_000

/** What must be idle for a start that nobody waits for: it takes a core for a while, and nobody else may want it. */
const FREE_CORE = 0.75

export interface Boots {
  /** Processes that are booting now. */
  readonly starting: number
  readonly cores: number
  /** Share of all cores that did nothing lately, 0 to 1. */
  readonly idleShare: number
  readonly sinceLastStartMs: number
}

/** Starts that somebody waits for: as many at once as there are cores. */
export function urgentStarts({ starting, cores }: Boots): number {
  return Math.max(0, cores - starting)
}

/** Starts that nobody waits for. */
export function pacedStarts(boots: Boots): number {
  const freeCores = Math.floor(boots.idleShare * boots.cores + 1 - FREE_CORE)
  if (freeCores >= 1) return Math.max(0, freeCores - boots.starting)
  return boots.starting === 0 && boots.sinceLastStartMs >= TRICKLE_MS ? 1 : 0
}
