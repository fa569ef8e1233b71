import { describe, expect, it } from 'vitest'
import { AnsweredWindow } from '../../../gateway/deploy/answered-window.ts'
import { type Answered, decideCanary, isCanarys } from '../../../gateway/deploy/canary-policy.ts'
import type { CanaryRecord } from '../../../gateway/deploy/record.ts'

const CANARY: CanaryRecord = {
  version: 2,
  percent: 5,
  by: { kind: 'calls', name: '' },
  steps: [25, 100],
  stepMs: 60_000,
  bounds: { minCalls: 50, errors: 0.02, latency: 2 },
}
const well: Answered = { calls: 1_000, failed: 10, p95Ms: 10 }
const decide = (live: Answered, canary: Answered, sinceStepMs = 60_000, record = CANARY) =>
  decideCanary(record, live, canary, sinceStepMs)

describe('a canary', () => {
  it('rises when its step is over and it does as well as the live version', () => {
    expect(decide(well, { calls: 50, failed: 1, p95Ms: 19 })).toEqual({ kind: 'raise', percent: 25, steps: [100] })
  })

  it('becomes live at a hundred', () => {
    expect(decide(well, well, 60_000, { ...CANARY, percent: 25, steps: [100] })).toEqual({ kind: 'complete' })
  })

  it('stays where it is without steps', () => {
    expect(decide(well, well, 1e9, { ...CANARY, steps: [] })).toEqual({ kind: 'wait' })
  })

  it('waits for its time, and for calls', () => {
    expect(decide(well, well, 59_999)).toEqual({ kind: 'wait' })
    expect(decide(well, { calls: 49, failed: 0, p95Ms: 1 }, 1e9)).toEqual({ kind: 'wait' })
  })

  it('goes back as soon as more of its calls fail than the bound allows', () => {
    expect(decide(well, { calls: 50, failed: 2, p95Ms: 1 }, 0)).toEqual({
      kind: 'revert',
      why: "4.0 % of its 50 calls failed, against 1.0 % of the live version's 1000",
    })
    expect(decide(well, { calls: 100, failed: 3, p95Ms: 1 }, 0).kind).toBe('wait')
  })

  it('goes back when it is slower than the bound allows', () => {
    expect(decide(well, { calls: 50, failed: 0, p95Ms: 20.5 }, 0)).toEqual({
      kind: 'revert',
      why: "its 95th percentile is 20.5 ms, against 10.0 ms of the live version's",
    })
  })

  it('is not blamed for what the live version does as badly, nor for the first few calls', () => {
    expect(decide({ calls: 100, failed: 50, p95Ms: 10 }, { calls: 100, failed: 51, p95Ms: 10 }, 0).kind).toBe('wait')
    expect(decide(well, { calls: 49, failed: 49, p95Ms: 1_000 }, 0).kind).toBe('wait')
    expect(decide({ calls: 3, failed: 0, p95Ms: 1 }, { calls: 50, failed: 0, p95Ms: 500 }, 0).kind).toBe('wait')
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

it('what was answered is counted, and its percentile is of the last thousand', () => {
  const window = new AnsweredWindow()
  expect(window.answered()).toEqual({ calls: 0, failed: 0, p95Ms: null })
  for (let at = 0; at < 5_000; at++) window.add(at % 100 === 0 ? 500 : 200, at < 4_000 ? 1_000 : 10)
  window.add(0, 99_999)
  expect(window.answered()).toEqual({ calls: 5_000, failed: 50, p95Ms: 10 })
})
