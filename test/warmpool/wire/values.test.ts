import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../warmpool/wire/frames.ts'
import { decodeValue, encodeValue, kindAt } from '../../../warmpool/wire/values.ts'

describe('a value comes out as it went in', () => {
  test.each([
    [null],
    [true],
    [0],
    [-7],
    [1234567890],
    [999_999_999_999_999],
    [1_000_000_000_000_001],
    [-Number.MAX_SAFE_INTEGER],
    [1e21],
    [0.5],
    [-1.5e300],
    [''],
    ['with "quotes", \n breaks, é and 😀'],
    [[]],
    [[1, [2, [3]]]],
    [{ a: { b: [null] }, '': 0 }],
    [undefined],
  ])('%j', (value) => {
    expect(roundTrip(value)).toEqual(value)
  })

  test('bytes, also none of them, and bytes that are not UTF-8', () => {
    for (const bytes of [new Uint8Array(0), Uint8Array.of(0, 255, 128, 10), Buffer.from('text')]) {
      expect(roundTrip(bytes)).toEqual(new Uint8Array(bytes))
    }
  })

  test('an array ten thousand deep', () => {
    const text = '['.repeat(10_000) + ']'.repeat(10_000)
    let depth = 0
    for (let at = decodeValue('json', Buffer.from(text)); Array.isArray(at); at = at[0]) depth++
    expect(depth).toBe(10_000)
  })
})

test('a view of part of a buffer is only that part', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4).subarray(1, 3)
  expect(roundTrip(bytes)).toEqual(Uint8Array.of(2, 3))
})

test('array buffers, shared ones too, are bytes', () => {
  expect(roundTrip(Uint8Array.of(5, 6).buffer)).toEqual(Uint8Array.of(5, 6))
  expect(roundTrip(new SharedArrayBuffer(2))).toEqual(Uint8Array.of(0, 0))
})

test('bytes of another realm are bytes', () => {
  expect(roundTrip(runInNewContext('Uint8Array.of(7, 8)'))).toEqual(Uint8Array.of(7, 8))
  expect(roundTrip(runInNewContext('Uint8Array.of(7, 8).buffer'))).toEqual(Uint8Array.of(7, 8))
})

test('decoded bytes do not share memory with the chunk they came in', () => {
  const chunk = Buffer.from('abc')
  const decoded = decodeValue('bytes', chunk)
  chunk.fill('x')
  expect(decoded).toEqual(new Uint8Array(Buffer.from('abc')))
  expect((decoded as Uint8Array).buffer.byteLength).toBe(3)
})

test.each([
  ['a function', () => {}],
  ['a symbol', Symbol('s')],
  ['a BigInt', 1n],
  ['an object whose toJSON says nothing', { toJSON: () => undefined }],
])('%s cannot be encoded', (_name, value) => {
  expect(() => encodeValue(value)).toThrow(TypeError)
})

test('a cycle cannot be encoded', () => {
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  expect(() => encodeValue(cycle)).toThrow(TypeError)
})

test('what is announced as JSON and is not breaks the protocol', () => {
  for (const text of ['', '{', 'undefined', '1 2', '007', '-', '-01', '+1', '1-']) {
    expect(() => decodeValue('json', Buffer.from(text)), text).toThrow(ProtocolError)
  }
})

test('minus zero is written by no JSON of ours, and read as JSON reads it', () => {
  expect(decodeValue('json', Buffer.from('-0'))).toBe(-0)
  expect(roundTrip(-0)).toBe(0)
})

test('a part of a chunk is read, and nothing beside it', () => {
  const chunk = Buffer.from('9123"ab"9')
  expect(decodeValue('json', chunk, 1, 4)).toBe(123)
  expect(decodeValue('json', chunk, 4, 8)).toBe('ab')
  expect(decodeValue('bytes', chunk, 5, 7)).toEqual(new Uint8Array(Buffer.from('ab')))
  expect(kindAt(Buffer.from('xjsonnone'), 1, 5)).toBe('json')
  expect(kindAt(Buffer.from('xjsonnone'), 5, 9)).toBe('none')
})

test('an unknown kind breaks the protocol, and is not repeated at length', () => {
  expect(() => decodeValue('x'.repeat(1000), Buffer.alloc(0))).toThrow(ProtocolError)
  expect(() => decodeValue('x'.repeat(1000), Buffer.alloc(0))).toThrow(/"x{20}"$/)
})

function roundTrip(value: unknown): unknown {
  const { kind, body } = encodeValue(value)
  return decodeValue(kind, body === null ? Buffer.alloc(0) : Buffer.from(body as Uint8Array))
}
