/**
 * Several subjects, each asked the same things in turns. One that does not start, breaks or answers wrongly leaves the
 * contest with its reason and does not end it. Whatever happens, every subject is stopped at the end.
 */
import { interleave, medianOf, ratioOf, type Sample, type Standing } from './interleave.ts'
import { type Subject, startSubject } from './subject.ts'
import type { Progress } from './suite.ts'
import type { Cell } from './table.ts'

export interface Entrant<E extends string> {
  readonly name: string
  readonly command: readonly string[]
  /** What it is asked in each event. One that is missing does not exist for it. */
  readonly orders: Readonly<Partial<Record<E, object>>>
}

export interface ContestOptions<S extends Sample> {
  readonly rounds: number
  readonly progress: Progress
  /** A sample in words, for the progress. */
  readonly show: (sample: S) => string
}

export interface Outcome<E extends string, S extends Sample> {
  /** `–`: no such event for it, or it left. */
  median(name: string, event: E, key: keyof S & string): Cell
  /** Paired by round; NaN without one of them. */
  ratio(name: string, base: string, event: E, key: keyof S & string): number
  /** A sentence for each that left. */
  readonly skipped: readonly string[]
  readonly raw: Readonly<Record<E, readonly Standing<S>[]>>
}

export async function contest<E extends string, S extends Sample>(
  events: readonly E[],
  entrants: readonly Entrant<E>[],
  { rounds, progress, show }: ContestOptions<S>,
): Promise<Outcome<E, S>> {
  const reasons = new Map<string, string>()
  const subjects = new Map<string, Subject>()
  const raw = {} as Record<E, Standing<S>[]>
  try {
    // One after the other, and before the first is asked: none is measured while another boots.
    for (const { name, command } of entrants) {
      await startSubject(command).then(
        (subject) => subjects.set(name, subject),
        (error: Error) => reasons.set(name, inOneLine(error)),
      )
    }
    for (const event of events) {
      const taking = entrants.filter(({ name, orders }) => orders[event] !== undefined && !reasons.has(name))
      const contestants = taking.map(({ name, orders }) => ({
        name,
        measure: () => sampleOf<S>(name, subjects.get(name)!, orders[event]!, reasons),
      }))
      const standings = await interleave(contestants, rounds, (name, round, sample) =>
        progress(`${event}: round ${round + 1}/${rounds} ${name}: ${reasons.get(name) ?? show(sample)}`),
      )
      raw[event] = standings.filter(({ name }) => !reasons.has(name))
    }
  } finally {
    await Promise.all([...subjects.values()].map((subject) => subject.stop()))
  }
  const standing = (name: string, event: E): Standing<S> | null => raw[event].find((one) => one.name === name) ?? null
  return {
    median(name, event, key) {
      const found = standing(name, event)
      return found === null ? '–' : medianOf(found, key)
    },
    ratio(name, base, event, key) {
      const [above, below] = [standing(name, event), standing(base, event)]
      return above === null || below === null ? Number.NaN : ratioOf(above, below, key)
    },
    skipped: [...reasons].map(([name, reason]) => `Skipped: ${name}, for it could not be measured: ${reason}`),
    raw,
  }
}

/** Of one that left, samples are empty; its standing is not looked at. */
async function sampleOf<S extends Sample>(
  name: string,
  subject: Subject,
  order: object,
  reasons: Map<string, string>,
): Promise<S> {
  if (reasons.has(name)) return {} as S
  try {
    return (await subject.ask(order)) as S
  } catch (error) {
    reasons.set(name, inOneLine(error as Error))
    return {} as S
  }
}

/** A stack or a crash says many things; one line says what went wrong. */
function inOneLine({ message }: Error): string {
  const lines = message.trim().split('\n')
  return lines.find((line) => /\wError: |^Error: /.test(line)) ?? lines[0]!
}
