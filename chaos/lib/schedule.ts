/**
 * Which disturbance strikes when: a pure function of the seed. Rounds in which each strikes once, in an order of their
 * own, so that a short run has all of them and a long one every neighbourhood. Strikes last longer than the gaps
 * between them: they overlap.
 */
import { Random } from './random.ts'

/** Between two strikes, on average, where there is time enough for one round. */
const GAP_MS = 1_000

export interface Strike {
  readonly name: string
  /** From the beginning of the disturbed phase. */
  readonly atMs: number
  /** For what this strike leaves to chance. */
  readonly seed: number
}

export function schedule(names: readonly string[], durationMs: number, seed: number): Strike[] {
  if (names.length === 0) return []
  const random = new Random(seed)
  const gapMs = Math.min(GAP_MS, durationMs / names.length)
  const rounds = Math.max(1, Math.floor(durationMs / gapMs / names.length))
  const order = Array.from({ length: rounds }, () => random.shuffled(names)).flat()
  return order.map((name, index) => ({
    name,
    atMs: Math.round((index + random.next()) * gapMs),
    seed: random.seed(),
  }))
}
