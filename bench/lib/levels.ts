/**
 * A test of the seed's isolation levels as a contest: a table with a row a level and a column a runtime. What a level
 * is asked to do, each test says; what does not exist is `–`.
 */
import type { Order, Rate } from '../task-peers/levels/probe.ts'
import { contest, type Entrant, type Outcome } from './contest.ts'
import { type Runtime, runtimes } from './runtimes.ts'
import type { Progress } from './suite.ts'
import { type Cell, readable } from './table.ts'

export interface Level {
  readonly name: string
  /** null: the runtime has no such level. A word stands in the table as it is. */
  readonly on: (runtime: Runtime) => Asked | string | null
}

export interface Asked {
  readonly command: readonly string[]
  readonly order: Order
}

export type LevelsOutcome = Outcome<'rate', Rate>

export const labelOf = (level: Level, runtime: Runtime): string => `${level.name}, ${runtime.name}`

export function measureLevels(
  levels: readonly Level[],
  options: { readonly rounds: number; readonly progress: Progress },
): Promise<LevelsOutcome> {
  const entrants = levels.flatMap((level) =>
    runtimes.flatMap((runtime): Entrant<'rate'>[] => {
      const asked = level.on(runtime)
      if (asked === null || typeof asked === 'string') return []
      return [{ name: labelOf(level, runtime), command: asked.command, orders: { rate: asked.order } }]
    }),
  )
  const show = ({ perSecond }: Rate): string => `${readable(perSecond)} per second`
  return contest<'rate', Rate>(['rate'], entrants, { ...options, show })
}

export function levelsTable(levels: readonly Level[], outcome: LevelsOutcome) {
  const cell = (level: Level, runtime: Runtime): Cell => {
    const asked = level.on(runtime)
    if (typeof asked === 'string') return asked
    return outcome.median(labelOf(level, runtime), 'rate', 'perSecond')
  }
  return {
    head: ['per second', ...runtimes.map(({ name }) => name)],
    rows: levels.map((level) => [level.name, ...runtimes.map((runtime) => cell(level, runtime))]),
  }
}
