import { expect, it } from 'vitest'
import { type HttpLimits, Wait } from '../../../../gateway/http/server/deadlines.ts'

const LIMITS: HttpLimits = {
  headersBytes: 4096,
  headersTimeoutMs: 10,
  bodyTimeoutMs: 20,
  writeTimeoutMs: 30,
  keepAliveTimeoutMs: 40,
}

it('is over when the same was awaited for so long and none of it came', () => {
  const wait = new Wait()
  const looks = [0, 10, 19, 20, 21].map((nowMs) => wait.isOver('body', 7, nowMs, LIMITS))
  expect(looks).toEqual([false, false, false, true, false])
})

it('begins anew with each piece, and with whatever else is awaited', () => {
  const wait = new Wait()
  const looks = [
    wait.isOver('body', 1, 0, LIMITS),
    wait.isOver('body', 2, 19, LIMITS),
    wait.isOver('body', 2, 38, LIMITS),
    wait.isOver('nothing', 2, 39, LIMITS),
    wait.isOver('body', 2, 100, LIMITS),
    wait.isOver('body', 2, 119, LIMITS),
    wait.isOver('body', 2, 120, LIMITS),
  ]
  expect(looks).toEqual([false, false, false, false, false, false, true])
})

it('is never over where nothing is awaited', () => {
  const wait = new Wait()
  expect([0, 1e9].map((nowMs) => wait.isOver('nothing', 0, nowMs, LIMITS))).toEqual([false, false])
})

it('goes by the limits that hold at the look', () => {
  const wait = new Wait()
  wait.isOver('taking', 0, 0, LIMITS)
  expect(wait.isOver('taking', 0, 30, { ...LIMITS, writeTimeoutMs: 100 })).toBe(false)
  expect(wait.isOver('taking', 0, 40, LIMITS)).toBe(true)
})
