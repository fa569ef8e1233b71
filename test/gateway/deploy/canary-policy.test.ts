import { describe, expect, it } from 'vitest'
import { AnsweredWindow } from '../../../gateway/deploy/answered-window.ts'
import { type Answered, decideCanary, isCanarys, p95Of } from '../../../gateway/deploy/canary-policy.ts'
import type { CanaryRecord } from '../../../gateway/deploy/record.ts'

const CANARY: CanaryRecord = {
  version: 2,
  percent: 5,
  by: { kind: 'calls', name: '' },
  steps: [25, 100],
  stepMs: 60_000,
  bounds: { minCalls: 50, errors: 0.02, latency: 2, latencyFloorMs: 20 },
}
/** So many calls, of which `failed` failed, that took `ms`, but for one of `slowOneIn`, which took `slowMs`. */
const answered = (calls: number, failed: number, ms: number, slowMs = ms, slowOneIn = 10): Answered => {
  const latenciesMs = Array.from({ length: Math.min(calls, 1_000) }, (_, at) => (at % slowOneIn === 0 ? slowMs : ms))
  return { calls, failed, latenciesMs: latenciesMs.sort((a, b) => a - b) }
}
const well = answered(1_000, 10, 10)
const decide = (live: Answered, canary: Answered, sinceStepMs = 60_000, record = CANARY) =>
  decideCanary(record, live, canary, sinceStepMs)

describe('a canary', () => {
  it('rises when its step is over and it does as well as the live version', () => {
    expect(decide(well, answered(50, 1, 19))).toMatchObject({ kind: 'raise', percent: 25, steps: [100] })
  })

  it('becomes live at a hundred', () => {
    expect(decide(well, well, 60_000, { ...CANARY, percent: 25, steps: [100] }).kind).toBe('complete')
  })

  it('stays where it is without steps', () => {
    expect(decide(well, well, 1e9, { ...CANARY, steps: [] }).kind).toBe('wait')
  })

  it('waits for its time, and for calls', () => {
    expect(decide(well, well, 59_999)).toMatchObject({
      kind: 'wait',
      why: expect.stringContaining('its step lasts 60 s'),
    })
    expect(decide(well, answered(49, 0, 1), 1e9)).toEqual({
      kind: 'wait',
      why: 'it has answered 49 calls; 50 are needed',
    })
  })

  it('goes back as soon as more of its calls fail than the bound allows and chance can explain', () => {
    expect(decide(well, answered(50, 10, 1), 0)).toEqual({
      kind: 'revert',
      why: "20.0 % of its 50 calls failed, against 1.0 % of the live version's 1000",
    })
    expect(decide(well, answered(50, 2, 1), 0).kind).toBe('wait')
    expect(decide(well, answered(1_000, 40, 1), 0).kind).toBe('revert')
    expect(decide(well, answered(1_000, 30, 1), 0).kind).toBe('wait')
  })

  it('is held against its bound alone where the live version is hardly called', () => {
    expect(decide(answered(0, 0, 1), answered(50, 10, 1), 0).kind).toBe('revert')
    expect(decide(answered(0, 0, 1), answered(50, 2, 1), 0).kind).toBe('wait')
  })

  it('goes back when it is slower than the bound allows', () => {
    expect(decide(well, answered(100, 0, 10, 40), 0)).toEqual({
      kind: 'revert',
      why: "its 95th percentile is 40.0 ms, against 10.0 ms of the live version's",
    })
  })

  it('stays where the ratio is over the bound and the difference is nothing to anybody', () => {
    expect(decide(answered(1_000, 0, 0.3), answered(250, 0, 0.7), 0).kind).toBe('wait')
    expect(decide(answered(1_000, 0, 0.3), answered(250, 0, 20.2), 0).kind).toBe('wait')
    expect(decide(answered(1_000, 0, 0.3), answered(250, 0, 20.4), 0).kind).toBe('revert')
    expect(decide(answered(1_000, 0, 100), answered(250, 0, 150), 0).kind).toBe('wait')
  })

  it('stays where so many slow calls may come by chance', () => {
    expect(decide(answered(60, 0, 10, 50, 20), answered(60, 0, 10, 60, 15), 0).kind).toBe('wait')
  })

  it('is not blamed for what the live version does as badly, nor for the first few calls', () => {
    expect(decide(answered(100, 50, 10), answered(100, 51, 10), 0).kind).toBe('wait')
    expect(decide(well, answered(49, 49, 1_000), 0).kind).toBe('wait')
    expect(decide(answered(3, 0, 1), answered(50, 0, 500), 0).kind).toBe('wait')
  })

  it('of the same code is never taken back in ten thousand looks at calls of random lengths', () => {
    let seed = 1
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed / 2_147_483_647
    }
    const some = (calls: number): Answered => {
      const latenciesMs = Array.from({ length: calls }, () => -30 * Math.log(random())).sort((a, b) => a - b)
      return { calls, failed: latenciesMs.filter(() => random() < 0.05).length, latenciesMs }
    }
    const kinds = Array.from({ length: 10_000 }, () => decide(some(80), some(50), 0).kind)
    expect(kinds.filter((kind) => kind === 'revert')).toEqual([])
  })
})

describe('which calls are its', () => {
  it('by chance: those below its part', () => {
    expect(isCanarys(CANARY, null, 0.049)).toBe(true)
    expect(isCanarys(CANARY, null, 0.05)).toBe(false)
  })

  it('by value: always the same ones, about as many as it is to get, and more of them as it rises', () => {
    const by = { kind: 'header', name: 'x-user' } as const
    const users = Array.from({ length: 2_000 }, (_, at) => `user ${at}`)
    const chosen = (percent: number) => users.filter((user) => isCanarys({ percent, by }, user, Math.random()))
    expect(chosen(10)).toEqual(chosen(10))
    expect(chosen(10).length).toBeGreaterThan(120)
    expect(chosen(10).length).toBeLessThan(290)
    expect(chosen(25)).toEqual(expect.arrayContaining(chosen(10)))
    expect(isCanarys({ percent: 99, by }, null, 0)).toBe(false)
  })
})

describe('what a version answered', () => {
  it('is counted, and its percentile is of the last thousand', () => {
    const window = new AnsweredWindow()
    expect(window.answered()).toEqual({ calls: 0, failed: 0, latenciesMs: [] })
    for (let at = 0; at < 5_000; at++)
      window.add({ status: at % 100 === 0 ? 500 : 200, tookMs: at < 4_000 ? 1_000 : 10, isEarly: false })
    window.add({ status: 0, tookMs: 99_999, isEarly: false })
    expect(window.answered()).toMatchObject({ calls: 5_000, failed: 50 })
    expect(p95Of(window.answered())).toBe(10)
  })

  it('in the first second of a worker counts where it failed, and not for its speed', () => {
    const window = new AnsweredWindow()
    for (const status of [200, 500]) window.add({ status, tookMs: 400, isEarly: true })
    expect(window.answered()).toEqual({ calls: 2, failed: 1, latenciesMs: [] })
    window.add({ status: 200, tookMs: 1, isEarly: false })
    expect(p95Of(window.answered())).toBe(1)
  })
})
