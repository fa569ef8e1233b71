import { describe, expect, it } from 'vitest'
import { chooseWorker, type Demand, workersWanted } from '../../../warmpool/policy/scheduling.ts'

describe('choosing a worker', () => {
  const worker = (inFlight: number, isExpiring = false) => ({ inFlight, isExpiring })

  it('takes the least busy one', () => expect(chooseWorker([worker(2), worker(1), worker(3)], 4)).toBe(1))
  it('takes the first among equals, so that the last can idle', () =>
    expect(chooseWorker([worker(0), worker(0)], 4)).toBe(0))
  it('finds none when every slot is taken', () => expect(chooseWorker([worker(2), worker(2)], 2)).toBe(-1))
  it('finds none among none', () => expect(chooseWorker([], 2)).toBe(-1))
  it('prefers a busy one to one that is about to be replaced', () =>
    expect(chooseWorker([worker(0, true), worker(1)], 2)).toBe(1))
  it('takes one that is about to be replaced before nobody', () =>
    expect(chooseWorker([worker(0, true), worker(2)], 2)).toBe(0))
})

describe('how many workers a function wants', () => {
  const calm: Demand = {
    waiting: 0,
    loading: 0,
    serving: 0,
    expiring: 0,
    outdated: 0,
    running: 0,
    spent: 0,
    minWorkers: 0,
    maxWorkers: 8,
    concurrency: 16,
  }

  it.each<[string, Partial<Demand>, { now: number; soon: number }]>([
    ['nothing when nobody calls', {}, { now: 0, soon: 0 }],
    ['one for a burst that one can hold', { waiting: 16 }, { now: 1, soon: 0 }],
    ['as many as a burst fills, not one for each of it', { waiting: 50 }, { now: 4, soon: 0 }],
    ['none besides those that load already', { waiting: 50, loading: 4 }, { now: 0, soon: 0 }],
    ['no more than the maximum', { waiting: 1000 }, { now: 8, soon: 0 }],
    ['no more than the maximum, those that serve included', { waiting: 1000, serving: 6 }, { now: 2, soon: 0 }],
    ['its minimum, without haste', { minWorkers: 3, serving: 1 }, { now: 0, soon: 2 }],
    ['a replacement for each that expires', { serving: 2, expiring: 2 }, { now: 0, soon: 2 }],
    ['at once one for each whose environment changed', { serving: 2, expiring: 2, outdated: 1 }, { now: 1, soon: 1 }],
    ['not a second one at once', { serving: 1, expiring: 1, outdated: 1, loading: 1 }, { now: 0, soon: 0 }],
    ['a replacement even at the maximum', { serving: 8, expiring: 1 }, { now: 0, soon: 1 }],
    ['no second replacement for the same one', { serving: 2, expiring: 1, loading: 1 }, { now: 0, soon: 0 }],
    ['a successor for each that was spent on its only call', { running: 1, spent: 2 }, { now: 0, soon: 2 }],
    ['not a second one for the same call', { waiting: 1, spent: 1, concurrency: 1 }, { now: 1, soon: 0 }],
    [
      'no more than the maximum, those that run their only call included',
      { running: 7, spent: 7 },
      { now: 0, soon: 1 },
    ],
    ['no call of its own beyond the maximum', { waiting: 3, running: 8, concurrency: 1 }, { now: 0, soon: 0 }],
    ['one process a call where calls are isolated', { waiting: 3, concurrency: 1 }, { now: 3, soon: 0 }],
  ])('%s', (_name, demand, wanted) => {
    expect(workersWanted({ ...calm, ...demand })).toEqual(wanted)
  })
})
