/** Vercel's functions, as its documents write them. */
import { expect, test } from 'vitest'
import { vercelFilesModule } from '../../../../gateway/functions/vercel-files.ts'
import { temporaryFolder, writeTree } from '../../../gateway/functions/helpers.ts'
import { bundled } from './bundled.ts'
import { CalledFunction } from './called.ts'

const vercel = (module: string) => CalledFunction.of({ 'index.mjs': module }, { format: 'vercel' })

test('request helpers: query, cookies and body by its type', async () => {
  const called = vercel(
    'export default (req, res) => res.json({ query: req.query, cookies: req.cookies, body: req.body ?? null })',
  )
  const asked = (type: string, body: string) => called.text({ method: 'POST', headers: { 'content-type': type }, body })
  expect(JSON.parse(await called.text({ url: '/?a=1&b=2&b=3', headers: { cookie: 'c=%20d; e="f"' } }))).toEqual({
    query: { a: '1', b: ['2', '3'] },
    cookies: { c: ' d', e: 'f' },
    body: null,
  })
  expect(JSON.parse(await asked('application/json', '{"a":1}')).body).toEqual({ a: 1 })
  expect(JSON.parse(await asked('application/x-www-form-urlencoded', 'a=1')).body).toEqual({ a: '1' })
  expect(JSON.parse(await asked('text/plain', 'text')).body).toBe('text')
  const bad = await called.call({ method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' })
  expect([bad.status, bad.failure]).toEqual([400, null])
})

test('the body is a stream, too', async () => {
  const called = vercel(`export default async (req, res) => {
    const chunks = []
    for await (const chunk of req) chunks.push(chunk)
    res.send(Buffer.concat(chunks).toString() + req.body)
  }`)
  expect(await called.text({ method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'raw' })).toBe('rawraw')
  const long = 'x'.repeat(500_000)
  expect(await called.text({ method: 'POST', headers: { 'content-type': 'text/plain' }, body: long })).toBe(long + long)
})

test('response helpers: status, json, send, redirect', async () => {
  const called = vercel(`export default (req, res) => {
    if (req.query.to) return res.redirect(307, req.query.to)
    if (req.query.bytes) return res.status(201).send(Buffer.from([1, 2]))
    return res.status(202).json({ a: 1 })
  }`)
  const redirect = await called.call({ url: '/?to=/there' })
  expect([redirect.status, new Map(redirect.fields).get('location')]).toEqual([307, '/there'])
  const bytes = await called.call({ url: '/?bytes=1' })
  expect([bytes.status, [...bytes.body]]).toEqual([201, [1, 2]])
  const json = await called.call()
  expect([json.status, json.body.toString()]).toEqual([202, '{"a":1}'])
})

test('web functions: an object with fetch, an export a method, the edge runtime', async () => {
  const fetched = vercel("export default { fetch: (request) => new Response('fetched ' + request.method) }")
  expect(await fetched.text()).toBe('fetched GET')
  const method = vercel("export function GET(request) { return new Response('got') }")
  expect(await method.text()).toBe('got')
  expect((await method.call({ method: 'PUT' })).status).toBe(405)
  const edge = vercel("export const config = { runtime: 'edge' }\nexport default () => new Response('edge')")
  expect(await edge.text()).toBe('edge')
})

test('waitUntil and ipAddress of @vercel/functions, in both kinds, each for its own call', async () => {
  const IMPORT = "import { waitUntil, ipAddress } from '@vercel/functions'"
  const node = await bundled(
    {
      'index.js': `${IMPORT}
        export default async (req, res) => {
          await new Promise(setImmediate)
          waitUntil(new Promise(setImmediate).then(() => console.log('later ' + req.query.n)))
          res.send(req.headers['x-real-ip'])
        }`,
    },
    { format: 'vercel' },
  )
  const headers = { 'x-forwarded-for': '192.0.2.7', 'x-real-ip': 'forged' }
  expect(await Promise.all([1, 2].map((n) => node.text({ url: `/?n=${n}`, headers })))).toEqual([
    '192.0.2.7',
    '192.0.2.7',
  ])
  await expect.poll(() => [...node.log].sort()).toEqual(['later 1', 'later 2'])
  const web = await bundled(
    {
      'index.js': `${IMPORT}
        export function GET(request) {
          waitUntil(Promise.resolve().then(() => console.log('later')))
          return new Response(ipAddress(request))
        }`,
    },
    { format: 'vercel' },
  )
  expect(await web.text({ headers })).toBe('192.0.2.7')
  await expect.poll(() => web.log).toEqual(['later'])
})

test('a table of files: names win over brackets, which end up in the query', async () => {
  const file = (text: string) => `{ default: (req, res) => res.json(['${text}', req.query]) }`
  const called = vercel(`export const vercelFiles = {
    'api/[id]': ${file('id')},
    'api/index': ${file('index')},
    'api/users': ${file('users')},
    'api/users/[id]/posts': ${file('posts')},
    'api/[...rest]': ${file('rest')},
    'api/web': { GET: () => new Response('"web"') },
  }`)
  const at = async (url: string) => JSON.parse(await called.text({ url })) as unknown
  expect(await at('/api')).toEqual(['index', {}])
  expect(await at('/api/users?a=b')).toEqual(['users', { a: 'b' }])
  expect(await at('/api/4%202?id=no')).toEqual(['id', { id: '4 2' }])
  expect(await at('/api/users/7/posts')).toEqual(['posts', { id: '7' }])
  expect(await at('/api/a/b/c')).toEqual(['rest', { rest: ['a', 'b', 'c'] }])
  expect(await at('/api/web')).toBe('web')
  expect((await called.call({ url: '/elsewhere' })).status).toBe(404)
})

test('an api folder becomes such a table', async () => {
  const files = {
    'api/users/[id].ts': 'export default (req: { query: unknown }, res: any) => res.json(req.query)',
    'api/old.js': 'module.exports = (req, res) => res.send("cjs")',
    'api/_helper.ts': 'throw new Error("not a function")',
  }
  const dir = await temporaryFolder()
  await writeTree(dir, files)
  const module = await vercelFilesModule(dir)
  const called = await bundled({ 'index.js': module!, ...files }, { format: 'vercel' })
  expect(await called.text({ url: '/api/users/7' })).toBe('{"id":"7"}')
  expect(await called.text({ url: '/api/old' })).toBe('cjs')
  expect((await called.call({ url: '/api/_helper' })).status).toBe(404)
  expect(await vercelFilesModule(await temporaryFolder())).toBeNull()
})
