import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { compress } from 'hono/compress'
import { getCookie, setCookie } from 'hono/cookie'
import { cors } from 'hono/cors'
import { etag } from 'hono/etag'
import { stream, streamSSE, streamText } from 'hono/streaming'
import { describe, expect, it } from 'vitest'
import { arrive, type Incoming, NativeRequest, type Sent, send, twins } from './twins.ts'

const JSON_POST: Incoming = { method: 'POST', body: '{"a":"ä"}', headers: [['content-type', 'application/json']] }

const form = new FormData()
form.append('name', 'x')
form.append('file', new File(['content'], 'f.txt'))
const encodedForm = new NativeRequest('http://x/', { method: 'POST', body: form })
const FORM_POST: Incoming = {
  method: 'POST',
  headers: [['content-type', encodedForm.headers.get('content-type')!]],
  body: await encodedForm.bytes(),
}

async function serve(app: Hono, request: Request): Promise<Sent> {
  return send(await app.fetch(request))
}

describe.each(twins)('a Hono application given $kind', ({ request }) => {
  it('reads the head', async () => {
    const app = new Hono()
    app.get('/users/:id', (c) => {
      const { method, path, url } = c.req
      return c.json([method, path, url, c.req.param('id'), c.req.query('q'), c.req.queries('t'), c.req.header()])
    })
    const incoming = { target: '/users/%C3%A4?q=a%20b&t=1&t=2', headers: [['X-A', 'é']] } as const
    const sent = await serve(app, request(incoming))
    expect(JSON.parse(sent.body!)).toEqual([
      'GET',
      '/users/ä',
      'http://localhost/users/%C3%A4?q=a%20b&t=1&t=2',
      'ä',
      'a b',
      ['1', '2'],
      { host: 'localhost', 'x-a': 'é' },
    ])
  })

  it('reads the body in several forms one after the other', async () => {
    const app = new Hono()
    app.post('/', async (c) => {
      const text = await c.req.text()
      const json = await c.req.json()
      const size = (await c.req.arrayBuffer()).byteLength
      const blob = await c.req.blob()
      return c.json([text, json, size, blob.type])
    })
    expect(JSON.parse((await serve(app, request(JSON_POST))).body!)).toEqual([
      '{"a":"ä"}',
      { a: 'ä' },
      10,
      'application/json',
    ])
  })

  it('parses forms', async () => {
    const app = new Hono()
    app.post('/', async (c) => {
      const { name, file } = await c.req.parseBody()
      return c.text(`${name} ${file instanceof File ? await file.text() : file}`)
    })
    expect((await serve(app, request(FORM_POST))).body).toBe('x content')
    const type = 'application/x-www-form-urlencoded'
    const encoded: Incoming = { method: 'POST', body: 'name=x&file=y', headers: [['content-type', type]] }
    expect((await serve(app, request(encoded))).body).toBe('x y')
  })

  it.each([
    ['whole', { body: 'hello' }],
    ['whole with its length', { body: 'hello', headers: [['content-length', '5']] }],
    ['in chunks', { chunks: ['he', 'llo'] }],
  ] as [string, Incoming][])('limits a body that comes %s', async (_name, incoming) => {
    const app = new Hono()
    app.post('/5', bodyLimit({ maxSize: 5 }), async (c) => c.text(await c.req.text()))
    app.post('/4', bodyLimit({ maxSize: 4 }), async (c) => c.text(await c.req.text()))
    expect(await serve(app, request({ method: 'POST', target: '/5', ...incoming }))).toMatchObject({
      status: 200,
      body: 'hello',
    })
    expect((await serve(app, request({ method: 'POST', target: '/4', ...incoming }))).status).toBe(413)
  })

  it('sets headers and cookies before and after the answer is made', async () => {
    const app = new Hono()
    app.use(async (c, next) => {
      c.header('x-before', '1')
      await next()
      c.header('x-after', '2')
      c.header('x-list', 'b', { append: true })
      setCookie(c, 'late', '3')
      c.res.headers.append('set-cookie', 'last=4')
    })
    app.get('/', (c) => {
      setCookie(c, 'first', getCookie(c, 'given')!)
      c.header('x-list', 'a')
      return c.html('<p>', 201)
    })
    const sent = await serve(app, request({ headers: [['cookie', 'given=a%20b; other=c']] }))
    expect(sent).toMatchObject({ status: 201, body: '<p>' })
    expect([...sent.fields].sort()).toEqual([
      ['content-type', 'text/html; charset=UTF-8'],
      ['set-cookie', 'first=a%20b; Path=/'],
      ['set-cookie', 'last=4'],
      ['set-cookie', 'late=3; Path=/'],
      ['x-after', '2'],
      ['x-before', '1'],
      ['x-list', 'a, b'],
    ])
  })

  it('answers in every way that it has', async () => {
    const app = new Hono()
    app.get('/json', (c) => c.json({ a: 1 }, 201, { 'x-a': '1' }))
    app.get('/text', (c) => c.text('ä'))
    app.get('/redirect', (c) => c.redirect('/elsewhere', 303))
    app.get('/bytes', (c) => c.body(new Uint8Array([0x61, 0x62])))
    app.get('/stream', (c) => c.body(new Blob(['streamed']).stream()))
    app.get('/none', (c) => c.body(null, 204))
    app.get('/streamed', (c) =>
      stream(c, async (out) => {
        await out.write('a')
        await out.write(new Uint8Array([98]))
      }),
    )
    app.get('/texts', (c) =>
      streamText(c, async (out) => {
        await out.writeln('a')
      }),
    )
    app.get('/events', (c) => streamSSE(c, (out) => out.writeSSE({ event: 'e', data: 'd' })))
    app.get('/throws', () => {
      throw new Error('broken')
    })
    app.onError((error, c) => c.text(error.message, 500))
    const get = (target: string) => serve(app, request({ target }))
    expect(await get('/json')).toMatchObject({ status: 201, body: '{"a":1}' })
    expect(await get('/text')).toEqual({
      status: 200,
      fields: [['content-type', 'text/plain;charset=UTF-8']],
      body: 'ä',
    })
    expect(await get('/redirect')).toEqual({ status: 303, fields: [['location', '/elsewhere']], body: null })
    expect(await get('/bytes')).toEqual({ status: 200, fields: [], body: 'ab' })
    expect(await get('/stream')).toMatchObject({ status: 200, body: 'streamed' })
    expect(await get('/none')).toEqual({ status: 204, fields: [], body: null })
    expect((await get('/streamed')).body).toBe('ab')
    expect((await get('/texts')).body).toBe('a\n')
    expect((await get('/events')).body).toBe('event: e\ndata: d\n\n')
    expect(await get('/throws')).toMatchObject({ status: 500, body: 'broken' })
    expect(await get('/nowhere')).toMatchObject({ status: 404, body: '404 Not Found' })
  })

  it('mounts another application under a path, body included', async () => {
    const app = new Hono()
    app.mount('/sub', async (inner) => {
      const { pathname, search } = new URL(inner.url)
      return new Response(`${inner.method} ${pathname}${search} ${inner.headers.get('host')} ${await inner.text()}`)
    })
    for (const body of [{ body: 'hello' }, { chunks: ['hel', 'lo'] }]) {
      const incoming = { method: 'POST', target: '/sub/a?b', host: 'a.example', ...body }
      expect((await serve(app, request(incoming))).body).toBe('POST /a?b a.example hello')
    }
  })

  it('works with middleware that reads, copies or wraps the answer', async () => {
    const app = new Hono()
    app.use(cors(), etag(), compress({ threshold: 0 }))
    app.get('/', (c) => c.text('hello'))
    const accept = ['accept-encoding', 'gzip'] as const
    const fields = Object.fromEntries((await serve(app, request({ headers: [accept] }))).fields)
    expect(fields).toMatchObject({ 'access-control-allow-origin': '*', 'content-encoding': 'gzip' })
    expect(fields.etag).toMatch(/^(W\/)?"[0-9a-f]+"$/)
    const match = await serve(app, request({ headers: [accept, ['if-none-match', fields.etag!]] }))
    expect([match.status, match.body]).toEqual([304, null])
  })

  it('passes the request on to another application', async () => {
    const inner = new Hono()
    inner.put('/', async (c) => c.text(`${c.req.header('x-a')} ${await c.req.text()}`))
    const outer = new Hono()
    outer.post('/', (c) => inner.request(c.req.raw, { method: 'PUT', headers: { 'x-a': '1' } }))
    outer.all('*', (c) => inner.fetch(new Request(c.req.raw, { method: 'PUT' })))
    expect((await serve(outer, request({ method: 'POST', body: 'x' }))).body).toBe('1 x')
  })
})

describe('a Hono application', () => {
  it('makes no streams of what it answers in one piece, even if a header is set afterwards', async () => {
    const app = new Hono()
    app.use(async (c, next) => {
      await next()
      c.header('x-time', '1')
    })
    app.get('/', (c) => c.text('hello'))
    const { toOutgoing } = await import('../../../../warmpool/runtimes/node/web/response.ts')
    expect(toOutgoing(await app.fetch(arrive({}).request))?.body).toBe('hello')
  })
})
