import { expect, test } from 'vitest'
import { nextState, type WorkerState } from '../../warmpool/worker-state.ts'

/** The drawing in worker-state.ts, step by step. */
const LEGAL = new Set([
  'starting>blank',
  'blank>loading',
  'loading>ready',
  'ready>busy',
  'busy>ready',
  'blank>draining',
  'loading>draining',
  'ready>draining',
  'busy>draining',
  'draining>dead',
  'starting>dead',
  'blank>dead',
  'loading>dead',
  'ready>dead',
  'busy>dead',
])

const STATES: readonly WorkerState[] = ['starting', 'blank', 'loading', 'ready', 'busy', 'draining', 'dead']

const STEPS = STATES.flatMap((from) => STATES.map((to) => [from, to] as const))

test.each(STEPS.filter(([from, to]) => LEGAL.has(`${from}>${to}`)))('a worker may go from %s to %s', (from, to) => {
  expect(nextState(from, to)).toBe(to)
})

test.each(STEPS.filter(([from, to]) => !LEGAL.has(`${from}>${to}`)))('a worker cannot go from %s to %s', (from, to) => {
  expect(() => nextState(from, to)).toThrow(`A worker cannot go from ${from} to ${to}`)
})

test('every life can end, and only death is the end', () => {
  for (const state of STATES) expect(LEGAL.has(`${state}>dead`)).toBe(state !== 'dead')
})
