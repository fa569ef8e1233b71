/**
 * What a finished suite leaves: a table, a drawing and the verdicts for the person who ran it, and in results/ the
 * same as JSON with the machine and the versions, and the drawing as SVG.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { renderBars, renderSvg } from './chart.ts'
import type { Circumstances } from './machine.ts'
import type { Suite, SuiteOptions, SuiteResult } from './suite.ts'
import { type Cell, readable, renderTable } from './table.ts'
import type { Finding } from './verdict.ts'

const RESULTS = new URL('../results/', import.meta.url)

export function renderResult(suite: Suite, { conditions, table, drawing, findings }: SuiteResult): string {
  return [
    `${suite.name}: ${suite.question}`,
    ...conditions.map((sentence) => `  ${sentence}`),
    '',
    renderTable(table.head, table.rows),
    '',
    drawing.title,
    renderBars(drawing.bars, drawing.unit),
    '',
    renderTable(['target', 'measured', 'wanted', 'reached'], findings.map(verdict)),
    '',
    `Again with: npm run bench -- ${suite.name}`,
    '',
  ].join('\n')
}

export function writeResult(suite: Suite, result: SuiteResult, options: SuiteOptions, where: Circumstances): void {
  mkdirSync(RESULTS, { recursive: true })
  const { name, question } = suite
  const json = JSON.stringify({ suite: name, question, options, ...where, ...result }, null, 2)
  writeFileSync(new URL(`${name}.json`, RESULTS), `${json}\n`)
  const { title, bars, unit } = result.drawing
  writeFileSync(new URL(`${name}.svg`, RESULTS), renderSvg(title, bars, unit))
}

function verdict({ measure, value, unit, target, isReached, isMust }: Finding): Cell[] {
  const reached = isReached ? 'yes' : isMust ? 'NO, and it must' : 'no'
  return [measure, `${readable(value)} ${unit}`.trim(), `${target} ${unit}`.trim(), reached]
}
