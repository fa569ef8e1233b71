/**
 * How many processes may boot at the same time. Booting costs a core some 40 ms, so what nobody waits for is started
 * from idle cores only, and on a busy machine at a trickle: a refill must not be seen in a neighbour's p99.
 */

/** A busy machine still gets one paced start in this time, or replacements would never come. */
const TRICKLE_MS = 1_000

/** So much of one core may go into starts that nobody waits for without anybody noticing. */
const SPARE_CORES = 0.25

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
  const idleCores = boots.idleShare * boots.cores
  if (idleCores >= SPARE_CORES) return Math.max(0, Math.max(1, Math.round(idleCores)) - boots.starting)
  return boots.starting === 0 && boots.sinceLastStartMs >= TRICKLE_MS ? 1 : 0
}
