import { expect, it } from 'vitest'
import {
  mayTakeBusy,
  mayTakeIdle,
  NO_CLAIM,
  NOTHING,
  nextClaim,
  poorest,
  surplusOf,
  weightOfEach,
} from '../../../warmpool/policy/fair-share.ts'

it('counts beyond the minimum, and one without any worker as the poorest of all', () => {
  expect(surplusOf({ workers: 5, minWorkers: 2 })).toBe(3)
  expect(surplusOf({ workers: 1, minWorkers: 3 })).toBe(-2)
  expect(surplusOf({ workers: 0, minWorkers: 0 })).toBe(NOTHING)
})

it('gives to whoever has the least, the first among equals', () => {
  expect(poorest([3, 1, 2])).toBe(1)
  expect(poorest([2, -1, -1])).toBe(1)
  expect(poorest([0, NOTHING, NOTHING])).toBe(1)
  expect(poorest([])).toBe(-1)
})

it('shares a full pool out evenly, whoever came first', () => {
  const has = [0, 0, 0]
  for (let given = 0; given < 12; given++) has[poorest(has.map((workers) => surplusOf({ workers, minWorkers: 0 })))]!++
  expect(has).toEqual([4, 4, 4])
})

it('takes a busy worker only where that makes both more alike, and never what is owed', () => {
  expect(mayTakeBusy(1, 3)).toBe(true)
  expect(mayTakeBusy(2, 3)).toBe(false)
  expect(mayTakeBusy(3, 3)).toBe(false)
  expect(mayTakeBusy(-1, 1)).toBe(true)
  expect(mayTakeBusy(NOTHING, 1)).toBe(true)
  expect(mayTakeBusy(NOTHING, 0)).toBe(false)
  expect(mayTakeBusy(NO_CLAIM, 100)).toBe(false)
})

it('ends: of any two functions, the one that took does not have to give back', () => {
  for (let claim = -3; claim < 6; claim++)
    for (let surplus = 1; surplus < 6; surplus++)
      if (mayTakeBusy(claim, surplus)) expect(mayTakeBusy(surplus - 1, claim + 1)).toBe(false)
})

it('leaves its last worker to a function that is called now and then, whatever a flood of another asks for', () => {
  expect(mayTakeIdle(7, 1, 2_000)).toBe(false)
  expect(mayTakeIdle(7, 1, 60_000)).toBe(true)
  expect(mayTakeIdle(7, 3, 500)).toBe(false)
  expect(mayTakeIdle(7, 3, 2_000)).toBe(true)
  expect(mayTakeIdle(1, 3, 0)).toBe(true)
  expect(mayTakeIdle(NOTHING, 1, 0)).toBe(true)
  expect(mayTakeIdle(NOTHING, 0, 60_000)).toBe(false)
})

it('claims for the one whom the processes on their way do not reach', () => {
  const flood = { workers: 4, minWorkers: 0, wants: 4 }
  const cold = { workers: 0, minWorkers: 0, wants: 2 }
  const owed = { workers: 1, minWorkers: 2, wants: 1 }
  expect([0, 1, 2, 3].map((coming) => nextClaim([flood, cold, owed], coming))).toEqual([NOTHING, -1, 1, 4])
  expect(nextClaim([cold], 2)).toBe(NO_CLAIM)
  expect(nextClaim([], 0)).toBe(NO_CLAIM)
})

it('divides the weight of a function among those of its workers that are at work', () => {
  expect([0, 1, 2, 3, 8].map((busy) => weightOfEach(100, busy))).toEqual([100, 100, 50, 33, 13])
  expect(weightOfEach(1, 5)).toBe(1)
})
