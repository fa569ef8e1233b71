/**
 * Measures contestants in turns, round by round, because this machine and every other drifts: what is compared has to
 * be measured within the same seconds. The order is turned around every round. A ratio is the median of the rounds'
 * own ratios, so that a slow minute weighs on both sides of it.
 */
import { median } from './stats.ts'

export type Sample = Readonly<Record<string, number>>

export interface Contestant<S extends Sample> {
  readonly name: string
  measure(round: number): Promise<S>
}

export interface Standing<S extends Sample> {
  readonly name: string
  readonly rounds: readonly S[]
}

export async function interleave<S extends Sample>(
  contestants: readonly Contestant<S>[],
  rounds: number,
  onSample: (name: string, round: number, sample: S) => void,
): Promise<Standing<S>[]> {
  const standings = contestants.map(({ name }) => ({ name, rounds: [] as S[] }))
  for (let round = 0; round < rounds; round++) {
    const order = contestants.map((contestant, at) => ({ contestant, at }))
    if (round % 2 === 1) order.reverse()
    for (const { contestant, at } of order) {
      const sample = await contestant.measure(round)
      standings[at]!.rounds.push(sample)
      onSample(contestant.name, round, sample)
    }
  }
  return standings
}

export function medianOf<S extends Sample>(standing: Standing<S>, key: keyof S & string): number {
  return median(standing.rounds.map((sample) => sample[key]!))
}

/** `standing ÷ base`, paired by round. */
export function ratioOf<S extends Sample>(standing: Standing<S>, base: Standing<S>, key: keyof S & string): number {
  return median(standing.rounds.map((sample, round) => sample[key]! / base.rounds[round]![key]!))
}
