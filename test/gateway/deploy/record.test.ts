import { describe, expect, it } from 'vitest'
import { cookieIn, headerIn, mayHaveHeader } from '../../../gateway/deploy/call-marks.ts'
import { namedVersion, newRecord, type VersionRecord, withLive, withVersion } from '../../../gateway/deploy/record.ts'

const version = (number: number): VersionRecord => ({
  number,
  id: `${number}`.padEnd(40, 'a'),
  key: `key ${number}`,
  createdAt: '',
  by: '',
  files: 1,
  bytes: 1,
  install: 'no',
  bundle: '',
  outsideInputs: [],
  source: { entry: '', identity: {} as never, file: null, routes: [], notes: [] },
})

function recorded(count: number, keep: number) {
  let record = newRecord('hello')
  for (let number = 1; number <= count; number++) record = withLive(withVersion(record, version(number), keep), number)
  return record
}

const numbers = ({ versions }: { versions: readonly VersionRecord[] }) => versions.map(({ number }) => number)

describe('the versions that are kept', () => {
  it('are the last ones', () => {
    expect(numbers(recorded(5, 3))).toEqual([3, 4, 5])
    expect(recorded(5, 3)).toMatchObject({ live: 5, previous: 4, next: 6 })
  })

  it('and the live one, and the one before, however old', () => {
    const back = withLive(recorded(5, 5), 1)
    let record = withVersion(back, version(6), 2)
    expect(numbers(record)).toEqual([1, 5, 6])
    record = withVersion(record, version(7), 2)
    expect(numbers(record)).toEqual([1, 5, 7])
  })

  it('and that of a canary', () => {
    const record = { ...recorded(5, 5), canary: { version: 2 } as never }
    expect(numbers(withVersion(record, version(6), 1))).toEqual([2, 4, 5, 6])
  })
})

it('a number is never given twice', () => {
  const record = recorded(3, 3)
  const without = { ...record, versions: record.versions.slice(0, 2) }
  expect(withVersion(without, version(4), 3).next).toBe(5)
})

it('a version is named by its number or by the beginning of its id', () => {
  const record = recorded(12, 20)
  expect(namedVersion(record, '3')?.number).toBe(3)
  expect(namedVersion(record, 'v3')?.number).toBe(3)
  expect(namedVersion(record, version(12).id)?.number).toBe(12)
  expect(namedVersion(record, version(12).id.slice(0, 8))?.number).toBe(12)
  for (const none of ['', '99', '12aaa', 'x', '../1', 'aaaaaaaa']) expect(namedVersion(record, none)).toBe(null)
})

it('a call is read for headers by their names, and not by values that look like them', () => {
  const head = 'id\nGET\n/\nwhat\nx-user\nx-user\nme\ncookie\na=1; b=2;c=3'
  expect(headerIn(head, 'x-user')).toBe('me')
  expect(headerIn(head, 'me')).toBe(null)
  expect(mayHaveHeader(head, 'x-other')).toBe(false)
  expect([cookieIn(head, 'b'), cookieIn(head, 'c'), cookieIn(head, 'd')]).toEqual(['2', '3', null])
})
