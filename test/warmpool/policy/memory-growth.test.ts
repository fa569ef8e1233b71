import { expect, test } from 'vitest'
import {
  callsUntilSample,
  type MemoryLimits,
  type MemorySample,
  mayTakeMore,
  perCallBytes,
} from '../../../warmpool/policy/memory-growth.ts'

const MiB = 1024 * 1024
const LIMITS: MemoryLimits = { recycledAtBytes: 192 * MiB, endedAtBytes: 1024 * MiB }

test('what a call leaves is what came by the calls that have ended', () => {
  expect(perCallBytes({ bytes: 60 * MiB, ended: 10 }, { bytes: 80 * MiB, ended: 30 }, 0)).toBe(MiB)
  expect(perCallBytes({ bytes: 60 * MiB, ended: 10 }, { bytes: 61 * MiB, ended: 10 }, 0)).toBe(MiB)
})

test('growth that was seen once is forgotten by halves, and shrinking is none', () => {
  expect(perCallBytes({ bytes: 60 * MiB, ended: 10 }, { bytes: 60 * MiB, ended: 30 }, 8 * MiB)).toBe(4 * MiB)
  expect(perCallBytes({ bytes: 90 * MiB, ended: 10 }, { bytes: 60 * MiB, ended: 30 }, 0)).toBe(0)
})

test('a worker that does not grow is sampled seldom, one near its limit at each call', () => {
  expect(callsUntilSample({ bytes: 60 * MiB, perCallBytes: 0, inFlight: 1 }, LIMITS, 5000)).toBeGreaterThan(900)
  expect(callsUntilSample({ bytes: 60 * MiB, perCallBytes: 40 * MiB, inFlight: 1 }, LIMITS, 5000)).toBe(11)
  expect(callsUntilSample({ bytes: 1020 * MiB, perCallBytes: 40 * MiB, inFlight: 8 }, LIMITS, 5000)).toBe(1)
  const unlimited = { recycledAtBytes: Number.POSITIVE_INFINITY, endedAtBytes: Number.POSITIVE_INFINITY }
  expect(callsUntilSample({ bytes: 60 * MiB, perCallBytes: MiB, inFlight: 0 }, unlimited, 5000)).toBe(1024)
})

test('a young worker is sampled more often: few calls say little', () => {
  const taken = [2]
  while (taken.length < 5)
    taken.push(taken.at(-1)! + callsUntilSample({ bytes: MiB, perCallBytes: 0, inFlight: 1 }, LIMITS, taken.at(-1)!))
  expect(taken).toEqual([2, 4, 8, 16, 32])
})

test('below the limit at which it is replaced a worker takes whatever comes', () => {
  expect(mayTakeMore({ bytes: 192 * MiB, perCallBytes: 500 * MiB, inFlight: 16 }, LIMITS)).toBe(true)
})

test('above it a worker takes no call that could reach the limit with those that it has', () => {
  expect(mayTakeMore({ bytes: 200 * MiB, perCallBytes: MiB, inFlight: 15 }, LIMITS)).toBe(true)
  expect(mayTakeMore({ bytes: 1000 * MiB, perCallBytes: MiB, inFlight: 8 }, LIMITS)).toBe(true)
  expect(mayTakeMore({ bytes: 1000 * MiB, perCallBytes: MiB, inFlight: 15 }, LIMITS)).toBe(false)
})

test.each([
  { each: MiB, callers: 8 },
  { each: 20 * MiB, callers: 8 },
  { each: 100 * MiB, callers: 1 },
  { each: 400 * MiB, callers: 1 },
])('a steady leak of $each bytes a call with $callers callers never reaches the limit', ({ each, callers }) => {
  let bytes = 60 * MiB
  let ended = 0
  let sample: MemorySample = { bytes, ended }
  let perCall = 0
  let sampleAt = 2
  for (let handed = 1; ; handed++) {
    const inFlight = Math.min(handed, callers)
    if (handed >= sampleAt) {
      const now = { bytes, ended }
      perCall = perCallBytes(sample, now, perCall)
      sample = now
      if (!mayTakeMore({ bytes, perCallBytes: perCall, inFlight }, LIMITS)) break
      sampleAt = handed + callsUntilSample({ bytes, perCallBytes: perCall, inFlight }, LIMITS, handed)
    }
    // The oldest ends when the next comes.
    if (inFlight < callers) continue
    bytes += each
    ended++
    expect(bytes).toBeLessThanOrEqual(LIMITS.endedAtBytes)
  }
  expect(bytes + callers * each).toBeLessThanOrEqual(LIMITS.endedAtBytes)
  expect(bytes).toBeGreaterThan(LIMITS.recycledAtBytes)
})
