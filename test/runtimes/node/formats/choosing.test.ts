/** Which format a module is taken for, and what is said when it is none. */
import { expect, test } from 'vitest'
import { CalledFunction } from './called.ts'

test('a module without a mark says what it exports and what it could', async () => {
  const { failure } = await CalledFunction.of({ 'index.mjs': 'export const answer = 42' }).call()
  expect(failure).toMatchObject({ code: 'init-failed' })
  expect(failure!.message).toContain('exports answer (number)')
  expect(failure!.message).toContain('export default { fetch(request) { … } }')
  expect(failure!.message.length).toBeLessThan(300)
})

test('of functions under other names it says the line that names one', async () => {
  const files = {
    'handler.cjs': 'module.exports.hello = async (event) => ({ statusCode: 200, body: "Go Serverless" })',
  }
  const { failure } = await CalledFunction.of(files).call()
  expect(failure!.message).toContain('name in function.json what is called: "handler": "hello" for AWS Lambda')
  expect(await CalledFunction.of(files, { handler: 'hello' }).text()).toBe('Go Serverless')
})

test('of a stated format it says what that wants, and of many exports the first', async () => {
  const module = Array.from({ length: 12 }, (_, at) => `export const name${10 + at} = 1`).join('\n')
  const { failure } = await CalledFunction.of({ 'index.mjs': module }, { format: 'vercel' }).call()
  expect(failure!.message).toContain('name19 (number) and 2 more. The format vercel wants: export default (req, res)')
})

test('an unknown format names the ones there are', async () => {
  const { failure } = await CalledFunction.of({ 'index.mjs': 'export default 1' }, { format: 'lamda' }).call()
  expect(failure!.message).toMatch(/Unknown format "lamda" for JavaScript. There are: .*methods, .*fetch, /)
})

test('a marked module answers over HTTP', async () => {
  const called = CalledFunction.of({ 'index.mjs': 'export const POST = async (r) => new Response(await r.text())' })
  expect(await called.text({ method: 'POST', url: '/x', body: 'sent' })).toBe('sent')
  expect((await called.call({ method: 'PUT' })).status).toBe(405)
})

/** By format, what an export of any name may be that `"handler"` names, and what a call of `/` then says. */
const NAMED: readonly [format: string | null, code: string, said: string][] = [
  ['fetch', 'export const it = { fetch: () => new Response("an object") }', 'an object'],
  ['fetch', 'export const it = () => new Response("a function")', 'a function'],
  [null, 'export const it = { fetch: () => new Response("an object") }', 'an object'],
  ['vercel', 'export const it = (req, res) => res.send("vercel " + req.method)', 'vercel GET'],
  ['vercel', 'export const it = { fetch: () => new Response("vercel") }\nexport const GET = null', 'vercel'],
  ['node', 'export const it = (req, res) => res.end("node " + req.url)', 'node /'],
  [
    null,
    'import { createServer } from "node:http"\nexport const it = createServer((req, res) => res.end("server"))',
    'server',
  ],
  ['netlify', 'export const it = (req, context) => new Response(typeof context.waitUntil)', 'function'],
  [
    null,
    'export const it = (req, context) => new Response(typeof context.waitUntil)\nexport const config = { path: "/" }',
    'function',
  ],
  [
    'openfaas',
    'export const it = async (event, context) => context.succeed("openfaas " + event.method)',
    'openfaas GET',
  ],
  ['task', 'export const it = (input) => ({ input: input ?? null })', '{"input":null}'],
  ['lambda', 'export const it = async (event) => event.rawPath', '"/"'],
  [null, 'export const it = async (event) => event.rawPath', '"/"'],
]
test.each(NAMED)('an export that "handler" names is called: %s, %s', async (format, code, said) => {
  const wrong = 'export default { fetch: () => new Response("the default export") }'
  const called = CalledFunction.of({ 'index.mjs': `${code}\n${wrong}` }, { format, handler: 'it' })
  expect(await called.text()).toBe(said)
})

test.each([
  ['methods', 'it has one export for each method'],
  ['azure', 'it registers with app.http'],
])('in the format %s there is nothing to name', async (format, why) => {
  const { failure } = await CalledFunction.of({ 'index.mjs': '' }, { format, handler: 'it' }).call()
  expect(failure!.code).toBe('init-failed')
  expect(failure!.message).toMatch(new RegExp(`"handler": "it" names nothing in the format ${format}: .*${why}`))
})

test('an export that is not there is said with those that are', async () => {
  for (const format of [null, 'fetch', 'vercel', 'lambda']) {
    const { failure } = await CalledFunction.of({ 'index.mjs': 'export const a = 1' }, { format, handler: 'it' }).call()
    expect(failure!.message).toContain('The handler "it" is not among what the module exports: a. Name one of these')
  }
})

test.each([
  ['export default async (event, context) => context.succeed("x")', '"format": "openfaas", or "format": "lambda"'],
])('what would fail at its first call is refused with the line to write: %s', async (code, said) => {
  const { failure } = await CalledFunction.of({ 'index.mjs': code }).call()
  expect(failure!.code).toBe('init-failed')
  expect(failure!.message).toContain(said)
})

test.each([
  ['by default', 'export default (req, res) => res.status(201).json([req.query, req.cookies, req.body])'],
  [
    'with other names',
    'export default async function handler(request, response) { response.status(201).json([request.query, request.cookies, request.body]) }',
  ],
  [
    'with a pattern',
    'export default ({ query, cookies, body } /* of the request */, res) => res.status(201).send([query, cookies, body])',
  ],
  ['as handler', 'export const handler = (req, res) => res.status(201).json([req.query, req.cookies, req.body])'],
  ['as the only export', 'export const hello = (req, res) => res.status(201).json([req.query, req.cookies, req.body])'],
])('a (req, res) function that nothing else marks has the helpers of all: exported %s', async (_how, code) => {
  const headers = { cookie: 'c=1', 'content-type': 'application/json' }
  const { status, body } = await CalledFunction.of({ 'index.mjs': code }).call({
    method: 'POST',
    url: '/?q=1',
    headers,
    body: '{"b":1}',
  })
  expect([status, String(body)]).toEqual([201, '[{"q":"1"},{"c":"1"},{"b":1}]'])
})

test('a default function takes whatever else its author calls it', async () => {
  const code = 'export default (event, { env }) => new Response("ours")'
  expect(await CalledFunction.of({ 'index.mjs': code }).text()).toBe('ours')
  const stated = 'export default (req, res) => new Response("as it says")'
  expect(await CalledFunction.of({ 'index.mjs': stated }, { format: 'fetch' }).text()).toBe('as it says')
})

test('a name that ends in -background makes a default function Netlify’s, and nothing else', async () => {
  const name = 'resize-background'
  const one = CalledFunction.of(
    { 'index.mjs': 'export default async (req) => { console.log(await req.text()) }' },
    { name },
  )
  const logged = new Promise((resolve) => one.pool.on('log', ({ line }) => resolve(line)))
  expect((await one.call({ method: 'POST', body: 'sent' })).status).toBe(202)
  expect(await logged).toBe('sent')
  const worker = 'export default { fetch: () => new Response("at once") }'
  expect(await CalledFunction.of({ 'index.mjs': worker }, { name }).text()).toBe('at once')
})
