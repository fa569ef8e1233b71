/** Minimums that the pool has no room for, also those of functions that come later. */
import { expect, test } from 'vitest'
import type { ShortageEvent } from '../../warmpool/index.ts'
import { makePool } from './pool-under-test.ts'

const NAMES = ['a', 'b', 'c', 'd']
/** As many different modules as there are names. */
const moduleOf = (name: string): string => `data:text/javascript,export default () => ${JSON.stringify(name)}`

test('functions that come later share a full pool, and the shortage is told once with its numbers', async () => {
  const pool = makePool({ minWorkers: 1 }, { maxWorkers: 2, blanks: 0 })
  const told: ShortageEvent[] = []
  pool.on('shortage', (event) => told.push(event))
  for (const name of NAMES.slice(0, 2)) expect(await pool.run(moduleOf(name))).toBe(name)
  await pool.warmedUp()
  expect(told).toEqual([])
  for (const round of [1, 2])
    for (const name of NAMES) expect(await pool.run(moduleOf(name)), `round ${round}`).toBe(name)
  await pool.warmedUp()
  expect(told).toHaveLength(1)
  expect(told[0]).toMatchObject({ wanted: 3, functions: 3, places: 2, maxWorkers: 2 })
  expect(pool.status().pool.workers).toBe(2)
})

test('a function without a minimum gets a worker where the minimums of others fill the pool', async () => {
  const pool = makePool({ minWorkers: 2, maxWorkers: 2 }, { maxWorkers: 2, blanks: 0 })
  expect(await pool.run(moduleOf('a'))).toBe('a')
  await pool.warmedUp()
  const settings = { ...pool.defaults, minWorkers: 0, isolation: 'trusted' as const }
  const as = { format: 'task', handler: null, command: null, runtime: 'node', readable: [], cwd: null } as const
  pool.define({ name: moduleOf('b'), bundle: 'b', entry: moduleOf('b'), ...as, settings })
  expect(await pool.run(moduleOf('b'))).toBe('b')
})

test('what takes too long to be warm is not waited for any longer than one says', async () => {
  const pool = makePool({ minWorkers: 1, bootTimeoutMs: 600_000 })
  const hangs = 'data:text/javascript,await new Promise((resolve) => setTimeout(resolve, 3600000)); export default 1'
  const run = pool.run(hangs).catch(() => {})
  expect(await pool.warmedUp(undefined, 100)).toBe(false)
  expect(pool.warming()).toMatchObject([{ name: hangs, warm: 0, wanted: 1 }])
  await pool.close(0)
  await run
})

test('nobody waits for workers that are no part of a minimum, such as those that a call waits for', async () => {
  const pool = makePool({ minWorkers: 0, bootTimeoutMs: 600_000 })
  const hangs = 'data:text/javascript,await new Promise((resolve) => setTimeout(resolve, 3600000)); export default 1'
  const run = pool.run(hangs).catch(() => {})
  expect(pool.warming()).toEqual([])
  expect(await pool.warmedUp(undefined, 1000)).toBe(true)
  await pool.close(0)
  await run
})
