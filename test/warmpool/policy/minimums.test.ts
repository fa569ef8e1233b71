import { expect, test } from 'vitest'
import { placesIn, shareMinimums, WORKER_BYTES } from '../../../warmpool/policy/minimums.ts'

const guaranteed = (wanted: readonly number[], places: number): number[] =>
  shareMinimums(wanted, places).map((part) => part.guaranteed)
const warmed = (wanted: readonly number[], places: number): number[] =>
  shareMinimums(wanted, places).map((part) => part.warmed)

test('minimums that fit are kept whole', () => {
  expect(guaranteed([1, 2, 5], 8)).toEqual([1, 2, 5])
  expect(warmed([1, 2, 5], 8)).toEqual([1, 2, 5])
})

test('where each function wants one and there are fewer places, none is guaranteed and the first are warmed', () => {
  expect(guaranteed([1, 1, 1, 1, 1], 3)).toEqual([0, 0, 0, 0, 0])
  expect(warmed([1, 1, 1, 1, 1], 3)).toEqual([1, 1, 1, 0, 0])
})

test('a large minimum gives way before a small one', () => {
  expect(guaranteed([10, 10, 1], 9)).toEqual([4, 4, 1])
  expect(warmed([10, 10, 2], 9)).toEqual([4, 3, 2])
})

test('a function without a minimum is left a place', () => {
  expect(guaranteed([4, 4, 0], 8)).toEqual([3, 3, 0])
  expect(warmed([4, 4, 0], 8)).toEqual([4, 3, 0])
  expect(warmed([1, 0], 1)).toEqual([0, 0])
})

test('what is guaranteed and what is warmed never exceed the places or a minimum', () => {
  for (let places = 1; places < 12; places++)
    for (const wanted of [[3], [3, 0], [1, 2, 3], [5, 5, 5], [0, 0], [7, 1, 0, 2]]) {
      const parts = shareMinimums(wanted, places)
      expect(parts.reduce((sum, part) => sum + part.warmed, 0)).toBeLessThanOrEqual(places)
      for (const [at, part] of parts.entries()) {
        expect(part.guaranteed).toBeLessThanOrEqual(part.warmed)
        expect(part.warmed).toBeLessThanOrEqual(wanted[at]!)
      }
    }
})

test('memory makes places as much as their number does', () => {
  const none = { processes: 0, memoryBytes: 0 }
  const ten = { maxWorkers: 24, memoryBytes: 10 * WORKER_BYTES }
  expect(placesIn({ maxWorkers: 24, memoryBytes: Number.POSITIVE_INFINITY }, none)).toBe(24)
  expect(placesIn(ten, none)).toBe(10)
  expect(placesIn(ten, { processes: 3, memoryBytes: 6 * WORKER_BYTES })).toBe(5)
  expect(placesIn({ maxWorkers: 24, memoryBytes: 1 }, none)).toBe(1)
})

test('what is over the memory budget has no place, and does not get it back until one of its size fits', () => {
  const budget = { maxWorkers: 24, memoryBytes: 10 * WORKER_BYTES }
  expect(placesIn(budget, { processes: 4, memoryBytes: 11 * WORKER_BYTES })).toBe(3)
  expect(placesIn(budget, { processes: 3, memoryBytes: 8.25 * WORKER_BYTES })).toBe(3)
  expect(placesIn(budget, { processes: 3, memoryBytes: 7 * WORKER_BYTES })).toBe(4)
})
