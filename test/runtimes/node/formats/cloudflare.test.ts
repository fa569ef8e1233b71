/** Folders of Cloudflare Workers and Pages: what is read of their configuration, and the older forms of a Worker. */
import { afterAll, describe, expect, test } from 'vitest'
import { stopBuilding } from '../../../../gateway/functions/build.ts'
import { discover } from '../../../../gateway/functions/discover.ts'
import { temporaryFolder, writeTree } from '../../../gateway/functions/helpers.ts'
import { builtFunction } from './built.ts'

afterAll(stopBuilding)

const ENVIRONMENT = `import { env as imported } from 'cloudflare:workers'
export default { fetch: (request, env) => Response.json([env, imported.NAME, process.env.LIMIT, process.env.NAME]) }`

describe("a Worker's own configuration", () => {
  test.each([
    ['wrangler.toml', 'main = "w.js"\n[vars]\nNAME = "Ada"\nLIMIT = 3\n[vars.DEEP]\na = [1]\n'],
    ['wrangler.jsonc', '{ "main": "w.js", // here\n "vars": { "NAME": "Ada", "LIMIT": 3, "DEEP": { "a": [1] }, }, }'],
    ['wrangler.json', '{ "main": "w.js", "vars": { "NAME": "Ada", "LIMIT": 3, "DEEP": { "a": [1] } } }'],
  ])('gives the variables of %s, as values to env and as texts to the process', async (file, text) => {
    const called = await builtFunction('w', { [`w/${file}`]: text, 'w/w.js': ENVIRONMENT })
    expect(JSON.parse(await called.text())).toEqual([{ NAME: 'Ada', LIMIT: 3, DEEP: { a: [1] } }, 'Ada', '3', 'Ada'])
  })

  test('gives way to what the function’s settings say of a variable', async () => {
    const tree = { 'w/wrangler.toml': 'main = "w.js"\n[vars]\nNAME = "Ada"\nLIMIT = 3', 'w/w.js': ENVIRONMENT }
    const called = await builtFunction('w', tree, { env: { NAME: 'Bo' } })
    expect(JSON.parse(await called.text())).toEqual([{ NAME: 'Bo', LIMIT: 3 }, 'Bo', '3', 'Bo'])
  })

  test('says what its imports besides code become', async () => {
    const called = await builtFunction('w', {
      'w/wrangler.toml': `main = "src/w.js"
[[rules]]
type = "Text"
globs = ["**/*.md", "*.g?l"]
[[rules]]
type = "Data"
globs = ["data/*"]
`,
      'w/src/w.js': `import page from './a/page.md'
import query from '../x.gql'
import data from '../data/some.thing'
export default { fetch: () => Response.json([page, query, data instanceof ArrayBuffer, data.byteLength]) }`,
      'w/src/a/page.md': '# Hi',
      'w/x.gql': '{ me }',
      'w/data/some.thing': 'abc',
    })
    expect(JSON.parse(await called.text())).toEqual(['# Hi', '{ me }', true, 3])
  })

  test('is told to its author where bindings of it are not read, and where it cannot be read', async () => {
    const dir = await temporaryFolder()
    await writeTree(dir, {
      'a/index.js': 'export default { fetch() {} }',
      'a/wrangler.toml': 'name = "a"\n[[kv_namespaces]]\nbinding = "KV"\nid = "1"\n[triggers]\ncrons = []',
      'b/index.js': 'export default { fetch() {} }',
      'b/wrangler.toml': 'main = ',
    })
    const { functions } = await discover(dir)
    expect(functions.map(({ notes }) => notes)).toEqual([
      [expect.stringContaining('of wrangler.toml main, vars and rules are read, and kv_namespaces, triggers not')],
      [expect.stringMatching(/^wrangler\.toml cannot be read: ./)],
    ])
  })
})

test('request.cf is an object, whatever is known of the connection', async () => {
  const called = await builtFunction('w', {
    'w.js': 'export default { fetch: ({ cf }) => Response.json([cf.country ?? "unknown", cf.httpProtocol]) }',
  })
  expect(JSON.parse(await called.text())).toEqual(['unknown', 'HTTP/1.1'])
})

describe("the older form of a Worker, addEventListener('fetch', …)", () => {
  test('answers with what it responds, waits for what it has begun, and finds its variables as globals', async () => {
    const script = `addEventListener('fetch', event => {
  event.waitUntil(Promise.resolve())
  event.respondWith(handle(event.request))
})
async function handle(request) {
  return new Response(GREETING + ' ' + new URL(request.url).pathname + ' ' + request.method)
}`
    const called = await builtFunction('w', { 'w.js': script }, { env: { GREETING: 'Hi' } })
    expect(await called.text({ url: '/a', method: 'PUT' })).toBe('Hi /a PUT')
  })

  test('is asked listener by listener until one responds', async () => {
    const script = `self.addEventListener('install', () => { throw new Error('never') })
self.addEventListener("fetch", () => {})
self.addEventListener("fetch", (event) => event.respondWith(new Response('second')))`
    expect(await (await builtFunction('w', { 'w.js': script })).text()).toBe('second')
  })

  test('fails where no listener responds', async () => {
    const called = await builtFunction('w', { 'w.js': "addEventListener('fetch', () => {})" })
    expect((await called.call()).failure?.message).toContain('event.respondWith')
  })

  test('is what fire() of a Hono app makes of it', async () => {
    const script =
      "import { Hono } from 'hono'\nconst app = new Hono()\napp.get('/', (c) => c.text('fired'))\napp.fire()\n"
    expect(await (await builtFunction('w', { 'w.js': script })).text()).toBe('fired')
  })

  test('leaves a global of that name to nobody else', async () => {
    const called = await builtFunction('w', {
      'w.js': 'export default { fetch: () => Response.json(typeof addEventListener) }',
    })
    expect(await called.text()).toBe('"undefined"')
  })
})

describe('httpServerHandler of cloudflare:node', () => {
  test.each([
    [
      'a server',
      `import { createServer } from 'node:http'
import { httpServerHandler } from 'cloudflare:node'
export default httpServerHandler(createServer((req, res) => res.end('server ' + req.url)))`,
      'server /a',
    ],
    [
      'the port of an Express app',
      `import express from 'express'
import { httpServerHandler } from 'cloudflare:node'
const app = express()
app.get('/a', (req, res) => res.send('express ' + req.path))
app.listen(3000)
export default httpServerHandler({ port: 3000 })`,
      'express /a',
    ],
    [
      'the port of the second of two servers, beside a handler of events',
      `import { createServer } from 'node:http'
import { httpServerHandler } from 'cloudflare:node'
createServer((req, res) => res.end('first')).listen(8080)
createServer((req, res) => res.end('second')).listen(8081)
export default { ...httpServerHandler({ port: 8081 }), scheduled() {} }`,
      'second',
    ],
  ])('serves %s', async (_what, text, answer) => {
    expect(await (await builtFunction('w', { 'w.mjs': text })).text({ url: '/a' })).toBe(answer)
  })

  test('says so where nothing listens at its port', async () => {
    const text = `import { httpServerHandler } from 'cloudflare:node'\nexport default httpServerHandler({ port: 1234 })`
    const { failure } = await (await builtFunction('w', { 'w.mjs': text })).call()
    expect(failure?.message).toContain('no HTTP server of the module was told to listen there')
  })
})

describe('the functions folder of a Pages project', () => {
  const PAGES = {
    'site/functions/index.js': "export const onRequest = () => new Response('root')",
    'site/functions/helper.js': 'export const greet = (name) => "hi " + name',
    'site/functions/hello.ts': `import { greet } from './helper.js'
export const onRequestGet: PagesFunction<{ NAME: string }> = ({ env }) => new Response(greet(env.NAME))
export const onRequestPost = async ({ request }) => new Response('posted ' + (await request.text()))`,
    'site/functions/users/[id].js':
      'export const onRequest = ({ params, functionPath }) => Response.json([params, functionPath])',
    'site/functions/users/me.js': "export const onRequest = () => new Response('me')",
    'site/functions/files/[[path]].js': 'export const onRequest = ({ params }) => Response.json(params)',
    'site/functions/data/_middleware.js': `const count = ({ data, next }) => { data.count = 1; return next() }
const stamp = async (context) => {
  context.data.count++
  const text = await context.request.text()
  const response = await context.next()
  response.headers.set('x-stamp', text)
  return response
}
export const onRequest = [count, stamp]`,
    'site/functions/data/[[rest]].js': `export const onRequestPut = async ({ data, request }) => Response.json([data, await request.text()])
export const onRequest = ({ next }) => next()`,
    'site/functions/guard/_middleware.js': "export const onRequest = ({ next }) => next('http://x/guard/other')",
    'site/functions/guard/index.js':
      'export const onRequest = ({ request }) => new Response(new URL(request.url).pathname)',
    'site/index.html': '<h1>',
  }
  const site = (more = {}) => builtFunction('site', { ...PAGES, ...more }, { env: { NAME: 'Ada' } })

  test('answers by its files, names before parameters before the rest', async () => {
    const called = await site()
    const asked = async (url: string, method = 'GET', body?: string) =>
      called.text({ url, method, ...(body !== undefined && { body }) })
    expect(await asked('/')).toBe('root')
    expect(await asked('/hello')).toBe('hi Ada')
    expect(await asked('/hello/', 'POST', 'x')).toBe('posted x')
    expect(await asked('/users/me')).toBe('me')
    expect(JSON.parse(await asked('/users/a%20b'))).toEqual([{ id: 'a%20b' }, '/users/a%20b'])
    expect(JSON.parse(await asked('/files/a/b'))).toEqual({ path: ['a', 'b'] })
    expect(JSON.parse(await asked('/files'))).toEqual({ path: [] })
  })

  test('runs middleware before it, with data of their own and a body for each', async () => {
    const called = await site()
    const { body, fields } = await called.call({ url: '/data/x', method: 'PUT', body: 'body' })
    expect(JSON.parse(body.toString())).toEqual([{ count: 2 }, 'body'])
    expect(fields).toContainEqual(['x-stamp', 'body'])
    expect(await called.text({ url: '/guard' })).toBe('/guard/other')
  })

  test('answers 404 where no function is left to ask', async () => {
    const called = await site()
    for (const [url, method] of [
      ['/nothing', 'GET'],
      ['/users', 'GET'],
      ['/hello', 'DELETE'],
      ['/data', 'GET'],
    ] as const)
      expect(await called.call({ url, method })).toMatchObject({ status: 404 })
  })

  test('has a route for each file below a name, also where its own configuration says what it is', async () => {
    const dir = await temporaryFolder()
    await writeTree(dir, {
      ...PAGES,
      'site/wrangler.toml': 'pages_build_output_dir = "dist"\n[vars]\nX = "1"',
      'site/src/index.ts': '',
    })
    const { functions } = await discover(dir)
    expect(functions[0]!.identity).toMatchObject({ format: 'fetch', platform: { vars: { X: '1' } } })
    expect(functions[0]!.identity.why).toContain('wrangler.toml makes it a project of Pages')
    expect(functions[0]!.routes.toSorted()).toEqual([
      '/data/*',
      '/files/*',
      '/guard',
      '/hello',
      '/users/:id',
      '/users/me',
    ])
  })
})
