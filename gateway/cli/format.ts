/** Numbers, times and foreign text as a person reads them on a terminal. Pure. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** `132 MiB`, `1.5 GiB`; what is not a finite number (JSON has no Infinity) is `no limit`. */
export function formatBytes(bytes: number | null): string {
  if (bytes === null || !Number.isFinite(bytes)) return 'no limit'
  let value = bytes
  let unit = 0
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024
  return `${value < 10 ? Number(value.toFixed(1)) : Math.round(value)} ${UNITS[unit]}`
}

/** The two largest units: `4s`, `3m 12s`, `2d 5h`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ]
  const first = parts.findIndex(([count]) => count > 0)
  if (first === -1) return '0s'
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}

/** Milliseconds with the precision that matters at their size: `0.42`, `3.1`, `250`. */
export function formatMs(ms: number): string {
  if (ms < 1) return ms.toFixed(2)
  return ms < 100 ? ms.toFixed(1) : ms.toFixed(0)
}

/** `12,345,678`, the same in every locale. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** Text from a function or its source, without control characters that would steer the terminal. */
export function plainLine(text: string): string {
  const firstLine = text.trimStart().split('\n', 1)[0] ?? ''
  return Array.from(firstLine, (char) => (isControl(char) ? ' ' : char))
    .join('')
    .trim()
}

function isControl(char: string): boolean {
  const code = char.codePointAt(0)!
  return code < 0x20 || (code >= 0x7f && code < 0xa0)
}
