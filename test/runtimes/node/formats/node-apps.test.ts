/** Apps of the frameworks' own packages, as their documents write them, bundled as the gateway does it. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { afterAll, describe, expect, test } from 'vitest'
import { stopBuilding } from '../../../../gateway/functions/build.ts'
import { bundled } from './bundled.ts'

afterAll(stopBuilding)

const FILE = new URL('../../../../package-lock.json', import.meta.url).pathname

const JSON_HEADERS = { 'content-type': 'application/json' }

describe('Express', () => {
  const EXPRESS = `
    import express from 'express'
    const app = express()
    app.use(express.json())
    app.use(express.urlencoded({ extended: true }))
    app.get('/', (req, res) => { res.send('Hello World!') })
    app.post('/json', (req, res) => { res.status(201).json({ got: req.body }) })
    app.post('/text', express.text(), (req, res) => { res.type('text').send(req.body.toUpperCase()) })
    app.get('/users/:id', (req, res) => { res.json({ id: req.params.id, query: req.query, ip: req.ip, protocol: req.protocol, host: req.hostname, xhr: req.xhr }) })
    app.get('/cookie', (req, res) => { res.cookie('a', '1').cookie('b', '2', { httpOnly: true }).redirect('/') })
    app.get('/file', (req, res) => { res.sendFile(process.env.FILE) })
    app.get('/throws', () => { throw new Error('mine') })
    app.get('/rejects', async () => { throw new Error('mine too') })
    app.get('/stream', (req, res) => { res.write('a'); setImmediate(() => { res.write('b'); res.end('c') }) })
    app.get('/empty', (req, res) => { res.sendStatus(204) })
    app.use((error, req, res, next) => { if (req.path === '/rejects') res.status(500).send('caught ' + error.message); else next(error) })
  `

  test('an exported app is taken for node by its marks and answers', async () => {
    const called = await bundled(
      { 'index.mjs': `${EXPRESS}\nexport default app` },
      { env: { FILE }, readable: [FILE, tmpdir()] },
    )
    const hello = await called.call()
    expect([hello.status, hello.body.toString()]).toEqual([200, 'Hello World!'])
    expect(Object.fromEntries(hello.fields)).toMatchObject({
      'X-Powered-By': 'Express',
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Length': '12',
      ETag: expect.any(String),
    })
    const made = await called.call({ method: 'POST', url: '/json', headers: JSON_HEADERS, body: '{"a":[1]}' })
    expect([made.status, made.body.toString()]).toEqual([201, '{"got":{"a":[1]}}'])
    const text = { method: 'POST', url: '/text', headers: { 'content-type': 'text/plain' }, body: 'loud' }
    expect(await called.text(text)).toBe('LOUD')
    const headers = { 'x-forwarded-for': '192.0.2.7', 'x-requested-with': 'XMLHttpRequest' }
    expect(JSON.parse(await called.text({ url: '/users/7?a=b&a=c', headers }))).toEqual({
      id: '7',
      query: { a: ['b', 'c'] },
      ip: '192.0.2.7',
      protocol: 'http',
      host: 'localhost',
      xhr: true,
    })
    const cookie = await called.call({ url: '/cookie' })
    expect(cookie.status).toBe(302)
    expect(cookie.fields.filter(([name]) => name === 'Set-Cookie').map(([, value]) => value)).toEqual([
      'a=1; Path=/',
      'b=2; Path=/; HttpOnly',
    ])
    expect((await called.call({ url: '/empty' })).status).toBe(204)
    expect(await called.text({ url: '/stream' })).toBe('abc')
    expect((await called.call({ url: '/nowhere' })).status).toBe(404)
    const head = await called.call({ method: 'HEAD' })
    expect([head.body.length, new Map(head.fields).get('Content-Length')]).toEqual([0, '12'])
    const thrown = await called.call({ url: '/throws' })
    expect([thrown.status, thrown.failure]).toEqual([500, null])
    expect(await called.text({ url: '/rejects' })).toBe('caught mine too')
    const bad = await called.call({ method: 'POST', url: '/json', headers: JSON_HEADERS, body: '{' })
    expect(bad.status).toBe(400)
    const fresh = await called.call({ headers: { 'if-none-match': new Map(hello.fields).get('ETag')! } })
    expect([fresh.status, fresh.body.length]).toEqual([304, 0])
    const large = JSON.stringify({ a: 'x'.repeat(90_000) })
    expect((await called.call({ method: 'POST', url: '/json', headers: JSON_HEADERS, body: large })).body.length).toBe(
      large.length + 8,
    )
    const file = await called.call({ url: '/file' })
    expect(file.status).toBe(200)
    expect(file.body.equals(readFileSync(FILE))).toBe(true)
  })

  test('as CommonJS is one too', async () => {
    const called = await bundled({
      'index.cjs': "const app = require('express')()\napp.get('/', (q, r) => r.send('cjs'))\nmodule.exports = app",
    })
    expect(await called.text()).toBe('cjs')
  })

  test('an app that listens and exports nothing is served, and its port is not opened', async () => {
    const called = await bundled({
      'index.mjs': `${EXPRESS}
        const server = app.listen(3000, () => console.log('listening on ' + server.address().port))`,
    })
    expect(await called.text()).toBe('Hello World!')
    await expect.poll(() => called.log).toContain('listening on 3000')
  })

  test('so is one of CommonJS', async () => {
    const module = "const app = require('express')()\napp.get('/', (q, r) => r.send('cjs'))\napp.listen(3000)"
    for (const name of ['index.cjs', 'index.js']) {
      expect(await (await bundled({ [name]: module })).text()).toBe('cjs')
      const stated = await bundled({ [name]: `exports.unused = 1\n${module}` }, { format: 'node' })
      expect(await stated.text()).toBe('cjs')
    }
  })

  test('one that listens when its database has answered is waited for, whether the format is stated or not', async () => {
    const late = `${EXPRESS}\nsetTimeout(() => app.listen(process.env.PORT), 20)`
    expect(await (await bundled({ 'index.mjs': late })).text()).toBe('Hello World!')
    const exporting = await bundled({ 'index.mjs': `${late}\nexport const unused = 1` }, { format: 'node' })
    expect(await exporting.text()).toBe('Hello World!')
  })

  test('one that never listens is told so before its time for loading is over', async () => {
    const never = { 'index.mjs': 'setInterval(() => {}, 1000)' }
    for (const [format, words] of [
      [null, 'the module exports nothing'],
      ['node', 'no HTTP server of it has called listen() while it had anything under way, or within 0.8 s'],
    ] as const) {
      const { failure } = await (await bundled(never, { format, settings: { bootTimeoutMs: 1000 } })).call()
      expect(failure!.message).toContain(words)
    }
  })
})

/** Two servers beside the function: one on any free port, which it asks for, and one as an app says it. */
const BESIDE = `
  import http from 'node:http'
  const server = http.createServer((req, res) => res.end('from the inner server')).listen(0)
  const held = http.createServer((req, res) => res.end('from the held server'))
  held.listen({ port: '65530', host: '0.0.0.0' })
  export default {
    async fetch(request) {
      const port = new URL(request.url).pathname === '/held' ? held.address().port : server.address().port
      return fetch('http://127.0.0.1:' + port)
    },
  }`

describe('what a function listens to', () => {
  test.each(['loopback', 'all'] as const)('beside a function of another format is there with %s', async (listen) => {
    const called = await bundled({ 'index.mjs': BESIDE }, { settings: { listen } })
    expect(await called.text()).toBe('from the inner server')
    expect(await called.text({ url: '/held' })).toBe('from the held server')
  })

  /** Each tells what it saw, and the function is what the module exports. */
  const SAW =
    'const saw = []; export default { fetch: () => Response.json(saw) }\nconst note = (what) => saw.push(what)\n'

  test('opens no port: an HTTP server says that it listens, and closes as one', async () => {
    const port = await freePort()
    const called = await bundled({
      'index.mjs': `import http from 'node:http'; import http2 from 'node:http2'; import https from 'node:https'
        ${SAW}
        for (const made of [http.createServer(() => {}), https.createServer({}, () => {}), http2.createServer(() => {}), http.createServer(), http2.createServer()]) {
          await new Promise((resolve) => made.listen(${port}, resolve))
          note([made.listening, made.address().port])
          await new Promise((resolve) => made.close(resolve))
          note(made.listening)
        }`,
    })
    expect(JSON.parse(await called.text())).toEqual([1, 2, 3, 4, 5].flatMap(() => [[true, port], false]))
  })

  test('fails with what to do where it is no app, or asks for any port: while it loads and during a call', async () => {
    const called = await bundled(
      {
        'index.mjs': `import http from 'node:http'; import net from 'node:net'; import { once } from 'node:events'
        const tried = async (server, ...args) => {
          try {
            await once(server.listen(...args), 'listening')
            return 'listens'
          } catch (error) {
            return error.code + ' ' + error.message
          }
        }
        const all = () => Promise.all([tried(net.createServer(), ${await freePort()}), tried(http.createServer(() => {}), 0), tried(net.createServer(), { port: 0, host: '::' })])
        const early = await all()
        export default { fetch: async () => Response.json([...early, ...(await all())]) }`,
      },
      { name: 'shop' },
    )
    const answers = JSON.parse(await called.text()) as string[]
    expect(answers).toHaveLength(6)
    for (const answer of answers) {
      expect(answer).toMatch(/^EACCES listen EACCES: /)
      expect(answer).toContain('overrides.shop.listen')
    }
  })

  test('is reached by nobody in a child, in a thread and by native ways, which the kernel sees to', async () => {
    const child =
      "require('node:net').createServer().listen(0).on('error', ({ code }) => console.log(code)).on('listening', () => { console.log('listens'); process.exit() })"
    const called = await bundled({
      'index.mjs': `import { spawnSync } from 'node:child_process'; import { Worker } from 'node:worker_threads'; import { once } from 'node:events'
        const CODE = ${JSON.stringify(child)}
        export default { async fetch() {
          const inChild = spawnSync(process.execPath, ['-e', CODE], { encoding: 'utf8' }).stdout.trim()
          const worker = new Worker(CODE.replaceAll('console.log', "require('node:worker_threads').parentPort.postMessage"), { eval: true })
          const [inThread] = await once(worker, 'message')
          return Response.json([inChild, inThread])
        } }`,
    })
    expect(JSON.parse(await called.text())).toEqual(['EACCES', 'EACCES'])
  })

  test('on a unix socket of its own is there', async () => {
    const called = await bundled({
      'index.mjs': `import http from 'node:http'; import { tmpdir } from 'node:os'; import { once } from 'node:events'
        const socketPath = tmpdir() + '/s'
        export default { async fetch() {
          const server = http.createServer((req, res) => res.end('by socket')).listen(socketPath)
          await once(server, 'listening')
          const [answer] = await once(http.get({ socketPath }), 'response')
          return new Response((await answer.toArray()).join(''))
        } }`,
    })
    expect(await called.text()).toBe('by socket')
  })

  test('with loopback other machines do not reach', async () => {
    const port = await freePort()
    const called = await bundled(
      {
        'index.mjs': `import http from 'node:http'; import net from 'node:net'; import { once } from 'node:events'
        export default { async fetch() {
          const addresses = []
          for (const args of [[${port}], [{ port: 0 }], [0, '0.0.0.0', 10], [0, '127.0.0.1']]) {
            const server = net.createServer().listen(...args)
            await once(server, 'listening')
            addresses.push(server.address().address)
            server.close()
          }
          return Response.json(addresses)
        } }`,
      },
      { settings: { listen: 'loopback' } },
    )
    expect(new Set(JSON.parse(await called.text()))).toEqual(new Set(['127.0.0.1']))
  })
})

describe('an app that listens when nobody has required it', () => {
  const app = (guard: string, port: number) => `
    const http = require('node:http')
    const answer = (req, res) => res.end('served')
    const handle = Object.assign((req, res) => answer(req, res), { handle: answer, listen: (...args) => http.createServer(answer).listen(...args) })
    if (${guard}) handle.listen(${port}, () => console.log('listens'))
    module.exports = handle`

  test.each([
    '!module.parent',
    '!module?.parent',
    'module.parent === null || module.parent === undefined',
    'require.main === module',
    'require.main.filename === __filename',
  ])('is told that somebody has: %s', async (guard) => {
    const called = await bundled({ 'index.js': app(guard, await freePort()) })
    expect(await called.text()).toBe('served')
    expect(called.log).toEqual([])
  })

  test('opens no port where it asks nobody', async () => {
    const port = await freePort()
    const called = await bundled({ 'index.js': app('true', port) })
    expect(await called.text()).toBe('served')
    await expect.poll(() => called.log).toContain('listens')
    expect(await isOpen(port)).toBe(false)
  })

  test('finds its folder by the main module', async () => {
    const called = await bundled({
      'index.js': `const { dirname } = require('node:path')
        module.exports = { fetch: () => Response.json([dirname(require.main.filename) === __dirname, typeof module.parent.filename]) }`,
    })
    expect(JSON.parse(await called.text())).toEqual([true, 'string'])
  })
})

test('Koa', async () => {
  const called = await bundled({
    'index.mjs': `
      import Koa from 'koa'
      import { Readable } from 'node:stream'
      const app = new Koa()
      app.use(async (ctx, next) => { const start = Date.now(); await next(); ctx.set('X-Response-Time', Date.now() - start + 'ms') })
      app.use(async (ctx) => {
        if (ctx.path === '/throws') ctx.throw(418, 'teapot')
        if (ctx.path === '/stream') { ctx.body = Readable.from(['a', 'b']); return }
        if (ctx.path === '/json') { ctx.body = { ip: ctx.ip, secure: ctx.secure, query: ctx.query }; return }
        ctx.body = 'Hello World'
      })
      export default app`,
  })
  const { fields, body } = await called.call()
  expect(body.toString()).toBe('Hello World')
  expect(new Map(fields).get('X-Response-Time')).toMatch(/^\d+ms$/)
  expect(await called.text({ url: '/stream' })).toBe('ab')
  expect(JSON.parse(await called.text({ url: '/json?a=b', headers: { 'x-forwarded-for': '::1' } }))).toEqual({
    ip: '::1',
    secure: false,
    query: { a: 'b' },
  })
  expect((await called.call({ url: '/throws' })).status).toBe(418)
  expect((await called.call({ method: 'HEAD' })).body.length).toBe(0)
})

const FASTIFY = `
  import Fastify from 'fastify'
  const fastify = Fastify({ logger: false })
  fastify.get('/', async (request, reply) => ({ hello: 'world', ip: request.ip }))
  fastify.post('/echo', async (request) => request.body)
  fastify.get('/throws', async () => { throw new Error('mine') })`

test('Fastify, exported', async () => {
  const called = await bundled({ 'index.mjs': `${FASTIFY}\nexport default fastify` })
  const headers = { 'x-forwarded-for': '192.0.2.7' }
  expect(JSON.parse(await called.text({ headers }))).toEqual({ hello: 'world', ip: '192.0.2.7' })
  const echo = { method: 'POST', url: '/echo', headers: { ...JSON_HEADERS, 'content-length': '7' }, body: '{"a":1}' }
  expect(await called.text(echo)).toBe('{"a":1}')
  expect((await called.call({ url: '/throws' })).status).toBe(500)
  expect((await called.call({ url: '/nowhere' })).status).toBe(404)
})

test('Fastify, listening when it has got ready, which nobody awaits', async () => {
  for (const module of [
    `${FASTIFY}\nfastify.listen({ port: 3000 }, (error) => { if (error) throw error; console.log('listening') })`,
    `${FASTIFY}\nconst start = async () => { await fastify.listen({ port: 3000 }); console.log('listening') }\nstart()`,
  ]) {
    const called = await bundled({ 'index.mjs': module })
    expect(JSON.parse(await called.text())).toMatchObject({ hello: 'world' })
    await expect.poll(() => called.log).toContain('listening')
  }
})

test('Fastify, listening', async () => {
  const called = await bundled({
    'index.mjs': `${FASTIFY}
      try { await fastify.listen({ port: 3000 }) } catch (error) { fastify.log.error(error); process.exit(1) }`,
  })
  expect(JSON.parse(await called.text())).toMatchObject({ hello: 'world' })
})

test('h3: its app is a fetch one, and one of Node through toNodeHandler', async () => {
  const H3 = `
    import { H3, readBody } from 'h3'
    import { toNodeHandler } from 'h3/node'
    const app = new H3().get('/', () => '⚡️ Tadaa!').post('/echo', async (event) => ({ got: await readBody(event) }))`
  for (const [exported, format] of [
    ['app', null],
    ['toNodeHandler(app)', 'node'],
  ] as const) {
    const called = await bundled({ 'index.mjs': `${H3}\nexport default ${exported}` }, { format })
    expect(await called.text()).toBe('⚡️ Tadaa!')
    const echo = { method: 'POST', url: '/echo', headers: JSON_HEADERS, body: '{"a":1}' }
    expect(JSON.parse(await called.text(echo))).toEqual({ got: { a: 1 } })
  }
})

test('an http.Server', async () => {
  const called = await bundled({
    'index.mjs': "import http from 'node:http'\nexport default http.createServer((req, res) => res.end('served'))",
  })
  expect(await called.text()).toBe('served')
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
