/**
 * Whether a full pool lets an idle worker go before anybody needs its place, so that a blank stands ready for whoever
 * comes cold: as a kernel reclaims memory in the background, so that who asks does not have to wait for it.
 *
 * A blank is worth more than an idle worker only where it is asked for more often. The evidence are newcomers: those
 * for whom a place had to be made. Functions that fit into the pool bring none, and keep every worker. Two must have
 * come since the worker was last used. And if the blank is taken by the very function that gave its place, nothing was
 * gained: what was taken for evidence is void, or functions that just fit would take each other's places for ever.
 */

/** When the last two came. */
export interface Newcomers {
  readonly lastAtMs: number
  readonly beforeAtMs: number
}

export const NO_NEWCOMERS: Newcomers = { lastAtMs: Number.NEGATIVE_INFINITY, beforeAtMs: Number.NEGATIVE_INFINITY }

/** A worker that was used so recently stays whatever came: in a burst nobody can tell who will be asked for. */
const LEAST_IDLE_MS = 1_000

export function afterNewcomer({ lastAtMs }: Newcomers, nowMs: number): Newcomers {
  return { lastAtMs: nowMs, beforeAtMs: lastAtMs }
}

/** Somebody took the blank for which another's worker was let go; `gaveItsPlace` when it is that other itself. */
export function afterBlankTaken(newcomers: Newcomers, gaveItsPlace: boolean, nowMs: number): Newcomers {
  return gaveItsPlace ? NO_NEWCOMERS : afterNewcomer(newcomers, nowMs)
}

/** A worker that has idled since before this time is worth less than a blank; never is `-Infinity`. */
export function reclaimableBeforeMs({ beforeAtMs }: Newcomers, nowMs: number): number {
  return Math.min(beforeAtMs, nowMs - LEAST_IDLE_MS)
}
