/**
 * Calls that share a worker stay apart: bodies that are read on, async contexts, errors that nobody handles. Issue 14,
 * A2, A3, A4 and E8.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { bytesOf, type LogEntry, shareGateway } from './gateway-under-test.ts'
import { eventually } from './processes.ts'

const CONTEXTS = `
import { AsyncLocalStorage } from 'node:async_hooks'
const store = new AsyncLocalStorage()
async function seen(name) {
  const before = store.getStore() ?? null
  store.enterWith(name)
  await new Promise((resolve) => setTimeout(resolve, 1))
  return { before, after: store.getStore() }
}
`
const READS_ON = `
const read = new Map()
export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url)
    const name = request.headers.get('x-name')
    if (pathname.endsWith('/seen')) return Response.json(read.get(name) ?? null)
    ctx.waitUntil(
      request.arrayBuffer().then(
        ({ byteLength }) => read.set(name, { byteLength }),
        (error) => read.set(name, { rejected: error.message }),
      ),
    )
    return new Response('taken', { status: 202 })
  },
}
`
const FORGETS = `
let open = null
process.on('SIGUSR2', () => open?.())
export default async (request) => {
  const { pathname } = new URL(request.url)
  if (pathname.endsWith('/pid')) return new Response(String(process.pid))
  if (pathname.endsWith('/wait')) {
    await new Promise((resolve) => { const before = open; open = () => { before?.(); resolve() } })
    return new Response('waited')
  }
  if (pathname.endsWith('/reject')) Promise.reject(new Error('forgotten by ' + pathname))
  if (pathname.endsWith('/throw')) setTimeout(() => { throw new Error('thrown by ' + pathname) })
  if (pathname.endsWith('/answered')) setTimeout(() => { throw new Error('thrown late') }, 1)
  if (pathname.endsWith('/answered')) return new Response('answered')
  await new Promise((resolve) => setTimeout(resolve, 10_000))
  return new Response('too late')
}
`
const POLLUTED = `
export default (request) => {
  if (new URL(request.url).pathname.endsWith('/pollute')) Object.prototype.get = () => 'polluted'
  return Response.json({ pid: process.pid, type: request.headers.get('x-type') })
}
`
const NODE_POLLUTED = `
module.exports = (req, res) => {
  if (req.url.endsWith('/pollute')) Object.prototype.get = () => 'polluted'
  res.setHeader('x-pid', process.pid)
  res.end('fine')
}
`

const FAILS = `
export default (request) => {
  if (new URL(request.url).pathname.endsWith('/line')) {
    console.log('x'.repeat(20_000) + ' whole')
    return new Response('said')
  }
  const cause = Object.assign(new Error('the disk is full'), { code: 'ENOSPC' })
  const errors = [new Error('first member'), new Error('second member')]
  throw Object.assign(new AggregateError(errors, 'cannot save', { cause }), { code: 'ESAVE', order: { id: 7 } })
}
`
const LENGTHS = `
import { gzipSync } from 'node:zlib'
const LONG = 'ä'.repeat(200_000)
const gzip = { 'content-encoding': 'gzip', 'content-length': '7', 'x-other': 'stays' }
const ANSWERS = {
  blob: () => new Response(new Blob([LONG], { type: 'text/x-blob' })),
  form: () => new Response(new URLSearchParams({ a: '1', b: 'ä' })),
  long: () => new Response(LONG),
  copied: () => new Response('longer than before', { headers: { 'content-length': '7' } }),
  set: () => { const response = new Response('hello'); response.headers.set('content-length', '99'); return response },
  'gzip-text': () => new Response('decoded', { headers: gzip }),
  'gzip-decoded': () => new Response(new TextEncoder().encode('decoded bytes'), { headers: gzip }),
  'gzip-coded': () => new Response(gzipSync('coded'), { headers: gzip }),
}
export default (request) => ANSWERS[new URL(request.url).pathname.split('/').at(-1)]()
`

const gateway = shareGateway({
  functions: {
    contexts: `${CONTEXTS}\nexport default async (request) => Response.json(await seen(request.url))`,
    'node-contexts': {
      'index.mjs': `${CONTEXTS}\nexport default async (req, res) => res.end(JSON.stringify(await seen(req.url)))`,
      'function.json': '{"format":"node"}',
    },
    'lambda-contexts': `${CONTEXTS}\nexport const handler = async (event) => seen(event.rawPath)`,
    'task-contexts': {
      'index.mjs': `${CONTEXTS}\nexport default async (input) => seen(input)`,
      'function.json': '{"format":"task"}',
    },
    fails: FAILS,
    'writes-on': {
      'index.cjs': `let seen = []
module.exports = (req, res) => {
  if (req.url.endsWith('/seen')) return res.end(JSON.stringify(seen))
  for (const name of ['finish', 'error', 'close']) res.on(name, (error) => seen.push(error?.code ?? name))
  res.end('done')
  res.write('more')
}`,
      'function.json': '{"format":"node"}',
    },
    'listens-on': {
      'index.cjs': `let read = null
module.exports = (req, res) => {
  if (req.url.endsWith('/seen')) return res.end(JSON.stringify(read))
  req.on('data', () => {}).on('end', () => (read = 'end')).on('error', (error) => (read = error.message))
  res.writeHead(202).end('taken')
}`,
      'function.json': '{"format":"node"}',
    },
    cleans: `
import { writeFileSync } from 'node:fs'
process.on('SIGTERM', async () => {
  await new Promise((resolve) => setTimeout(resolve, 1500))
  console.log('cleaned up')
})
export default () => new Response(String(process.pid))`,
    'py-cleans': {
      'index.py': `import signal
signal.signal(signal.SIGTERM, lambda *_: print('cleaned up in Python', flush=True))
def app(environ, start_response):
    start_response('200 OK', [])
    return [b'x']
`,
    },
    'hangs-loading': 'await new Promise((resolve) => setTimeout(resolve, 60_000))\nexport default () => new Response()',
    lengths: LENGTHS,
    wsgi: {
      'index.py': `import contextvars
seen = contextvars.ContextVar('seen', default=None)
def app(environ, start_response):
    before = seen.get()
    seen.set(environ['PATH_INFO'])
    start_response('200 OK', [])
    return [str(before).encode()]
`,
    },
    asgi: {
      'index.py': `rest = None
async def app(scope, receive, send):
    global rest
    if scope['path'].endswith('/seen'):
        await send({'type': 'http.response.start', 'status': 200, 'headers': []})
        return await send({'type': 'http.response.body', 'body': str(rest).encode()})
    await send({'type': 'http.response.start', 'status': 202, 'headers': []})
    await send({'type': 'http.response.body', 'body': b'taken'})
    message = await receive()
    while message.get('more_body'):
        message = await receive()
    rest = message['type']
`,
    },
    'reads-on': READS_ON,
    forgets: FORGETS,
    polluted: { 'index.mjs': POLLUTED },
    'node-polluted': { 'index.cjs': NODE_POLLUTED },
  },
  config: {
    defaults: { maxWorkers: 1, concurrency: 100 },
    overrides: { cleans: { maxInvocations: 1, concurrency: 1 }, 'py-cleans': { maxInvocations: 1, concurrency: 1 } },
    limits: { body: '1MiB' },
  },
})

/** So many requests to one path, sent in one write on one connection each. */
async function manyAtOnce(path: string, count: number): Promise<{ before: unknown; after: unknown }[]> {
  await gateway().request(path, { method: 'POST', body: '"first"' })
  const all = Array.from({ length: count }, async (_, at) => {
    const response = await gateway().request(`${path}/${at}`, { method: 'POST', body: JSON.stringify(`${at}`) })
    return JSON.parse(String(await bytesOf(response))) as { before: unknown; after: unknown }
  })
  return Promise.all(all)
}

test.each(['contexts', 'node-contexts', 'lambda-contexts', 'task-contexts'])(
  'A3: every call of %s starts in a fresh async context and keeps its own',
  async (name) => {
    const seen = await manyAtOnce(`/${name}`, 32)
    expect(seen.map(({ before }) => before)).toEqual(seen.map(() => null))
    expect(new Set(seen.map(({ after }) => after)).size).toBe(seen.length)
  },
)

test("A3: two requests that come in one read do not see each other's stores", async () => {
  const requests = ['', 'connection: close\r\n'].map((more) => `GET /contexts HTTP/1.1\r\nhost: h\r\n${more}\r\n`)
  const text = await gateway().raw(requests.join(''))
  expect(text.match(/"before":null/g)).toHaveLength(2)
})

async function seenBy(name: string): Promise<unknown> {
  const response = await gateway().request('/reads-on/seen', { headers: { 'x-name': name } })
  return JSON.parse(String(await bytesOf(response)))
}

async function eventuallySeen(name: string): Promise<unknown> {
  let seen: unknown = null
  await eventually(async () => {
    seen = await seenBy(name)
    return seen !== null
  })
  return seen
}

test.each([
  ['content-length', 300 * 1024, {}],
  ['chunked', 300 * 1024, { 'transfer-encoding': 'chunked' }],
  ['chunked', 10, { 'transfer-encoding': 'chunked' }],
])('A2: a body (%s, %i bytes) that is read on after the answer arrives', async (framing, bytes, headers) => {
  const name = `${framing}-${bytes}`
  const response = await gateway().request('/reads-on', {
    method: 'POST',
    body: Buffer.alloc(bytes, 'a'),
    headers: { ...headers, 'x-name': name },
  })
  expect(response.statusCode).toBe(202)
  expect(await eventuallySeen(name)).toEqual({ byteLength: bytes })
})

/** A POST of which only the beginning is sent until it is answered. */
async function answeredEarly(name: string, sent: number): Promise<ReturnType<typeof connect>> {
  const { hostname, port } = new URL(gateway().address)
  const socket = connect(Number(port), hostname)
  socket.write(
    `POST /reads-on HTTP/1.1\r\nhost: h\r\nx-name: ${name}\r\ntransfer-encoding: chunked\r\n\r\n${sent.toString(16)}\r\n${'a'.repeat(sent)}\r\n`,
  )
  const [answer] = await once(socket, 'data')
  expect(String(answer)).toContain('202 Accepted')
  return socket
}

test('A2: the rest of a body that comes after the answer arrives, and the connection takes the next request', async () => {
  const socket = await answeredEarly('late', 10)
  socket.write('5\r\nbbbbb\r\n0\r\n\r\nGET /reads-on/seen HTTP/1.1\r\nhost: h\r\nx-name: none\r\n\r\n')
  const [answer] = await once(socket, 'data')
  expect(String(answer)).toContain('200 OK')
  expect(await eventuallySeen('late')).toEqual({ byteLength: 15 })
  socket.destroy()
})

test('A2: reading on rejects when the caller leaves before the body is whole', async () => {
  const socket = await answeredEarly('left', 10)
  socket.destroy()
  expect(await eventuallySeen('left')).toMatchObject({ rejected: expect.any(String) })
})

test('A2: reading on rejects when the body becomes longer than its limit', async () => {
  const socket = await answeredEarly('long', 10)
  socket.on('error', () => {})
  for (let at = 0; at < 20; at++) socket.write(`10000\r\n${'a'.repeat(65536)}\r\n`)
  expect(await eventuallySeen('long')).toMatchObject({ rejected: expect.any(String) })
  socket.destroy()
})

async function textOf(path: string): Promise<string> {
  return String(await bytesOf(await gateway().request(path)))
}

function logged(part: string): LogEntry | undefined {
  return gateway().log.find(({ msg }) => msg.includes(part))
}

test.each([
  ['reject', 'error of invocation', 'forgotten by'],
  ['throw', 'error of invocation', 'thrown by'],
])(
  'A4: an error that nobody handles (%s) fails only its own call, and the worker is replaced',
  async (how, what, message) => {
    const pid = await textOf('/forgets/pid')
    const neighbours = Array.from({ length: 10 }, () => gateway().request('/forgets/wait'))
    await eventually(async () => (await gateway().statusOf('forgets')).workers[0]!.inFlight === 10)
    const failed = await gateway().request(`/forgets/${how}`)
    const problem = JSON.parse(String(await bytesOf(failed))) as { code: string; invocation: string }
    expect([failed.statusCode, problem.code]).toEqual([500, 'handler-threw'])
    await eventually(() => logged(`${what} ${problem.invocation}`) !== undefined)
    expect(logged(message)).toBeDefined()
    // It takes nothing new: whoever comes now waits for its replacement, since there may be one worker only.
    const next = textOf('/forgets/pid')
    await eventually(async () => (await gateway().statusOf('forgets')).workers[0]!.state === 'draining')
    process.kill(Number(pid), 'SIGUSR2')
    const answers = await Promise.all(neighbours.map(async (one) => (await one).statusCode))
    expect(answers).toEqual(neighbours.map(() => 200))
    expect(await next).not.toBe(pid)
  },
)

test('A4: an exception after the answer is logged with its invocation', async () => {
  const response = await gateway().request('/forgets/answered')
  expect(response.statusCode).toBe(200)
  await eventually(() => logged(`error of invocation ${String(response.headers['x-request-id'])}`) !== undefined)
})

test.each(['polluted', 'node-polluted'])(
  'E8: a worker in which the runtime itself fails (%s) is replaced',
  async (name) => {
    await gateway().request(`/${name}/pollute`)
    await eventually(async () => (await gateway().request(`/${name}`)).statusCode === 200)
  },
)

test.each([
  ['blob', 400_000],
  ['form', 12],
  ['long', 400_000],
  ['copied', 18],
  ['set', 5],
])('B: a whole body (%s) has its own content-length, the same for GET and HEAD', async (name, bytes) => {
  const got = await gateway().request(`/lengths/${name}`)
  const head = await gateway().request(`/lengths/${name}`, { method: 'HEAD' })
  expect(await bytesOf(got)).toHaveLength(bytes)
  expect([got.statusCode, got.headers['content-length']]).toEqual([200, String(bytes)])
  expect([head.statusCode, head.headers['content-length']]).toEqual([200, String(bytes)])
  expect(head.headers['content-type']).toBe(got.headers['content-type'])
})

test.each([
  ['gzip-text', undefined, 'decoded'],
  ['gzip-decoded', undefined, 'decoded bytes'],
  ['gzip-coded', 'gzip', 'coded'],
])('B: a copied content-encoding goes on only with a body that has it (%s)', async (name, coding, text) => {
  const response = await gateway().request(`/lengths/${name}`)
  expect([response.statusCode, response.headers['content-encoding'], response.headers['x-other']]).toEqual([
    200,
    coding,
    'stays',
  ])
  const bytes = await bytesOf(response)
  expect(String(coding === undefined ? bytes : gunzipSync(bytes))).toBe(text)
})

test('A3: a context variable that a call of a Python handler sets is not seen by the next', async () => {
  expect([await textOf('/wsgi/1'), await textOf('/wsgi/2')]).toEqual(['None', 'None'])
})

test('A2: an ASGI app that reads on after its answer hears of the end', async () => {
  await gateway().request('/asgi', {
    method: 'POST',
    body: Buffer.alloc(300 * 1024, 'a'),
    headers: { 'transfer-encoding': 'chunked' },
  })
  await eventually(async () => (await textOf('/asgi/seen')) === 'http.disconnect')
})

test('C: the log of an error has its code, its own fields, its cause and its members', async () => {
  await gateway().request('/fails')
  const { stack } = await gateway().logged(({ msg }) => msg.includes('cannot save'))
  for (const part of [/code: ESAVE/, /order: {"id":7}/, /\[cause\]: .*the disk is full/, /code: ENOSPC/])
    expect(stack).toMatch(part)
  expect(stack).toMatch(/\[errors 0\]: .*first member[\s\S]*\[errors 1\]: .*second member/)
})

test('C: a log line of 20,000 characters is whole', async () => {
  await textOf('/fails/line')
  await gateway().logged(({ msg }) => msg.length > 20_000 && msg.endsWith(' whole'))
})

test('B: a write after the end of a (req, res) function emits its error, as in Node', async () => {
  expect(await textOf('/writes-on')).toBe('done')
  await eventually(async () => (await textOf('/writes-on/seen')).includes('close'))
  expect(JSON.parse(await textOf('/writes-on/seen'))).toEqual(['finish', 'ERR_STREAM_WRITE_AFTER_END', 'close'])
})

test('A2: a (req, res) function whose request is not read on after the answer hears of that as an error', async () => {
  const body = Buffer.alloc(300 * 1024, 'a')
  const response = await gateway().request('/listens-on', { method: 'POST', body })
  expect(response.statusCode).toBe(202)
  await eventually(async () => (await textOf('/listens-on/seen')) !== 'null')
  expect(JSON.parse(await textOf('/listens-on/seen'))).toBe('The invocation has ended')
})

test('C: listeners for SIGTERM finish their clean-up before a worker goes', async () => {
  await Promise.all([textOf('/cleans'), textOf('/py-cleans')])
  await gateway().logged(({ msg }) => msg === 'cleaned up')
  await gateway().logged(({ msg }) => msg === 'cleaned up in Python')
})

test('E8: SIGTERM from outside during loading is not called a failed load of the function', async () => {
  const leaves = new AbortController()
  const call = gateway().fetch('/hangs-loading', { signal: leaves.signal })
  const { workers } = await gateway().waitForFunction('hangs-loading', (one) => one.workers[0]?.state === 'loading')
  process.kill(workers[0]!.pid, 'SIGTERM')
  await gateway().logged(({ msg }) => msg.includes('crash during loading (signal SIGTERM)'))
  const { deaths, unavailable } = await gateway().statusOf('hangs-loading')
  expect([deaths, unavailable]).toEqual([{ crash: 1 }, null])
  leaves.abort()
  await expect(call).rejects.toThrow()
})
