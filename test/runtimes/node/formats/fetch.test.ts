/** Workers' and Deno Deploy's handlers, and the routers that are written for them, from their documented examples. */
import { afterAll, describe, expect, test } from 'vitest'
import { stopBuilding } from '../../../../gateway/functions/build.ts'
import { builtFunction } from './built.ts'
import { CalledFunction } from './called.ts'

afterAll(stopBuilding)

describe('Workers', () => {
  test('an object keeps its `this`, and variables are in env and in process.env', async () => {
    const text = `export default {
      greeting: 'Hello',
      async fetch(request, env, ctx) {
        ctx.passThroughOnException()
        return new Response(\`\${this.greeting} \${env.NAME} \${process.env.NAME} \${typeof request.cf}\`)
      },
    }`
    const called = CalledFunction.of({ 'index.mjs': text }, { env: { NAME: 'Ada' } })
    expect(await called.text()).toBe('Hello Ada Ada object')
  })

  test('waitUntil goes on after the answer', async () => {
    const text = `let after = 'nothing'
      export default {
        async fetch(request, env, ctx) {
          const { resolve, promise } = Promise.withResolvers()
          ctx.waitUntil(promise.then(() => { after = 'done' }))
          setImmediate(resolve)
          return new Response(after)
        },
      }`
    const called = CalledFunction.of({ 'index.mjs': text })
    expect(await called.text()).toBe('nothing')
    expect(await called.text()).toBe('done')
  })

  test('the documented example of the Cache API stores, finds and deletes', async () => {
    const text = `export default {
      async fetch(request, env, ctx) {
        const cacheKey = new Request(new URL(request.url).toString(), request)
        const cache = caches.default
        if (request.method === 'DELETE') return new Response(String(await cache.delete(request.url)))
        let response = await cache.match(cacheKey)
        if (!response) {
          response = new Response('made', { headers: { 'x-made': 'once' } })
          response.headers.append('Cache-Control', 's-maxage=10')
          ctx.waitUntil(cache.put(cacheKey, response.clone()))
        }
        return response
      },
    }`
    const called = CalledFunction.of({ 'index.mjs': text })
    const status = async (method = 'GET') => {
      const { body, fields } = await called.call({ url: '/kept', method })
      return [body.toString(), new Map(fields).get('cf-cache-status')]
    }
    expect(await status()).toEqual(['made', undefined])
    expect(await status()).toEqual(['made', 'HIT'])
    expect(await status('DELETE')).toEqual(['true', undefined])
    expect(await status()).toEqual(['made', undefined])
  })

  test('caches.open gives the same cache for the same name, and another than the default', async () => {
    const text = `export default {
      async fetch() {
        await (await caches.open('a')).put('http://x/', new Response('kept'))
        const found = await (await caches.open('a')).match('http://x/')
        return new Response(await found.text() + await caches.default.match('http://x/'))
      },
    }`
    expect(await CalledFunction.of({ 'index.mjs': text }).text()).toBe('keptundefined')
  })

  test('env and WorkerEntrypoint of cloudflare:workers are there', async () => {
    const text = `import { DurableObject, env, WorkerEntrypoint } from 'cloudflare:workers'
      const name = env.NAME
      export class Counter extends DurableObject {}
      export default class extends WorkerEntrypoint {
        async fetch(request: Request) { return new Response(name + this.env.NAME + typeof this.ctx.waitUntil) }
      }`
    const called = await builtFunction('f', { 'f.ts': text }, { env: { NAME: 'Ada' } })
    expect(await called.text()).toBe('AdaAdafunction')
  })

  test('a durable object says that there are none', async () => {
    const text = `import { DurableObject } from 'cloudflare:workers'
      export class Counter extends DurableObject {}
      export default { fetch: () => { new Counter(); return new Response('') } }`
    const called = await builtFunction('f', { 'f.ts': text })
    expect((await called.call()).failure!.message).toContain('exists on Cloudflare only')
  })

  test('other handlers of the object do not disturb', async () => {
    const text = `export default {
      fetch: () => new Response('here'), scheduled() { throw new Error() }, queue() { throw new Error() } }`
    expect(await CalledFunction.of({ 'index.mjs': text }).text()).toBe('here')
  })
})

describe('Deno.serve', () => {
  const serving = (text: string, env = {}) => builtFunction('deno', { 'deno/main.ts': text, ...MAIN }, { env })
  const MAIN = { 'deno/package.json': '{ "main": "main.ts" }' }

  test('with a handler', async () => {
    const called = await serving("Deno.serve((_req) => new Response('Hello, World!'))")
    expect(await called.text()).toBe('Hello, World!')
  })

  test('with options and a handler that asks who calls, and for variables', async () => {
    const called = await serving(
      `let said = ''
      Deno.serve({ port: 4242, hostname: '0.0.0.0', onListen({ port }) { said = typeof port } }, async (req, info) => {
        const { pathname } = new URL(req.url)
        const { NAME } = Deno.env.toObject()
        return Response.json([pathname, said, info.remoteAddr.hostname, Deno.env.get('NAME'), NAME, Deno.env.has('NONE')])
      })`,
      { NAME: 'Ada' },
    )
    const headers = { 'x-forwarded-for': '192.0.2.1' }
    expect(JSON.parse(await called.text({ url: '/p?q', headers }))).toEqual([
      '/p',
      'number',
      '192.0.2.1',
      'Ada',
      'Ada',
      false,
    ])
  })

  test('with everything in one object, and an error that is answered', async () => {
    const called = await serving(`Deno.serve({
      handler: () => { throw new Error('bad') },
      onError: (error) => new Response('caught ' + error.message, { status: 500 }),
    })`)
    expect(await called.text()).toBe('caught bad')
  })

  test('a Hono app, imported with npm:, does not take this for Deno', async () => {
    const called = await serving(`import { Hono } from 'npm:hono@4'
      import { getRuntimeKey } from 'npm:hono/adapter'
      const app = new Hono()
      app.get('/', (c) => c.text(getRuntimeKey() + typeof globalThis.Deno))
      Deno.serve(app.fetch)`)
    expect(await called.text()).toBe('nodeundefined')
  })

  test('a Deno of the author is left alone', async () => {
    const called = await serving(`const Deno = { serve: (text) => text }
      const text = Deno.serve('own')
      export default () => new Response(text)`)
    expect(await called.text()).toBe('own')
  })

  test('without a handler says so', async () => {
    const { failure } = await (await serving('Deno.serve({ port: 1 })')).call()
    expect(failure!.message).toContain('Deno.serve was called without a handler')
  })
})

describe('routers', () => {
  test('itty-router: AutoRouter, as documented', async () => {
    const text = `import { AutoRouter } from 'itty-router'
      const router = AutoRouter()
      router
        .get('/hello/:name', ({ name }) => \`Hello, \${name}!\`)
        .get('/json', () => [1,2,3])
        .get('/promises', () => Promise.resolve('foo'))
        .post('/todos', async (request) => (await request.json()).title)
      export default { ...router }`
    const called = await builtFunction('itty', { 'itty/index.js': text })
    // It answers in JSON unless told otherwise.
    expect(await called.text({ url: '/hello/Ada' })).toBe('"Hello, Ada!"')
    expect(await called.text({ url: '/json' })).toBe('[1,2,3]')
    expect(await called.text({ url: '/promises' })).toBe('"foo"')
    expect(await called.text({ url: '/todos', method: 'POST', body: '{"title":"tea"}' })).toBe('"tea"')
    expect((await called.call({ url: '/none' })).status).toBe(404)
  })

  test('itty-router: the router itself as the default export', async () => {
    const text = `import { AutoRouter } from 'itty-router'
      export default AutoRouter().get('/', () => 'Success!')`
    expect(await (await builtFunction('itty', { 'itty/index.js': text })).text()).toBe('"Success!"')
  })

  test('h3: the app as the default export, as documented', async () => {
    const text = `import { H3, readBody } from 'h3'
      const app = new H3()
      app.get('/', (event) => '⚡️ Tadaa!')
      app.get('/hello/:name', (event) => ({ hello: event.context.params.name }))
      app.post('/', async (event) => await readBody(event))
      export default app`
    const called = await builtFunction('h3', { 'h3/index.js': text })
    expect(await called.text()).toBe('⚡️ Tadaa!')
    expect(JSON.parse(await called.text({ url: '/hello/Ada' }))).toEqual({ hello: 'Ada' })
    const json = { 'content-type': 'application/json', 'content-length': '7' }
    expect(await called.text({ method: 'POST', body: '{"a":1}', headers: json })).toContain('"a"')
  })

  test('h3: app.fetch as the default export, and in Deno.serve', async () => {
    const app = "import { H3 } from 'h3'\nconst app = new H3().get('/', () => 'Hello from H3!')\n"
    const tree = { 'a.js': `${app}export default app.fetch`, 'b.js': `${app}Deno.serve(app.fetch)` }
    expect(await (await builtFunction('a', tree)).text()).toBe('Hello from H3!')
    expect(await (await builtFunction('b', tree)).text()).toBe('Hello from H3!')
  })

  test('hono: a Workers app with bindings and executionCtx', async () => {
    const text = `import { Hono } from 'hono'
      const app = new Hono<{ Bindings: { NAME: string } }>()
      app.get('/', (c) => { c.executionCtx.waitUntil(Promise.resolve()); return c.text('Hello ' + c.env.NAME) })
      export default app`
    const called = await builtFunction('hono', { 'hono/index.ts': text }, { env: { NAME: 'Ada' } })
    expect(await called.text()).toBe('Hello Ada')
  })
})
