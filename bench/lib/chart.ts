/** Horizontal bars, for a terminal and as SVG. Pure. */
import { readable } from './table.ts'

export interface Bar {
  readonly label: string
  readonly value: number
}

const COLUMNS = 48
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

export function renderBars(bars: readonly Bar[], unit: string): string {
  const longest = Math.max(...bars.map(({ label }) => label.length))
  return bars
    .map(({ label, value }) => {
      const eighths = Math.round(share(value, bars) * COLUMNS * 8)
      const bar = '█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7]
      return `${label.padEnd(longest)}  ${bar} ${readable(value)} ${unit}`.trimEnd()
    })
    .join('\n')
}

const WIDTH = 720
const ROW = 28
const LABELS = 250
const VALUES = 110

export function renderSvg(title: string, bars: readonly Bar[], unit: string): string {
  const height = 44 + bars.length * ROW
  const rows = bars.map(({ label, value }, at) => {
    const y = 40 + at * ROW
    const width = Math.max(1, share(value, bars) * (WIDTH - LABELS - VALUES))
    return [
      `<text x="${LABELS - 10}" y="${y + 14}" text-anchor="end">${escapeXml(label)}</text>`,
      `<rect x="${LABELS}" y="${y}" width="${width.toFixed(1)}" height="18" rx="2" fill="#3b6ea5"/>`,
      `<text x="${(LABELS + width + 6).toFixed(1)}" y="${y + 14}">${escapeXml(`${readable(value)} ${unit}`.trim())}</text>`,
    ].join('')
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="100%" height="100%" fill="#fff"/><text x="12" y="22" font-weight="bold">${escapeXml(title)}</text>`,
    ...rows,
    '</svg>\n',
  ].join('\n')
}

/** Of the longest bar, 0 to 1. */
function share(value: number, bars: readonly Bar[]): number {
  const most = Math.max(...bars.map((bar) => bar.value))
  return most > 0 && value > 0 ? value / most : 0
}

function escapeXml(text: string): string {
  return text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
