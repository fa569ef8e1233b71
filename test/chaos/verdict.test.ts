/** What the chaos suite lets pass: 200, and what a strike says that its own victims may be answered, in its time. */
import { describe, expect, it } from 'vitest'
import type { Disturbance } from '../../chaos/disturbance.ts'
import type { Account } from '../../chaos/lib/load.ts'
import { REFUSED, WRONG } from '../../chaos/lib/outcome.ts'
import { isTooSlow, type Pace, paceOf, type Struck, unexplained } from '../../chaos/lib/verdict.ts'

const STEADY = ['hello']

const kill: Disturbance = {
  name: 'kill',
  does: 'kills',
  mayAnswer: { victim: ['502 worker-died'], '*': [REFUSED] },
  strike: async () => '',
}

const struck: Struck = { disturbance: kill, fromMs: 1_000, toMs: 2_000, did: '', isFailed: false }

function account(name: string, outcome: string, startedAtMs = 1_500, tookMs = 10): Account {
  return { function: name, outcome, startedAtMs, endedAtMs: startedAtMs + tookMs, said: '' }
}

describe('an answer', () => {
  it.each([
    ['200, at any time', account('hello', '200', 90_000)],
    ['what a victim may be answered', account('victim', '502 worker-died')],
    ['the same where the call began before the strike', account('victim', '502 worker-died', 500, 800)],
    ['the same shortly after it', account('victim', '502 worker-died', 2_500)],
    ['what any function may be answered that is not steady', account('once', REFUSED)],
  ])('is explained: %s', (_, one) => {
    expect(unexplained([one], [struck], STEADY)).toEqual([])
  })

  it.each([
    ['of a steady function', account('hello', REFUSED)],
    ['of another function than the victim', account('once', '502 worker-died')],
    ['that the strike does not name', account('victim', '500 internal')],
    ['before the strike', account('victim', '502 worker-died', 900, 50)],
    ['long after it', account('victim', '502 worker-died', 60_000)],
    ['that belongs to another call', account('victim', WRONG)],
  ])('is not explained: %s', (_, one) => {
    expect(unexplained([one], [struck], STEADY)).toEqual([one])
  })
})

it('compares the p99 of the disturbed phase with that of both calm ones', () => {
  const calls = (fromMs: number, tookMs: number): Account[] =>
    Array.from({ length: 100 }, (_, at) => account('hello', '200', fromMs + at, tookMs))
  const accounts = [...calls(0, 4), ...calls(1_000, 6), ...calls(2_000, 5), ...calls(3_000, 4)]
  const span = (fromMs: number) => ({ fromMs, toMs: fromMs + 1_000 })
  const phases = { calm: [span(0), span(3_000)], disturbed: span(1_000), burdened: span(2_000) }
  expect(paceOf(accounts, 'hello', phases)).toMatchObject({
    calmP99Ms: 4,
    disturbedP99Ms: 6,
    burdenedP99Ms: 5,
    ratio: 1.5,
  })
})

describe('a healthy function is too slow', () => {
  const pace: Pace = {
    name: 'hello',
    calls: 1_000,
    calmP50Ms: 1,
    calmP99Ms: 4,
    disturbedP50Ms: 1,
    disturbedP99Ms: 9,
    burdenedP99Ms: 4,
    ratio: 2.25,
  }

  it('where its p99 is above twice that of calm, and above twice that of a machine that is only busy', () => {
    expect(isTooSlow(pace)).toBe(true)
    expect(isTooSlow({ ...pace, disturbedP99Ms: 8, ratio: 2 })).toBe(false)
    expect(isTooSlow({ ...pace, burdenedP99Ms: 5 })).toBe(false)
  })

  it('never where there were too few calls to say', () => {
    expect(isTooSlow({ ...pace, calls: 100 })).toBe(false)
  })
})
