/** A run of the chaos suite can be repeated: its seed decides which strike comes when, and what each leaves to chance. */
import { describe, expect, it } from 'vitest'
import { Random } from '../../chaos/lib/random.ts'
import { schedule } from '../../chaos/lib/schedule.ts'

const NAMES = ['kill', 'freeze', 'spin', 'deploys']

describe('the schedule', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(schedule(NAMES, 60_000, 7)).toEqual(schedule(NAMES, 60_000, 7))
    expect(schedule(NAMES, 60_000, 7)).not.toEqual(schedule(NAMES, 60_000, 8))
  })

  it('has every disturbance strike in a run that is shorter than one gap each', () => {
    const strikes = schedule(NAMES, 100, 1)
    expect(strikes.map(({ name }) => name).sort()).toEqual([...NAMES].sort())
  })

  it('has each strike as often as the others, in time and in order', () => {
    const strikes = schedule(NAMES, 60_000, 3)
    const counts = [...Map.groupBy(strikes, ({ name }) => name).values()].map((all) => all.length)
    expect(new Set(counts).size).toBe(1)
    const times = strikes.map(({ atMs }) => atMs)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(times.at(-1)).toBeLessThanOrEqual(60_000)
  })

  it('is empty where nothing is to strike', () => {
    expect(schedule([], 60_000, 1)).toEqual([])
  })
})

describe('chance', () => {
  it('repeats itself with its seed', () => {
    const draw = (seed: number): unknown => {
      const random = new Random(seed)
      return [
        random.next(),
        random.between(1, 6),
        random.bytes(8).toString('hex'),
        random.shuffled(NAMES),
        random.seed(),
      ]
    }
    expect(draw(5)).toEqual(draw(5))
    expect(draw(5)).not.toEqual(draw(6))
  })

  it('reaches both ends, and keeps all of what it shuffles', () => {
    const random = new Random(1)
    const thrown = new Set(Array.from({ length: 200 }, () => random.between(1, 6)))
    expect([...thrown].sort()).toEqual([1, 2, 3, 4, 5, 6])
    expect(random.shuffled(NAMES).sort()).toEqual([...NAMES].sort())
  })
})
