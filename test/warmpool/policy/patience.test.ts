import { describe, expect, test } from 'vitest'
import { patientUntilMs } from '../../../warmpool/policy/patience.ts'

describe('one that has waited its time for a worker', () => {
  test('waits on for a load whose deadline is near', () => expect(patientUntilMs(12_900, 10_000)).toBe(12_950))
  test('waits on for the end of a worker that has just missed it', () =>
    expect(patientUntilMs(9_900, 10_000)).toBe(10_050))
  test('is told at once where the load has time left', () => expect(patientUntilMs(13_001, 10_000)).toBe(null))
  test('is told at once where a worker should have ended long ago', () =>
    expect(patientUntilMs(6_999, 10_000)).toBe(null))
})
