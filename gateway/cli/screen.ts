/** Redrawing text on a terminal without flicker: the escape sequences for it, as text. Pure. */

const ESC = '\x1b['

/** The alternate screen, so that what stood there before comes back; no cursor, and long lines cut instead of wrapped. */
export function enterScreen(): string {
  return `${ESC}?1049h${ESC}?25l${ESC}?7l`
}

export function leaveScreen(): string {
  return `${ESC}?7h${ESC}?25h${ESC}?1049l`
}

/** Writes over what is there, line by line, instead of clearing it all first; says how many lines found no room. */
export function drawScreen(text: string, rows: number): string {
  const lines = text.split('\n')
  const shown = lines.length <= rows ? lines : [...lines.slice(0, rows - 1), `… ${lines.length - rows + 1} more lines`]
  const below = shown.length < rows ? `\n${ESC}J` : ''
  return `${ESC}H${shown.map((line) => `${ESC}K${line}`).join('\n')}${below}`
}
