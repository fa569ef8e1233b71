/** The address of whoever called, as the gateway tells it in a request's head. */

const FIRST_HEADER_LINE = 3

/**
 * Who called. The last address is that of whoever connected; where there are more, a proxy that the gateway trusts
 * did, and the one before is whom it saw.
 */
export function callerAddress(lines: readonly string[]): string | undefined {
  for (let at = FIRST_HEADER_LINE; at + 1 < lines.length; at += 2) {
    if (lines[at] === 'x-forwarded-for') return lastButOne(lines[at + 1]!)
  }
  return undefined
}

/** Of a list; or the only one. */
function lastButOne(list: string): string {
  const end = list.lastIndexOf(',')
  return (end < 0 ? list : list.slice(list.lastIndexOf(',', end - 1) + 1, end)).trim()
}
