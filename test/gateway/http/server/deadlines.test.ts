import { describe, expect, it } from 'vitest'
import { BodyTime, type HttpLimits, TakingTime, Wait } from '../../../../gateway/http/server/deadlines.ts'

const LIMITS: HttpLimits = {
  headersBytes: 4096,
  headersTimeoutMs: 10,
  bodyTimeoutMs: 1000,
  bodyRateBytes: 100,
  connections: Number.POSITIVE_INFINITY,
  writeTimeoutMs: 400,
  halfCloseTimeoutMs: 70,
  keepAliveTimeoutMs: 30,
}

it('is over when the same was awaited for so long and none of it came', () => {
  const wait = new Wait()
  const looks = [0, 10, 29, 30, 31].map((nowMs) => wait.isOver('request', 7, nowMs, LIMITS))
  expect(looks).toEqual([false, false, false, true, false])
})

it('begins anew with each piece, and with whatever else is awaited', () => {
  const wait = new Wait()
  const looks = [
    wait.isOver('request', 1, 0, LIMITS),
    wait.isOver('request', 2, 29, LIMITS),
    wait.isOver('request', 2, 58, LIMITS),
    wait.isOver('nothing', 2, 59, LIMITS),
    wait.isOver('request', 2, 100, LIMITS),
    wait.isOver('request', 2, 129, LIMITS),
    wait.isOver('request', 2, 130, LIMITS),
  ]
  expect(looks).toEqual([false, false, false, false, false, false, true])
})

it('is never over where nothing is awaited', () => {
  const wait = new Wait()
  expect([0, 1e9].map((nowMs) => wait.isOver('nothing', 0, nowMs, LIMITS))).toEqual([false, false])
})

it('goes by the limits that hold at the look', () => {
  const wait = new Wait()
  wait.isOver('request', 0, 0, LIMITS)
  expect(wait.isOver('request', 0, 30, { ...LIMITS, keepAliveTimeoutMs: 100 })).toBe(false)
  expect(wait.isOver('request', 0, 40, LIMITS)).toBe(true)
})

describe('a body', () => {
  const BODY = {}
  /** `[at, bytes so far, whether the server reads]` */
  type Look = readonly [nowMs: number, bytes: number, isReading?: boolean]
  const looksAt = (looks: readonly Look[], limits = LIMITS): boolean[] => {
    const time = new BodyTime()
    return looks.map(([nowMs, bytes, isReading = true]) => time.isOver(BODY, isReading, bytes, nowMs, limits))
  }
  const every = (ms: number, count: number, bytes: number): Look[] =>
    Array.from({ length: count + 1 }, (_, at) => [at * ms, at * bytes] as const)

  it('is late when nothing of it came for so long', () => {
    expect(
      looksAt([
        [0, 0],
        [999, 0],
        [1000, 0],
      ]),
    ).toEqual([false, false, true])
  })

  it('is late when it trickles, and not when it comes at the rate', () => {
    expect(looksAt(every(200, 50, 20))).not.toContain(true)
    const trickle = looksAt(every(200, 10, 1))
    expect(trickle.indexOf(true)).toBe(6)
  })

  it('may pause, but a fast beginning saves no time for later', () => {
    expect(
      looksAt([
        [0, 0],
        [100, 1e9],
        [1000, 1e9],
        [1099, 1e9],
        [1100, 1e9],
      ]),
    ).toEqual([false, false, false, false, true])
    expect(
      looksAt([
        [0, 0],
        [900, 50],
        [1300, 90],
      ]),
    ).toEqual([false, false, false])
  })

  it('is not charged with the time in which the server does not read it', () => {
    expect(
      looksAt([
        [0, 0],
        [900, 0],
        [5000, 0, false],
        [5099, 0],
        [5100, 0],
      ]),
    ).toEqual([false, false, false, false, true])
  })

  it('with a rate of 0 goes on with any byte', () => {
    expect(looksAt(every(999, 20, 1), { ...LIMITS, bodyRateBytes: 0 })).not.toContain(true)
  })

  it('has all the time again when it is the next one', () => {
    const time = new BodyTime()
    time.isOver({}, true, 5, 0, LIMITS)
    expect(time.isOver(BODY, true, 0, 1000, LIMITS)).toBe(false)
    expect(time.isOver(null, false, 0, 3000, LIMITS)).toBe(false)
  })
})

describe('an answer', () => {
  /** Looks every 50 ms at a caller that takes so many bytes in each. Returns when it was late; null: never. */
  const lateAt = (bytesOf: (nowMs: number) => number, limits = LIMITS): number | null => {
    const time = new TakingTime()
    let taken = 0
    for (let nowMs = 0; nowMs < 10_000; nowMs += 50) {
      taken += bytesOf(nowMs)
      if (time.isOver(true, () => taken, nowMs, limits)) return nowMs
    }
    return null
  }

  it('is late when nothing of it was taken for so long', () => {
    expect(lateAt(() => 0)).toBe(400)
    expect(lateAt((nowMs) => (nowMs < 1000 ? 100 : 0))).toBe(1400)
  })

  it('may be taken as slowly as the rate, in steps as long as the time, and not more slowly', () => {
    expect(lateAt(() => 5)).toBe(null)
    expect(lateAt((nowMs) => (nowMs % 300 === 0 ? 30 : 0))).toBe(null)
    expect(lateAt(() => 4)).toBeGreaterThan(1000)
  })

  it('is taken well with any piece where there is no rate', () => {
    expect(lateAt((nowMs) => (nowMs % 200 === 0 ? 1 : 0), { ...LIMITS, bodyRateBytes: 0 })).toBe(null)
  })

  it('has all of its time again when all was taken for a moment', () => {
    const time = new TakingTime()
    const looks = [0, 350, 360, 370, 769, 770].map((nowMs) => time.isOver(nowMs !== 360, () => 0, nowMs, LIMITS))
    expect(looks).toEqual([false, false, false, false, false, true])
  })

  it('asks what was taken a few times only', () => {
    const time = new TakingTime()
    let asked = 0
    for (let nowMs = 0; nowMs < 4000; nowMs += 10) time.isOver(true, () => ++asked * 1000, nowMs, LIMITS)
    expect(asked).toBe(39)
  })
})
