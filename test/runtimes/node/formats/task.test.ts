/** A task over HTTP: what it gets, what its answer is, and what is said of what is none. */
import { expect, test } from 'vitest'
import { CalledFunction } from './called.ts'

function task(code: string): CalledFunction {
  return CalledFunction.of({ 'index.mjs': `export default ${code}` }, { format: 'task' })
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' }

test('JSON comes as its value and goes as such', async () => {
  const called = task('async ({ a }, ctx) => ({ sum: a + 1, hasContext: typeof ctx.waitUntil })')
  const answer = await called.call({ method: 'POST', headers: JSON_TYPE, body: '{"a":1}' })
  expect([answer.status, answer.fields]).toEqual([200, [['content-type', 'application/json']]])
  expect(JSON.parse(answer.body.toString())).toEqual({ sum: 2, hasContext: 'function' })
})

test('any other body comes as bytes, none as nothing, and bytes go as they are', async () => {
  const called = task('(input) => input === undefined ? new Uint8Array([1, 2]) : input.map((byte) => byte + 1)')
  const answer = await called.call({ method: 'POST', body: Uint8Array.of(0, 254) })
  expect([answer.fields, [...answer.body]]).toEqual([[['content-type', 'application/octet-stream']], [1, 255]])
  expect([...(await called.call()).body]).toEqual([1, 2])
})

test('nothing is 204', async () => {
  expect(await task('() => {}').call()).toMatchObject({ status: 204, failure: null })
})

test('a body that is not the JSON it is said to be is the caller’s mistake', async () => {
  const { status, body } = await task('() => 1').call({ method: 'POST', headers: JSON_TYPE, body: '{' })
  expect([status, body.toString()]).toEqual([400, expect.stringContaining('not the JSON that it is said to be')])
})

test.each([
  ['() => new Response("x")', 'a Response, and a task gives a value'],
  ['() => () => 1', 'a function, which is neither JSON nor bytes'],
  ['() => 1n', 'neither JSON nor bytes'],
])('%s is no output', async (code, said) => {
  const { failure } = await task(code).call()
  expect(failure).toMatchObject({ code: 'not-a-response', message: expect.stringContaining(said) })
})

test('what it throws is told as that of any function', async () => {
  const { failure } = await task('() => { throw new RangeError("too far") }').call()
  expect(failure!.code).toBe('handler-threw')
})
