/** A table for a terminal: text to the left, numbers to the right. Pure. */

export type Cell = string | number

export function renderTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = rows.map((row) => row.map(text))
  const widths = head.map((title, column) => Math.max(title.length, ...texts.map((row) => row[column]?.length ?? 0)))
  const isNumeric = head.map((_, column) => rows.every((row) => typeof row[column] === 'number'))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => (isNumeric[at] ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)))
      .join('  ')
      .trimEnd()
  return [line(head), widths.map((width) => '─'.repeat(width)).join('──'), ...texts.map(line)].join('\n')
}

function text(cell: Cell): string {
  return typeof cell === 'number' ? readable(cell) : cell
}

/** As many digits as a person can use: `12,345`, `123`, `1.23`, `0.045`. */
export function readable(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const size = Math.abs(value)
  if (Number.isInteger(value) || size >= 100) return Math.round(value).toLocaleString('en-US')
  return value.toFixed(size >= 10 ? 1 : size >= 0.1 ? 2 : 3)
}
