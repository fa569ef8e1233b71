/** Shows a mistake of syntax where it stands: the line with its neighbours, and a mark under the column. */
import type { ConfigProblem } from './problems.ts'

/** Line counts from 1, column from 0, as esbuild and source maps do. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** A problem of kind `file` with `file:line:column` and the lines around; `shown` is the name of the file they are in. */
export function inFrame(message: string, shown: string, place: Place, text: string, source: string): ConfigProblem {
  const path = `${shown}:${place.line}:${place.column + 1}`
  return { kind: 'file', path, found: message, allowed: 'a file without errors', source, frame: codeFrame(text, place) }
}

function codeFrame(text: string, { line, column }: Place): string {
  const lines = text.split(/\r?\n/)
  const last = Math.min(lines.length, line + 1)
  const width = String(last).length
  const shown: string[] = []
  for (let number = Math.max(1, line - 1); number <= last; number++) {
    const mark = number === line ? '>' : ' '
    shown.push(`  ${mark} ${String(number).padStart(width)} | ${lines[number - 1]}`.trimEnd())
    // Tabs stay tabs, so that the mark stands right whatever their width.
    if (number === line)
      shown.push(`    ${' '.repeat(width)} | ${lines[number - 1]!.slice(0, column).replace(/[^\t]/g, ' ')}^`)
  }
  return shown.join('\n')
}
