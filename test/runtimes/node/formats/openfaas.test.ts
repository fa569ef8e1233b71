/** The contract of OpenFaaS's Node templates: the template's own example, its ways to answer, its bodies and queries. */
import { describe, expect, test } from 'vitest'
import { type Asked, CalledFunction } from './called.ts'
import { fieldOf } from './contract.ts'

const openfaas = (handler: string, env: Readonly<Record<string, string>> = {}) =>
  CalledFunction.of({ 'handler.cjs': `'use strict'\n\nmodule.exports = ${handler}` }, { format: 'openfaas', env })
const answerOf = (handler: string, asked: Asked = {}) => openfaas(handler).call(asked)

test("the template's example runs", async () => {
  const answer = await answerOf(
    `async (event, context) => {
      const result = {
        'body': JSON.stringify(event.body),
        'content-type': event.headers["content-type"]
      }

      return context
        .status(200)
        .succeed(result)
    }`,
    { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' },
  )
  expect(answer).toMatchObject({ status: 200, failure: null })
  expect(JSON.parse(answer.body.toString())).toEqual({ body: '{"a":1}', 'content-type': 'application/json' })
})

describe('the event', () => {
  const eventOf = async (asked: Asked, env = {}) =>
    JSON.parse(await openfaas('async (event) => event', env).text(asked))

  test('has method, path, query, headers and body', async () => {
    const headers = { host: 'a', 'x-a': '1', 'content-type': 'text/csv' }
    expect(await eventOf({ method: 'POST', url: '/a/b?x=1&y=2&y=3', headers, body: 'a,b' })).toEqual({
      method: 'POST',
      path: '/a/b',
      query: { x: '1', y: ['2', '3'] },
      headers,
      body: 'a,b',
    })
  })

  test('has an empty object where no body came', async () => {
    expect((await eventOf({})).body).toEqual({})
  })

  test.each([
    ['nothing', {}, 'a=1', 'a=1'],
    ['text/plain', { 'content-type': 'text/plain; charset=latin1' }, Uint8Array.of(0xfc), 'ü'],
    ['application/json', { 'content-type': 'application/json' }, '[1]', [1]],
    [
      'a form',
      { 'content-type': 'application/x-www-form-urlencoded' },
      'a=1&b[c]=2&b[d][]=3&b[d][]=3&e=x+y',
      { a: '1', b: { c: '2', d: ['3', '3'] }, e: 'x y' },
    ],
    ['bytes', { 'content-type': 'image/png' }, 'ab', { type: 'Buffer', data: [97, 98] }],
  ])('has the body of a request that says %s of its type', async (_what, headers, body, seen) => {
    expect((await eventOf({ method: 'POST', headers, body })).body).toEqual(seen)
  })

  test('has the bytes of every body where RAW_BODY says so', async () => {
    const asked = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
    expect((await eventOf(asked, { RAW_BODY: 'true' })).body).toEqual({ type: 'Buffer', data: [123, 125] })
  })

  test('is not made of a body that is not the JSON it says it is', async () => {
    const asked = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' }
    const answer = await answerOf('async () => "called"', asked)
    expect(answer.status).toBe(400)
    expect(answer.body.toString()).toContain('not the JSON that it says it is')
  })

  test('has a query that cannot reach what all objects share', async () => {
    const query = '__proto__[a]=1&constructor=2&b[__proto__][c]=3&ok=1'
    expect((await eventOf({ url: `/?${query}` })).query).toEqual({ ok: '1' })
  })
})

describe('the answer', () => {
  test.each([
    ['"text"', 'text/plain; charset=utf-8', 'text'],
    ['{ a: 1 }', 'application/json; charset=utf-8', '{"a":1}'],
    ['[1]', 'application/json; charset=utf-8', '[1]'],
    ['Buffer.from("bytes")', 'application/octet-stream', 'bytes'],
    ['5', 'text/plain; charset=utf-8', '5'],
    ['false', 'text/plain; charset=utf-8', 'false'],
  ])('%s is of the type %s', async (value, type, body) => {
    const answer = await answerOf(`async () => (${value})`)
    expect([fieldOf(answer, 'content-type'), answer.body.toString()]).toEqual([type, body])
  })

  test('is of the type that its headers say', async () => {
    const answer = await answerOf(
      `async (event, context) => context.headers({ 'Content-Type': 'text/html' }).succeed('<b>')`,
    )
    expect(answer.fields).toEqual([['content-type', 'text/html']])
  })

  test('is empty where nothing is returned', async () => {
    expect(await answerOf('async (event, context) => { context.status(204) }')).toMatchObject({
      status: 204,
      failure: null,
      fields: [],
    })
  })

  test.each([
    'callback(undefined, "called back"); return "returned"',
    'context.succeed("called back"); return "returned"',
    'context.succeed("called back"); context.fail("too late")',
    'context.cb(null, "called back")',
  ])('is the first that was given: %s', async (statements) => {
    expect(await openfaas(`async (event, context, callback) => { ${statements} }`).text()).toBe('called back')
  })

  test('waits for the callback of a handler that takes one and returns nothing', async () => {
    const handler = `(event, context, callback) => { setTimeout(() => callback(null, 'later'), 1) }`
    expect(await openfaas(handler).text()).toBe('later')
  })

  test.each([
    ['context.fail("no luck")', 500, 'no luck'],
    ['context.status(409).fail(new Error("conflict"))', 409, 'Error: conflict'],
    ['callback(new Error("no luck"))', 500, 'Error: no luck'],
  ])('tells the caller and the log of %s', async (statement, status, body) => {
    const called = openfaas(`async (event, context, callback) => { ${statement} }`)
    const logged = new Promise<string>((resolve) => called.pool.once('log', ({ line }) => resolve(line)))
    const answer = await called.call()
    expect([answer.status, answer.body.toString()]).toEqual([status, body])
    expect(await logged).toContain(body)
  })

  test.each(['throw new Error("boom")', 'return Promise.reject(new Error("boom"))'])(
    'is none where the handler does %s',
    async (statement) => {
      const { failure } = await answerOf(`(event, context) => { ${statement} }`)
      expect(failure).toMatchObject({ code: 'handler-threw' })
    },
  )

  test.each([
    ['context.status(405).fail({ allowed: ["POST"] })', 405, '{"allowed":["POST"]}'],
    ['context.fail([1, 2])', 500, '[1,2]'],
  ])('is JSON where an object is what failed: %s', async (statement, status, body) => {
    const answer = await answerOf(`(event, context) => { ${statement} }`)
    expect([answer.status, answer.body.toString()]).toEqual([status, body])
    expect(fieldOf(answer, 'content-type')).toBe('application/json; charset=utf-8')
  })

  test('may not be what HTTP forbids', async () => {
    const { failure } = await answerOf(`async (event, context) => context.headers({ 'x y': '1' }).succeed('')`)
    expect(failure).toMatchObject({ code: 'not-a-response' })
  })

  test('shows status and headers while it is made', async () => {
    const handler = `async (event, context) => {
      context.status(201).headers({ a: '1' })
      return [context.status(), context.headers()]
    }`
    expect(JSON.parse(await openfaas(handler).text())).toEqual([201, { a: '1' }])
  })
})

test('other exports can be named', async () => {
  const files = { 'handler.mjs': 'export const other = async () => "other"' }
  expect(await CalledFunction.of(files, { format: 'openfaas', handler: 'other' }).text()).toBe('other')
})
