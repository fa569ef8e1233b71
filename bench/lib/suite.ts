/**
 * What a suite is and what it hands back: plain data, from which the report prints a table, a drawing and the verdicts,
 * and writes the JSON. Suites measure; they print nothing but progress.
 */
import type { Bar } from './chart.ts'
import type { Cell } from './table.ts'
import type { Finding } from './verdict.ts'

export interface SuiteOptions {
  /** Shorter and rougher: for developing, not for numbers to quote. */
  readonly quick: boolean
  /** Also what takes very long. */
  readonly full: boolean
  /** Interleaved rounds; null leaves the suite its own number. */
  readonly rounds: number | null
}

/** Says in one line what is going on. */
export type Progress = (line: string) => void

export interface SuiteResult {
  /** What has to be known to read the numbers, a sentence each. */
  readonly conditions: readonly string[]
  readonly table: { readonly head: readonly string[]; readonly rows: readonly (readonly Cell[])[] }
  readonly drawing: { readonly title: string; readonly unit: string; readonly bars: readonly Bar[] }
  readonly findings: readonly Finding[]
  /** Every single measurement, for the JSON only. */
  readonly raw: unknown
}

export interface Suite {
  readonly name: string
  /** The question it answers, in one sentence. */
  readonly question: string
  run(options: SuiteOptions, progress: Progress): Promise<SuiteResult>
}
