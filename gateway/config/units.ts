/**
 * Durations and sizes as people write them ('30s', '256MiB') and as code counts them (milliseconds, bytes), both ways.
 * Every parser answers `undefined` for what it does not understand: the caller says where that was written.
 */
import ms from 'ms'

/** A number of milliseconds, or a number with a unit: '250ms', '30s', '5m', '1h', '2d'. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

/** A number of bytes, or a number with a unit: '64KiB', '256MiB', '1GiB' (powers of 1024), '10MB' (powers of 1000). */
export type Size = number | `${number}${'B' | 'kB' | 'KB' | 'MB' | 'GB' | 'TB' | 'KiB' | 'MiB' | 'GiB' | 'TiB'}`

/** Node's timers hold no more (24.8 days): a longer wait would end at once. */
const MAX_DURATION_MS = 2 ** 31 - 1

const DURATION = /^\d+(\.\d+)?(ms|s|m|h|d)$/
const SIZE = /^(\d+(?:\.\d+)?)(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/

const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

/** Milliseconds, whole; `undefined` when it is no duration or longer than a timer can hold. */
export function parseDuration(value: unknown): number | undefined {
  const found = typeof value === 'string' && DURATION.test(value) ? ms(value as ms.StringValue) : value
  if (typeof found !== 'number' || !(found >= 0 && found <= MAX_DURATION_MS)) return undefined
  return Math.round(found)
}

/** Bytes, whole; `undefined` when it is no size. */
export function parseSize(value: unknown): number | undefined {
  const [, amount, unit] = (typeof value === 'string' && SIZE.exec(value)) || []
  const bytes = amount && unit ? Math.round(Number(amount) * BYTES_PER_UNIT[unit]!) : value
  return typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : undefined
}

/** The shortest exact way to write a duration: 300_000 is '5m'; `Infinity` is 'never'. */
export function formatDuration(durationMs: number): string {
  if (durationMs === Number.POSITIVE_INFINITY) return 'never'
  for (const [unit, unitMs] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const) {
    if (durationMs >= unitMs && durationMs % unitMs === 0) return `${durationMs / unitMs}${unit}`
  }
  return `${durationMs}ms`
}

/** The shortest exact way to write a size in powers of 1024: 536_870_912 is '512MiB'. */
export function formatSize(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB'] as const) {
    const unitBytes = BYTES_PER_UNIT[unit]!
    if (bytes >= unitBytes && bytes % unitBytes === 0) return `${bytes / unitBytes}${unit}`
  }
  return `${bytes}B`
}
