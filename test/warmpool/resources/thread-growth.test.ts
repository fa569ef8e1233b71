/** When a tree of processes is noticed to grow, and that it stands still while it is looked at. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { childrenOf } from '../../../warmpool/resources/process-table.ts'
import { holdStill, letGo } from '../../../warmpool/resources/standstill.ts'
import { ThreadGrowth } from '../../../warmpool/resources/thread-growth.ts'
import { eventually } from '../../e2e/processes.ts'

test('many more threads are growth, those of workers that the pool has started are not', () => {
  let threads = 200
  const growth = new ThreadGrowth(() => threads)
  expect(growth.hasGrown(1)).toBe(false)
  threads += 31
  expect(growth.hasGrown(1)).toBe(false)
  threads += 1
  expect(growth.hasGrown(1)).toBe(true)
  expect(growth.hasGrown(4)).toBe(false)
  growth.settle(1)
  expect(growth.hasGrown(1)).toBe(false)
  // Fewer are where it counts from.
  threads -= 100
  expect(growth.hasGrown(1)).toBe(false)
  threads += 32
  expect(growth.hasGrown(1)).toBe(true)
})

test('without a count of the system nothing grows', () => {
  const growth = new ThreadGrowth(() => 0)
  expect([growth.hasGrown(0), growth.hasGrown(0)]).toEqual([false, false])
})

test('the whole tree below a worker stands still, the worker does not, and all goes on', async () => {
  const worker = spawn('/bin/sh', ['-c', 'sh -c "sleep 100 & wait" & sleep 100 & wait'], { stdio: 'ignore' })
  const pid = worker.pid!
  const below = (one: number): number[] => (childrenOf(one) ?? []).flatMap((child) => [child, ...below(child)])
  const states = () => below(pid).map((one) => /\) (\w)/.exec(readFileSync(`/proc/${one}/stat`, 'latin1'))![1])
  try {
    await eventually(() => below(pid).length === 3)
    const stopped = holdStill([pid])
    expect([...stopped].sort()).toEqual(below(pid).sort())
    await eventually(() => states().every((state) => state === 'T'))
    expect(readFileSync(`/proc/${pid}/stat`, 'latin1')).not.toContain(') T')
    letGo(stopped)
    await eventually(() => states().every((state) => state === 'S'))
  } finally {
    for (const one of [pid, ...below(pid)]) process.kill(one, 'SIGKILL')
  }
})
