import { describe, expect, it } from 'vitest'
import { afterFailure, CLOSED, isOpen } from '../../../warmpool/policy/breaker.ts'
import { chooseVictim, type Evictable, LoadTimes, worthOf } from '../../../warmpool/policy/eviction.ts'
import { pacedStarts, urgentStarts } from '../../../warmpool/policy/pacing.ts'
import { afterBlankTaken, afterNewcomer, NO_NEWCOMERS, reclaimableBeforeMs } from '../../../warmpool/policy/reclaim.ts'
import {
  drawBudget,
  expiryReason,
  isOneShot,
  isRenewed,
  lastingBytes,
  recycledAtBytes,
} from '../../../warmpool/policy/recycling.ts'

describe('a budget', () => {
  const settings = { maxInvocations: 200, maxAgeMs: 1_000 }

  it('is drawn so that siblings do not expire together', () => {
    expect(drawBudget(settings, 0)).toEqual({ invocations: 160, ageMs: 800 })
    expect(drawBudget(settings, 0.5).invocations).toBe(175)
    expect(drawBudget(settings, 0.999).invocations).toBeLessThan(200)
  })

  it('is never less than one invocation', () =>
    expect(drawBudget({ ...settings, maxInvocations: 1 }, 0).invocations).toBe(1))

  it('may have no end', () => {
    const never = drawBudget({ maxInvocations: Number.POSITIVE_INFINITY, maxAgeMs: Number.POSITIVE_INFINITY }, 0.3)
    expect(expiryReason({ invocations: 1e9, ageMs: 1e12, rssBytes: 1 }, never, 2)).toBeNull()
  })

  it('by memory goes by what two samples in a row saw, unless the limit is near', () => {
    expect(lastingBytes({ bytes: 300, bytesBefore: 100 }, 200, 600)).toBe(100)
    expect(lastingBytes({ bytes: 300, bytesBefore: 250 }, 200, 600)).toBe(250)
    expect(lastingBytes({ bytes: 100, bytesBefore: 900 }, 200, 600)).toBe(100)
    expect(lastingBytes({ bytes: 401, bytesBefore: 100 }, 200, 600)).toBe(401)
  })

  it('by memory is not used up by what a worker needs before its first call', () => {
    expect(recycledAtBytes(1, 200, 600)).toBe(200)
    expect(recycledAtBytes(0, 200, 600)).toBe(400)
    expect(recycledAtBytes(0, 200, Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY)
  })

  it('that is used up without a call gets a successor only of the minimum, or where idle workers never go', () => {
    expect(isRenewed(0, false, 300_000)).toBe(false)
    expect(isRenewed(1, false, 300_000)).toBe(true)
    expect(isRenewed(0, true, 300_000)).toBe(true)
    expect(isRenewed(0, false, Number.POSITIVE_INFINITY)).toBe(true)
  })

  it('names the first reason that applies', () => {
    const budget = { invocations: 10, ageMs: 100 }
    expect(expiryReason({ invocations: 10, ageMs: 100, rssBytes: 9 }, budget, 5)).toBe('invocations')
    expect(expiryReason({ invocations: 9, ageMs: 100, rssBytes: 9 }, budget, 5)).toBe('age')
    expect(expiryReason({ invocations: 9, ageMs: 99, rssBytes: 9 }, budget, 5)).toBe('memory')
    expect(expiryReason({ invocations: 9, ageMs: 99, rssBytes: 5 }, budget, 5)).toBeNull()
  })

  it('of one invocation means a fresh process for every call', () => {
    expect(isOneShot({ maxInvocations: 1, maxAgeMs: 1 })).toBe(true)
    expect(isOneShot({ maxInvocations: 2, maxAgeMs: 1 })).toBe(false)
  })
})

describe('a breaker', () => {
  it('doubles the pause with each failure in a row, up to half a minute', () => {
    let breaker = CLOSED
    const pauses: number[] = []
    for (let failure = 0; failure < 7; failure++) {
      breaker = afterFailure(breaker, 0, 5_000)
      pauses.push(breaker.closedAtMs - 5_000)
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  })

  it('tolerates as many as it is told before it pauses', () => {
    let breaker = CLOSED
    for (let failure = 0; failure < 4; failure++) breaker = afterFailure(breaker, 4, 5_000)
    expect(isOpen(breaker, 5_000)).toBe(false)
    expect(isOpen(afterFailure(breaker, 4, 5_000), 5_000)).toBe(true)
  })

  it('lets the next try through when the pause is over', () => {
    const breaker = afterFailure(CLOSED, 0, 0)
    expect(isOpen(breaker, 999)).toBe(true)
    expect(isOpen(breaker, 1_000)).toBe(false)
  })
})

describe('eviction', () => {
  const worker: Evictable = { invocations: 100, ageMs: 10_000, idleMs: 100, loadMs: 10, rssBytes: 50e6 }

  it.each<[string, Partial<Evictable>]>([
    ['is asked for less often', { invocations: 1 }],
    ['has idled longer', { idleMs: 60_000 }],
    ['is loaded again faster', { loadMs: 1 }],
    ['holds more memory', { rssBytes: 500e6 }],
  ])('takes the one that %s', (_name, less) => {
    expect(worthOf({ ...worker, ...less })).toBeLessThan(worthOf(worker))
    expect(chooseVictim([worker, { ...worker, ...less }, worker])).toBe(1)
  })

  it('counts a start by the shortest of the latest eight loads: others waited for the machine', () => {
    const times = new LoadTimes()
    expect(times.usualMs).toBe(0)
    for (const loadMs of [4, 900, 12]) times.add(loadMs)
    expect(times.usualMs).toBe(4)
    for (let at = 0; at < 7; at++) times.add(30)
    expect(times.usualMs).toBe(12)
  })

  it('takes the first among equals, and nobody from nothing', () => {
    expect(chooseVictim([worker, worker])).toBe(0)
    expect(chooseVictim([])).toBe(-1)
  })
})

describe('pacing of starts', () => {
  const boots = { starting: 0, cores: 2, idleShare: 1, sinceLastStartMs: 10 }

  it('starts what is waited for on every core', () => {
    expect(urgentStarts(boots)).toBe(2)
    expect(urgentStarts({ ...boots, starting: 1, idleShare: 0 })).toBe(1)
    expect(urgentStarts({ ...boots, starting: 3 })).toBe(0)
  })

  it('starts what nobody waits for on idle cores only', () => {
    expect(pacedStarts(boots)).toBe(2)
    expect(pacedStarts({ ...boots, idleShare: 0.5 })).toBe(1)
    expect(pacedStarts({ ...boots, idleShare: 0.3 })).toBe(0)
    expect(pacedStarts({ ...boots, idleShare: 0.5, starting: 1 })).toBe(0)
  })

  it('lets a trickle through on a busy machine', () => {
    const busy = { ...boots, idleShare: 0.05 }
    expect(pacedStarts(busy)).toBe(0)
    expect(pacedStarts({ ...busy, sinceLastStartMs: 4_000 })).toBe(1)
    expect(pacedStarts({ ...busy, sinceLastStartMs: 4_000, starting: 1 })).toBe(0)
  })
})

describe('letting an idle worker go for a blank', () => {
  const two = afterNewcomer(afterNewcomer(NO_NEWCOMERS, 10_000), 12_000)
  const never = Number.NEGATIVE_INFINITY

  it('is done once two had to be made room for since it was last used', () => {
    expect(reclaimableBeforeMs(two, 60_000)).toBe(10_000)
    expect(reclaimableBeforeMs(afterNewcomer(NO_NEWCOMERS, 10_000), 60_000)).toBe(never)
  })

  it('is never done while everything fits, however long it idles', () =>
    expect(reclaimableBeforeMs(NO_NEWCOMERS, 1e9)).toBe(never))

  it('spares who was used within a second, in a burst of newcomers', () => {
    const burst = afterNewcomer(afterNewcomer(NO_NEWCOMERS, 10_100), 10_200)
    expect(reclaimableBeforeMs(burst, 10_300)).toBe(9_300)
  })

  it('goes on while others take the blanks, and ends when one takes back what it gave', () => {
    expect(reclaimableBeforeMs(afterBlankTaken(two, false, 20_000), 60_000)).toBe(12_000)
    expect(reclaimableBeforeMs(afterBlankTaken(two, true, 20_000), 60_000)).toBe(never)
  })
})
