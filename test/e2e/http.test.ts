import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { bytesOf, type GatewayUnderTest, shareGateway, startGateway } from './gateway-under-test.ts'
import { eventually, isAlive } from './processes.ts'
import { RawConnection } from './raw-connection.ts'

const TESTER = readFileSync(new URL('./functions/tester.mjs', import.meta.url), 'utf8')
const VERBS = `
export const GET = () => new Response('got', { headers: { 'x-verb': 'GET' } })
export const POST = async (request) => new Response('posted ' + (await request.text()))
`
const SEES = 'export default (request) => new Response(new URL(request.url).pathname + new URL(request.url).search)'

const SAYS_MORE = `
export default function (req, res) {
  res.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => {
    res.writeProcessing()
    req.resume().on('end', () => {
      res.writeHead(200, 'Quite Fine', { trailer: 'x-sum' })
      res.write(JSON.stringify([res.statusMessage, req.trailers]))
      res.addTrailers({ 'x-sum': '1' })
      res.end()
    })
  })
}`

const gateway = shareGateway({
  functions: {
    'says-more': { 'index.mjs': SAYS_MORE, 'function.json': '{"format":"node"}' },
    phrased: 'export default () => new Response("phrased", { status: 201, statusText: "Quite Made" })',
    tester: { 'index.mjs': TESTER, 'data.txt': 'mine', 'more/data.txt': 'mine too' },
    verbs: VERBS,
    sees: SEES,
    single: { 'index.mjs': TESTER },
  },
  config: {
    // Callers who leave here only close their side.
    limits: { halfCloseTimeout: '200ms' },
    overrides: {
      tester: { minWorkers: 1, maxWorkers: 1, env: { GREETING: 'hello', PATH_LIKE: '/x:/y' } },
      single: { maxWorkers: 1, concurrency: 1 },
    },
    routes: [
      { path: '/exact', function: 'sees' },
      { path: '/users/:id', function: 'sees' },
      { path: '/api/*', function: 'sees' },
      { path: '/plain/*', function: 'sees', stripPrefix: true },
      { path: '/', host: 'sees.example', function: 'sees' },
      { path: '/*', host: '*.all.example', function: 'sees' },
    ],
  },
  env: { GATEWAY_SECRET: 'of nobody else', WRANGLER_FREE_ADMIN_TOKEN: '' },
})

/** What the function saw of this request. */
async function seen(
  headers: Readonly<Record<string, string | string[]>>,
  path = '/tester/request',
): Promise<{ method: string; url: string; headers: Record<string, string>; invocationId: string }> {
  const response = await gateway().request(path, { headers })
  return JSON.parse(String(await bytesOf(response)))
}

async function textOf(path: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  return String(await bytesOf(await gateway().request(path, { headers })))
}

async function marks(): Promise<string[]> {
  return JSON.parse(await textOf('/tester/marks')) as string[]
}

async function inFlight(name: string): Promise<number> {
  return (await gateway().statusOf(name)).workers.reduce((sum, worker) => sum + worker.inFlight, 0)
}

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`
}

test('a request body reaches the handler while it is still being sent, and the answer the caller', async () => {
  const connection = await gateway().connect()
  connection.send('POST /tester/upper HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n')
  await connection.send(chunk('one')).until('ONE')
  await connection.send(chunk('two')).until('TWO')
  await connection.send(chunk('three')).until('THREE')
  await connection.send('0\r\n\r\n').until('\r\n0\r\n\r\n')
  connection.close()
})

test('the first part of a response is sent before there is a second', async () => {
  const connection = await gateway().connect()
  connection.send('GET /tester/two-steps/a HTTP/1.1\r\nhost: here\r\n\r\n')
  expect(await connection.until('first')).not.toContain('second')
  await textOf('/tester/release/a')
  await connection.until('second')
  connection.close()
})

test('server-sent events arrive one by one', async () => {
  const events = `
    const gates = {}
    const gate = (name) => (gates[name] ??= Promise.withResolvers())
    export default async (request) => {
      const [, page, name] = new URL(request.url).pathname.split('/')
      if (page === 'release') return gate(name).resolve() ?? new Response()
      const encoder = new TextEncoder()
      const body = new ReadableStream({
        async start(controller) {
          for (const name of ['a', 'b', 'c']) {
            controller.enqueue(encoder.encode('event: step\\ndata: ' + name + '\\n\\n'))
            await gate(name).promise
          }
          controller.close()
        },
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' } })
    }`
  const one = await startGateway({ functions: { events }, config: { defaults: { maxWorkers: 1 } } })
  const response = await one.fetch('/events')
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const received: string[] = []
  for await (const bytes of response.body!) {
    received.push(Buffer.from(bytes).toString())
    await (await one.fetch(`/events/release/${received.at(-1)!.trim().at(-1)}`)).text()
  }
  expect(received).toEqual(['a', 'b', 'c'].map((name) => `event: step\ndata: ${name}\n\n`))
})

test('a caller who leaves aborts the signal of its request and frees the slot', async () => {
  const pid = await textOf('/single/pid')
  const connection = await gateway().connect()
  connection.send('GET /single/aborted/a HTTP/1.1\r\nhost: here\r\n\r\n')
  await eventually(async () => (await inFlight('single')) === 1)
  connection.close()
  await eventually(async () => (await inFlight('single')) === 0)
  expect(JSON.parse(await textOf('/single/marks'))).toEqual(['a began', 'a AbortError'])
  expect(await textOf('/single/pid')).toBe(pid)
})

test('a caller who leaves while it waits takes its place in the queue with it', async () => {
  const first = textOf('/single/held/b')
  await eventually(async () => (await inFlight('single')) === 1)
  const connection = await gateway().connect()
  connection.send('GET /single/aborted/never-ran HTTP/1.1\r\nhost: here\r\n\r\n')
  await gateway().waitForFunction('single', ({ queue }) => queue === 1)
  connection.close()
  await gateway().waitForFunction('single', ({ queue }) => queue === 0)
  const last = await gateway().statusOf('single')
  expect(last.workers).toHaveLength(1)
  // Its only slot is taken: what releases it must not have to wait for it.
  process.kill(last.workers[0]!.pid, 'SIGKILL')
  expect(await first).toContain('worker-died')
  expect(JSON.parse(await textOf('/single/marks'))).toEqual([])
})

test('a caller who leaves cancels the stream that was being sent to it', async () => {
  const connection = await gateway().connect()
  connection.send('GET /tester/aborted-stream/s HTTP/1.1\r\nhost: here\r\n\r\n')
  await connection.until('\r\n\r\n')
  connection.close()
  await eventually(async () => (await marks()).includes('s cancelled'))
  await eventually(async () => (await inFlight('tester')) === 0)
})

test('a caller who leaves amid its body is told to the handler that reads it', async () => {
  const connection = await gateway().connect()
  connection.send('POST /tester/aborted-body/u HTTP/1.1\r\nhost: here\r\ncontent-length: 1000000\r\n\r\nabc')
  await eventually(async () => (await marks()).includes('u began'))
  connection.close()
  await eventually(async () => (await marks()).includes('u AbortError'))
  await eventually(async () => (await inFlight('tester')) === 0)
})

test('HEAD has the headers of GET and no body', async () => {
  const connection = await gateway().connect()
  connection.send('HEAD /tester/bytes HTTP/1.1\r\nhost: here\r\n\r\n')
  const { status, headers } = await connection.response(true)
  expect([status, headers['content-length']]).toEqual([200, '256'])
  connection.send('GET /tester/pid HTTP/1.1\r\nhost: here\r\n\r\n')
  expect((await connection.response()).body).toMatch(/^\d+$/)
  connection.close()
})

test('HEAD of a streamed answer has no body either, and the stream is let go', async () => {
  const connection = await gateway().connect()
  connection.send('HEAD /tester/aborted-stream/h HTTP/1.1\r\nhost: here\r\n\r\n')
  expect((await connection.response(true)).status).toBe(200)
  connection.send('GET /tester/pid HTTP/1.1\r\nhost: here\r\n\r\n')
  expect((await connection.response()).body).toMatch(/^\d+$/)
  connection.close()
  await eventually(async () => (await marks()).includes('h cancelled'))
})

test('a function of named methods answers those, HEAD and OPTIONS, and 405 with Allow to all others', async () => {
  expect(await (await gateway().fetch('/verbs')).text()).toBe('got')
  const posted = await gateway().fetch('/verbs', { method: 'POST', body: 'this' })
  expect(await posted.text()).toBe('posted this')
  const head = await gateway().fetch('/verbs', { method: 'HEAD' })
  expect([head.status, head.headers.get('x-verb'), head.headers.get('content-length')]).toEqual([200, 'GET', '3'])
  const options = await gateway().fetch('/verbs', { method: 'OPTIONS' })
  expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, POST, OPTIONS'])
  const other = await gateway().fetch('/verbs', { method: 'DELETE' })
  expect([other.status, other.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST, OPTIONS'])
})

test('headers of one connection are not passed on to the function', async () => {
  const lines = [
    'connection: keep-alive, X-Private',
    'connection: x-secret',
    'x-private: 1',
    'x-secret: 1',
    'keep-alive: timeout=5',
    'te: trailers',
    'trailer: x-sum',
    'upgrade: h2c',
    'proxy-authorization: Basic abc',
    'proxy-connection: keep-alive',
    'x-public: 2',
    'authorization: Bearer mine',
    'cookie: a=1',
  ]
  const connection = await gateway().connect()
  connection.send(`GET /tester/request HTTP/1.1\r\nhost: here\r\n${lines.join('\r\n')}\r\n\r\n`)
  const { headers } = JSON.parse((await connection.response()).body)
  connection.close()
  const passed = Object.keys(headers).filter((name) => !name.startsWith('x-forwarded'))
  expect(passed.sort()).toEqual(['authorization', 'cookie', 'host', 'x-public', 'x-request-id'])
})

test('headers of one connection are not passed on to the caller', async () => {
  const connection = await gateway().connect()
  connection.send('GET /tester/connection-headers HTTP/1.1\r\nhost: here\r\n\r\n')
  const { status, headers, body } = await connection.response()
  expect([status, body, headers['x-fine']]).toEqual([200, 'fine', 'yes'])
  expect(headers.connection).toBe('keep-alive')
  expect(headers['keep-alive']).not.toBe('timeout=1')
  expect(headers['x-request-id']).not.toBe('of the function')
  for (const name of ['transfer-encoding', 'te', 'trailer', 'upgrade', 'proxy-authenticate', 'proxy-connection']) {
    expect(headers).not.toHaveProperty(name)
  }
  expect(headers).not.toHaveProperty('x-internal')
  connection.close()
})

test('reason phrases, interim answers and trailers are not passed on, and disturb no answer', async () => {
  const connection = await gateway().connect()
  connection.send(
    'POST /says-more HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx-t: 1\r\n\r\n',
  )
  connection.send('GET /phrased HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n')
  const all = await connection.rest()
  expect(all.match(/HTTP\/1.1 [^\r]*/g)).toEqual(['HTTP/1.1 200 OK', 'HTTP/1.1 201 Created'])
  expect(all).toContain('["Quite Fine",{}]')
  expect(all).toMatch(/\r\n\r\nphrased$/)
  expect(all).not.toMatch(/x-sum|trailer|link:/)
})

test('a request id is taken from the caller, made where there is none, and told to both sides', async () => {
  const given = await gateway().fetch('/tester/request', { headers: { 'x-request-id': 'abc-123' } })
  expect(given.headers.get('x-request-id')).toBe('abc-123')
  expect(await given.json()).toMatchObject({ invocationId: 'abc-123', headers: { 'x-request-id': 'abc-123' } })
  const [one, two] = await Promise.all([gateway().fetch('/tester/request'), gateway().fetch('/tester/request')])
  const ids = [one, two].map((response) => response.headers.get('x-request-id'))
  expect(new Set(ids).size).toBe(2)
  expect(await one.json()).toMatchObject({ invocationId: ids[0] })
  expect((await gateway().problem('/nothing', { headers: { 'x-request-id': 'abc-404' } })).invocation).toBe('abc-404')
})

test.for(['a b', '<script>', 'x'.repeat(129), ''])('a request id that is not harmless is replaced: %s', async (id) => {
  const response = await gateway().fetch('/tester/request', { headers: { 'x-request-id': id } })
  expect(response.headers.get('x-request-id')).toMatch(/^[A-Za-z0-9_-]{8,}$/)
  await response.body?.cancel()
})

test('the function is told who called and how, by the gateway and not by the caller', async () => {
  const { headers, url } = await seen({
    host: 'shop.example:8080',
    'x-forwarded-for': '6.6.6.6',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-prefix': '/evil',
  })
  expect(url).toBe('http://shop.example:8080/request')
  expect(headers).toMatchObject({
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-prefix': '/tester',
  })
  expect(headers).not.toHaveProperty('x-forwarded-host')
})

test('behind a trusted proxy, what that says of the caller is kept and added to', async () => {
  const one = await startGateway({
    functions: { tester: { 'index.mjs': TESTER } },
    config: { listen: { trustProxy: true } },
  })
  const response = await one.request('/tester/request', {
    headers: {
      host: 'inner.example',
      'x-forwarded-for': '1.2.3.4',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'shop.example',
    },
  })
  const { url, headers } = JSON.parse(String(await bytesOf(response)))
  expect(url).toBe('https://shop.example/request')
  expect(headers).toMatchObject({
    'x-forwarded-for': '1.2.3.4, 127.0.0.1',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'shop.example',
  })
})

test('several cookies stay several', async () => {
  const response = await gateway().request('/tester/cookies')
  expect(response.headers['set-cookie']).toEqual(['a=1; Path=/', 'b=2, still b'])
  response.resume()
})

test('bytes of every value pass unharmed both ways, whole and streamed', async () => {
  const every = Buffer.from(Uint8Array.from({ length: 256 }, (_, at) => at))
  expect(await bytesOf(await gateway().request('/tester/bytes'))).toEqual(every)
  for (const path of ['/tester/whole', '/tester/echo']) {
    const response = await gateway().request(path, { method: 'POST', body: every })
    expect(await bytesOf(response)).toEqual(every)
  }
})

test.for([
  ['with a content-length', '/tester/echo', (body: Buffer) => ({ 'content-length': String(body.length) })],
  ['in chunks', '/tester/echo', () => ({ 'transfer-encoding': 'chunked' })],
  ['read whole', '/tester/whole', () => ({ 'transfer-encoding': 'chunked' })],
] as const)('10 MiB come back as they were sent: %s', async ([, path, headersFor]) => {
  const body = randomBytes(10 * 1024 * 1024)
  const response = await gateway().request(path, { method: 'POST', headers: headersFor(body), body })
  const back = await bytesOf(response)
  expect(createHash('sha256').update(back).digest('hex')).toBe(createHash('sha256').update(body).digest('hex'))
})

test('uploads reach the handler whole, with a length and in chunks', async () => {
  const body = randomBytes(300_000)
  const hash = createHash('sha256').update(body).digest('hex')
  for (const [name, value] of [
    ['content-length', '300000'],
    ['transfer-encoding', 'chunked'],
  ] as const) {
    const response = await gateway().request('/tester/hash', { method: 'PUT', headers: { [name]: value }, body })
    expect(String(await bytesOf(response))).toBe(hash)
  }
})

test('pipelined requests are answered in their order', async () => {
  const connection = await gateway().connect()
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: here\r\n\r\n`
  connection.send(get('/tester/held/p1') + get('/tester/held/p2') + get('/nothing') + get('/tester/pid'))
  await textOf('/tester/release/p2')
  await textOf('/tester/release/p1')
  expect((await connection.response()).body).toBe('held p1')
  expect((await connection.response()).body).toBe('held p2')
  expect((await connection.response()).status).toBe(404)
  expect((await connection.response()).body).toMatch(/^\d+$/)
  connection.close()
})

test('a connection is kept for the next request, after answers of every kind', async () => {
  const connection = await gateway().connect()
  for (const [path, status] of [
    ['/tester/pid', 200],
    ['/tester/bytes', 200],
    ['/nothing', 404],
    ['/tester/status/204', 204],
    ['/tester/nothing', 404],
    ['/tester/pid', 200],
  ] as const) {
    connection.send(`GET ${path} HTTP/1.1\r\nhost: here\r\n\r\n`)
    const response = await connection.response()
    expect([response.status, response.headers.connection]).toEqual([status, 'keep-alive'])
  }
  connection.close()
})

test('a connection is closed after the answer where the caller says so', async () => {
  const answer = await gateway().raw('GET /tester/pid HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n')
  expect(answer).toMatch(/\r\nconnection: close\r\n/i)
})

test('Server-Timing is told only where it is configured: queue, kind of start, load and run', async () => {
  const silent = await gateway().fetch('/tester/pid')
  expect(silent.headers.has('server-timing')).toBe(false)
  await silent.text()
  const one = await startGateway({
    functions: { tester: { 'index.mjs': TESTER } },
    config: { listen: { serverTiming: true } },
  })
  await one.waitFor(({ pool }) => pool.blanks > 0)
  const first = await one.fetch('/tester/pid')
  expect(first.headers.get('server-timing')).toMatch(
    /^queue;dur=[\d.]+, start;desc="blank", load;dur=[\d.]+, run;dur=[\d.]+$/,
  )
  const second = await one.fetch('/tester/pid')
  expect(second.headers.get('server-timing')).toMatch(/^queue;dur=[\d.]+, start;desc="warm", run;dur=[\d.]+$/)
  await Promise.all([first.text(), second.text()])
})

test('waitUntil work goes on after the response, and is finished before its worker is recycled', async () => {
  const one = await startGateway({
    functions: { tester: { 'index.mjs': TESTER } },
    config: {
      defaults: { maxInvocations: 1, env: { GO: '<folder>/go', DONE: '<folder>/done' }, writable: ['<folder>'] },
    },
  })
  const done = one.project.path('done')
  const pid = Number(await (await one.fetch('/tester/later')).text())
  expect(await (await one.fetch('/tester/pid')).text()).not.toBe(String(pid))
  expect([isAlive(pid), existsSync(done)]).toEqual([true, false])
  one.project.write('go', '')
  await eventually(() => !isAlive(pid))
  expect(readFileSync(done, 'utf8')).toBe(String(pid))
})

test("a function gets its variables and nothing of the gateway's", async () => {
  const { env, process: own } = JSON.parse(await textOf('/tester/env'))
  expect(env).toEqual({ GREETING: 'hello', PATH_LIKE: '/x:/y' })
  expect(own).toMatchObject({ GREETING: 'hello' })
  expect(own).not.toHaveProperty('GATEWAY_SECRET')
  // Its own name, by which what it starts is found when it has gone: docs/limits.md.
  expect(Object.keys(own).filter((name) => name.startsWith('WRANGLER_FREE'))).toEqual(['WRANGLER_FREE_WORKER'])
})

test('a function reads the files of its own folder, by URL and by path', async () => {
  expect(JSON.parse(await textOf('/tester/files'))).toEqual({ byUrl: 'mine', byPath: 'mine', below: 'mine too' })
})

test.for([
  ['/exact', '/exact'],
  ['/exact?a=1&b=%20', '/exact?a=1&b=%20'],
  ['/users/7', '/users/7'],
  ['/api', '/api'],
  ['/api/v1/x?y=/z', '/api/v1/x?y=/z'],
  ['/plain/v1/x?y', '/v1/x?y'],
  ['/plain', '/'],
  ['/sees', '/'],
  ['/sees?a=1', '/?a=1'],
  ['/sees/', '/'],
  ['/sees/a/b?c', '/a/b?c'],
])('a route finds its function, which sees the path as it is or without its mount: %s', async ([path, shown]) => {
  // A lone "?" says nothing that `search` would show.
  expect(await textOf(path!)).toBe(shown)
})

test.for(['/users', '/users/7/8', '/users/', '/exact/', '/apis', '/'])(
  'what is near a route is 404: %s',
  async (path) => {
    expect((await gateway().problem(path)).code).toBe('not-found')
  },
)

test('a route may be of one host, or of all below one', async () => {
  expect(await textOf('/', { host: 'sees.example' })).toBe('/')
  expect(await textOf('/', { host: 'SEES.example:80' })).toBe('/')
  expect(await textOf('/any/path', { host: 'a.all.example' })).toBe('/any/path')
  expect(await textOf('/any/path', { host: 'all.example' })).toContain('not-found')
  expect(await textOf('/', { host: 'other.example' })).toContain('not-found')
})

test.for(['204', '304'])('a %s has no body and leaves its connection in order', async (code) => {
  const connection = await gateway().connect()
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: here\r\n\r\n`
  connection.send(get(`/tester/status/${code}`) + get('/tester/pid'))
  const { status, headers } = await connection.response()
  expect([status, headers.etag]).toEqual([Number(code), '"1"'])
  expect(headers).not.toHaveProperty('transfer-encoding')
  expect((await connection.response()).body).toMatch(/^\d+$/)
  connection.close()
})

test('a 304 with the length of what was not sent leaves its connection in order', async () => {
  const connection = await gateway().connect()
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: here\r\n\r\n`
  connection.send(get('/tester/unmodified-length') + get('/tester/pid'))
  expect((await connection.response()).status).toBe(304)
  expect((await connection.response()).body).toMatch(/^\d+$/)
  connection.close()
})

test('a caller that stops sending is cut off; one that the function makes wait is not', async () => {
  const one = await startGateway({
    functions: { tester: { 'index.mjs': TESTER } },
    config: { limits: { bodyTimeout: '400ms', headersTimeout: '400ms' }, defaults: { maxWorkers: 1 } },
  })
  const patient = await one.connect()
  const body = 'x'.repeat(4 * 1024 * 1024)
  patient.send(`POST /tester/read-later/go HTTP/1.1\r\nhost: here\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
  const cut = await Promise.all([
    one.raw('POST /tester/whole HTTP/1.1\r\nhost: here\r\ncontent-length: 10\r\n\r\nabc'),
    one.raw('POST /tester/whole HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n'),
    one.raw('POST /nowhere HTTP/1.1\r\nhost: here\r\ncontent-length: 10\r\n\r\nabc'),
    one.raw('GET /tester/pid HTTP/1.1\r\nhost: here\r\na: '),
  ])
  expect(cut.map((answer) => answer.slice(0, 12))).toEqual(
    ['408', '408', '404', '408'].map((status) => `HTTP/1.1 ${status}`),
  )
  expect(cut[0]).toContain('"code":"request-timeout","fault":"caller"')
  await (await one.fetch('/tester/release/go')).text()
  expect(await patient.response()).toMatchObject({ status: 200, body: String(body.length) })
  patient.close()
  await noneInFlight(one)
})

async function noneInFlight(one: GatewayUnderTest): Promise<void> {
  await one.waitFor(({ gateway, functions }) => {
    const inFlight = functions.flatMap(({ workers }) => workers.map((worker) => worker.inFlight))
    return gateway.requestsInFlight === 0 && inFlight.every((count) => count === 0)
  })
}

test('a connection that says nothing is closed, and what it cost is given back', async () => {
  const one = await startGateway({ functions: { sees: SEES }, config: { limits: { keepAliveTimeout: '200ms' } } })
  const connection = await RawConnection.open(one.address)
  connection.send('GET /sees HTTP/1.1\r\nhost: here\r\n\r\n')
  expect((await connection.response()).body).toBe('/')
  expect(await connection.rest()).toBe('')
})

test('RFC 9112, 9.6: a caller that closes its sending side right after its request gets its answer, 200 of 200', async () => {
  const statuses = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const connection = await gateway().connect()
      connection.send('GET /tester/pid HTTP/1.1\r\nhost: here\r\n\r\n').socket.end()
      return (await connection.response()).status
    }),
  )
  expect(statuses.filter((status) => status === 200)).toHaveLength(200)
})
