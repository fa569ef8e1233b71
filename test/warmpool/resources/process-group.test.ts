/** Who belongs to a worker, from a list of processes alone. */
import { expect, test } from 'vitest'
import { membersIn } from '../../../warmpool/resources/process-group.ts'
import type { ProcessRecord } from '../../../warmpool/resources/process-table.ts'

const WORKER = 100

function process(pid: number, parent: number, more: Partial<ProcessRecord> = {}): ProcessRecord {
  const counted = { cpuMs: 0, threads: 1, startedAt: pid, rssBytes: 0, isZombie: false }
  return { pid, parent, group: pid, session: pid, ...counted, ...more }
}

function members(
  all: readonly ProcessRecord[],
  known = new Map<number, number>(),
  strays: ProcessRecord[] = [],
): number[] {
  const table = new Map(all.map((one) => [one.pid, one]))
  return membersIn(table, WORKER, known, strays)
    .map(({ pid }) => pid)
    .sort((a, b) => a - b)
}

const worker = process(WORKER, 1)

test('itself, and those below it however far and in whatever session', () => {
  expect(members([process(103, 102), process(102, 101), process(101, WORKER), worker, process(5, 1)])).toEqual([
    100, 101, 102, 103,
  ])
})

test('those whose parent is gone, by session or group', () => {
  expect(members([worker, process(7, 1, { session: WORKER }), process(8, 1, { group: WORKER })])).toEqual([7, 8, 100])
})

test('those that were seen before, unless their number is another process by now', () => {
  const known = new Map([
    [7, 7],
    [8, 1],
  ])
  expect(members([worker, process(7, 1), process(8, 1), process(9, 7)], known)).toEqual([7, 9, 100])
})

test('strays, and what those have started', () => {
  expect(members([worker, process(7, 1), process(9, 7)], new Map(), [process(7, 1)])).toEqual([7, 9, 100])
})

test('nobody who has ended', () => {
  expect(members([worker, process(101, WORKER, { isZombie: true })])).toEqual([100])
})
