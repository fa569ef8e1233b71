import { describe, expect, test } from 'vitest'
import { LONGEST_WATCH_MS, skippedNext, watchUntilMs } from '../../../warmpool/policy/watching.ts'

describe('staying awake for an answer', () => {
  test('lasts a moment, from the hand-over on', () =>
    expect(watchUntilMs({ cores: 2, inFlight: 1, toSkip: 0 }, 500)).toBe(500 + LONGEST_WATCH_MS))
  test.each([
    ['on one core, which the worker needs', { cores: 1, inFlight: 1, toSkip: 0 }],
    ['where workers may need all cores', { cores: 4, inFlight: 4, toSkip: 0 }],
    ['for a function that is passed over', { cores: 4, inFlight: 1, toSkip: 3 }],
  ])('is not done %s', (_where, sight) => expect(watchUntilMs(sight, 500)).toBe(0))
})

describe('a function is passed over', () => {
  test('ever more often as it never answers in time, up to a limit', () => {
    let skipped = 0
    let watches = 0
    for (let calls = 0; calls < 10_000; calls += 1 + skipped) {
      watches++
      skipped = skippedNext(skipped, false)
    }
    expect(skipped).toBe(255)
    expect(watches).toBeLessThan(60)
  })

  test('no longer, once it answers in time again', () => {
    let skipped = 255
    for (let watches = 0; watches < 8; watches++) skipped = skippedNext(skipped, true)
    expect(skipped).toBe(0)
  })

  test('once after a single late answer', () => {
    expect(skippedNext(0, false)).toBe(1)
    expect(skippedNext(1, true)).toBe(0)
  })
})
