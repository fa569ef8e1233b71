/** What is given back is gone for whoever still has it; what somebody keeps is not. */
import { expect, test } from 'vitest'
import { allocateBody, keepBody, releaseBody } from '../../../warmpool/wire/body-memory.ts'

const LARGE = 64 * 1024

test('a large body is empty once it was given back, and giving it back again does no harm', () => {
  const body = allocateBody(LARGE)
  expect(body.length).toBe(LARGE)
  releaseBody(body)
  releaseBody(body)
  expect([body.length, body.buffer.byteLength]).toEqual([0, 0])
})

test('a part of it gives back the whole', () => {
  const body = allocateBody(LARGE)
  releaseBody(body.subarray(8))
  expect(body.length).toBe(0)
})

test('what was kept, or was not allocated there, is not given back', () => {
  const kept = allocateBody(LARGE)
  keepBody(kept)
  const other = Buffer.alloc(LARGE, 1)
  for (const body of [kept, other]) {
    releaseBody(body)
    expect(body.length).toBe(LARGE)
  }
})

test('small bodies share memory with others, so they are not given back', () => {
  const body = allocateBody(100)
  releaseBody(body)
  expect(body.length).toBe(100)
})
