import { expect, test } from 'vitest'
import { formatDuration, formatSize, parseDuration, parseSize } from '../../../gateway/config/units.ts'

test.each([
  ['250ms', 250],
  ['30s', 30_000],
  ['1.5s', 1500],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['2d', 172_800_000],
  [1500, 1500],
  [0, 0],
])('the duration %s is %i ms', (written, expected) => {
  expect(parseDuration(written)).toBe(expected)
})

test.each([
  ['30'],
  ['30 seconds'],
  ['-1s'],
  ['1w'],
  ['s'],
  [''],
  [-1],
  [Number.NaN],
  [Number.POSITIVE_INFINITY],
  [null],
  [true],
])('%j is no duration', (written) => {
  expect(parseDuration(written)).toBeUndefined()
})

test('a duration that a timer cannot hold is refused, since it would end at once', () => {
  expect(parseDuration('24d')).toBe(2_073_600_000)
  expect(parseDuration('25d')).toBeUndefined()
})

test.each([
  ['512B', 512],
  ['64KiB', 65_536],
  ['256MiB', 268_435_456],
  ['1GiB', 1_073_741_824],
  ['1.5GiB', 1_610_612_736],
  ['10MB', 10_000_000],
  ['5kB', 5000],
  [4096, 4096],
])('the size %s is %i bytes', (written, expected) => {
  expect(parseSize(written)).toBe(expected)
})

test.each([['64'], ['64K'], ['64 KiB'], ['64kib'], ['-1MiB'], [1.5], [-1], [Number.POSITIVE_INFINITY], [null]])(
  '%j is no size',
  (written) => {
    expect(parseSize(written)).toBeUndefined()
  },
)

test('what is formatted is parsed back to the same', () => {
  for (const durationMs of [0, 1, 999, 1000, 1500, 60_000, 3_600_000, 90_000, 86_400_000]) {
    expect(parseDuration(formatDuration(durationMs))).toBe(durationMs)
  }
  for (const bytes of [0, 1, 1023, 1024, 1536, 1_048_576, 104_857_600]) expect(parseSize(formatSize(bytes))).toBe(bytes)
  expect(formatDuration(Number.POSITIVE_INFINITY)).toBe('never')
})
