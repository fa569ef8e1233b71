/** Findings from what was seen: what was there before is none, and what stays is told from what grows. */
import { expect, test } from 'vitest'
import { leftoversOf, undecided } from '../../../gateway/functions/leftovers.ts'
import type { Traces } from '../../../warmpool/index.ts'

const NOTHING: Traces = {
  ...{ globals: [], prototypes: [], environment: [], folder: [], listeners: [], resources: [], descriptors: [] },
  ...{ children: [], threads: [], modules: [], heapBytes: 1_000_000 },
}

const found = (start: Partial<Traces>, middle: Partial<Traces>, end: Partial<Traces>) =>
  leftoversOf(
    {
      start: { ...NOTHING, ...start },
      middle: { ...NOTHING, ...middle },
      end: { ...NOTHING, ...end },
      callsBetween: 50,
    },
    [],
  )

test('what was there after loading is no finding', () => {
  const same = { descriptors: ['socket', 'socket'], resources: ['PipeWrap'] }
  expect(found(same, same, same)).toEqual([])
})

test('what was there and is more is told as often as it is more', () => {
  const [one] = found(
    { descriptors: ['socket'] },
    { descriptors: ['socket', 'socket'] },
    { descriptors: ['socket', 'socket'] },
  )
  expect(one).toMatchObject({ kind: 'descriptors', items: ['socket'], isGrowing: false })
})

test('what is more at the end than halfway grows', () => {
  const [one] = found({}, { resources: ['Timeout'] }, { resources: ['Timeout', 'Timeout'] })
  expect(one).toMatchObject({ items: ['Timeout (2 times)'], isGrowing: true })
  expect(one!.sentence).toContain('more with every few calls')
})

test('memory counts from 256 KiB on', () => {
  expect(found({}, {}, { heapBytes: 1_000_000 + 256 * 1024 - 1 })).toEqual([])
  expect(found({}, {}, { heapBytes: 1_000_000 + 1024 * 500 })).toMatchObject([
    { kind: 'memory', items: ['10 KiB a call'] },
  ])
})

test('answers say something only where two fresh workers agree', () => {
  const seen = { start: NOTHING, middle: NOTHING, end: NOTHING, callsBetween: 50 }
  const of = (first: string, again: string, elsewhere: string) => [{ request: 'GET /', first, again, elsewhere }]
  expect(leftoversOf(seen, of('1', '2', '1'))).toMatchObject([{ kind: 'answers', items: ['GET /'] }])
  expect(leftoversOf(seen, of('1', '1', '1'))).toEqual([])
  expect(leftoversOf(seen, of('1', '2', '3'))).toEqual([])
  expect([undecided(of('1', '2', '3')), undecided(of('1', '2', '1'))]).toEqual([['GET /'], []])
})
