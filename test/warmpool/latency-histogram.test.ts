import { describe, expect, test } from 'vitest'
import { LatencyHistogram } from '../../warmpool/latency-histogram.ts'

describe('a percentile', () => {
  test.each([1, 2, 63, 64, 127, 128, 129, 1_000, 65_535, 65_536, 1_234_567, 3_600_000_000, 2 ** 32 - 1])(
    'of %i µs alone is that, or at most 2 %% more',
    (us) => {
      const histogram = new LatencyHistogram()
      histogram.record(us)
      for (const percent of [1, 50, 99, 100]) {
        expect(histogram.percentile(percent)).toBeGreaterThanOrEqual(us)
        expect(histogram.percentile(percent)).toBeLessThanOrEqual(us * 1.02)
      }
    },
  )

  test('parts the fast from the slow', () => {
    const histogram = new LatencyHistogram()
    for (let count = 0; count < 980; count++) histogram.record(100)
    for (let count = 0; count < 20; count++) histogram.record(50_000)
    expect(histogram.percentile(50)).toBe(100)
    expect(histogram.percentile(98)).toBe(100)
    expect(histogram.percentile(99)).toBeGreaterThanOrEqual(50_000)
  })

  test('never falls as the percentage grows, whatever was recorded', () => {
    const histogram = new LatencyHistogram()
    for (let us = 1; us < 5e9; us = us * 1.01 + 1) histogram.record(us)
    for (let percent = 1, before = 0; percent <= 100; percent++) {
      const found = histogram.percentile(percent)
      expect(found).toBeGreaterThanOrEqual(before)
      before = found
    }
  })
})

test('what is less than a microsecond counts as one, and what is beyond an hour as the most', () => {
  const histogram = new LatencyHistogram()
  histogram.record(0)
  expect(histogram.percentile(100)).toBe(1)
  histogram.record(Number.POSITIVE_INFINITY)
  expect(histogram.percentile(100)).toBe(2 ** 32 - 1)
})
