/** What a function's time-outs count: the handler's time, a body's whole way, a stream's silence; each by itself. */
import { expect, test } from 'vitest'
import { shareGateway } from './gateway-under-test.ts'
import { eventually } from './processes.ts'

const TRANSFERS = `
const encoder = new TextEncoder()
let later = 'nothing'
const ticks = (headers) => {
  let left = 12
  let timer
  const start = (controller) => {
    timer = setInterval(() => {
      controller.enqueue(encoder.encode('.'))
      if (--left > 0) return
      clearInterval(timer)
      controller.close()
    }, 50)
  }
  return new Response(new ReadableStream({ start, cancel: () => clearInterval(timer) }), { headers })
}
export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url)
    if (pathname === '/pid') return new Response(String(process.pid))
    if (pathname === '/hangs') return new Promise(() => {})
    if (pathname === '/ticks') return ticks({})
    if (pathname === '/events') return ticks({ 'content-type': 'text/event-stream' })
    if (pathname === '/later') {
      ctx.waitUntil(request.arrayBuffer().then((body) => { later = String(body.byteLength) }))
      return new Response('accepted')
    }
    if (pathname === '/what-came-later') return new Response(later)
    const body = await request.arrayBuffer()
    if (pathname === '/hangs-after') return new Promise(() => {})
    return new Response(String(body.byteLength))
  },
}
`

const WSGI = `
import time

def app(environ, start_response):
    if environ['PATH_INFO'] == '/ticks':
        start_response('200 OK', [('content-type', 'text/csv')])
        return ticks()
    body = environ['wsgi.input'].read()
    start_response('200 OK', [('content-type', 'text/plain')])
    return [str(len(body)).encode()]

def ticks():
    for _ in range(12):
        time.sleep(0.05)
        yield b'.'
`
const ASGI = `
import asyncio

async def app(scope, receive, send):
    if scope['type'] != 'http':
        return
    await (ticks(send) if scope['path'].endswith('/ticks') else read(receive, send))

async def read(receive, send):
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get('body', b''))
        more = message.get('more_body', False)
    await send({'type': 'http.response.start', 'status': 200, 'headers': []})
    await send({'type': 'http.response.body', 'body': str(length).encode()})

async def ticks(send):
    await send({'type': 'http.response.start', 'status': 200, 'headers': []})
    for left in range(11, -1, -1):
        await asyncio.sleep(0.05)
        await send({'type': 'http.response.body', 'body': b'.', 'more_body': left > 0})
`
const NODE_APP = `
import { createServer } from 'node:http'
const app = (request, response) => {
  if (request.url.endsWith('/ticks')) {
    let left = 12
    const timer = setInterval(() => {
      response.write('.')
      if (--left > 0) return
      clearInterval(timer)
      response.end()
    }, 50)
    return
  }
  let length = 0
  request.on('data', (piece) => (length += piece.length))
  request.on('end', () => response.end(String(length)))
}
`
const OTHERS = {
  wsgi: { 'main.py': WSGI, 'function.json': '{"runtime":"python","handler":"main:app"}' },
  asgi: { 'main.py': ASGI, 'function.json': '{"runtime":"python","handler":"main:app"}' },
  'node-app': { 'index.mjs': `${NODE_APP}\nexport default app`, 'function.json': '{"format":"node"}' },
  program: {
    'main.mjs': `${NODE_APP}\ncreateServer(app).listen(process.env.SOCKET)`,
    'function.json': JSON.stringify({ runtime: 'http', command: [process.execPath, 'main.mjs'] }),
  },
}

const shared = shareGateway({
  functions: { transfers: TRANSFERS, brief: TRANSFERS, clock: TRANSFERS, ...OTHERS },
  config: {
    overrides: {
      ...Object.fromEntries(Object.keys(OTHERS).map((name) => [name, { timeout: '250ms' }])),
      transfers: { timeout: '250ms', maxWorkers: 1 },
      brief: { timeout: '10s', streamTimeout: '250ms', maxWorkers: 1 },
      clock: { timeout: '250ms' },
    },
  },
})

/** Resolves when a time-out of 250 ms that began after this call is over. */
async function aTimeoutIsOver(): Promise<void> {
  expect((await shared().fetch('/clock/hangs')).status).toBe(504)
}

const head = (path: string): string =>
  `POST ${path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-length: 200000\r\n\r\n`
const PIECE = 'x'.repeat(50_000)

const ALL = ['transfers', ...Object.keys(OTHERS)]

test.each(ALL)(
  'a slow but steady upload goes on beyond timeout, which counts from its last piece: %s',
  async (name) => {
    const connection = await shared().connect()
    connection.send(head(`/${name}/read`))
    for (let piece = 0; piece < 4; piece++) {
      await aTimeoutIsOver()
      connection.send(PIECE)
    }
    expect(await connection.response()).toMatchObject({ status: 200, body: '200000' })
  },
)

test('timeout ends a handler that does not answer after its body has come', async () => {
  const connection = await shared().connect()
  connection.send(head('/transfers/hangs-after') + PIECE.repeat(4))
  const { status, body } = await connection.response()
  expect([status, JSON.parse(body).code]).toEqual([504, 'timeout'])
})

test.each(ALL)('a slow but steady download goes on beyond timeout: %s', async (name) => {
  expect(await (await shared().fetch(`/${name}/ticks`)).text()).toBe('............')
})

test('streamTimeout ends an upload that is not whole by then, and its worker goes on', async () => {
  const pid = await (await shared().fetch('/brief/pid')).text()
  const connection = await shared().connect()
  connection.send(head('/brief/read') + PIECE)
  const { status, body } = await connection.response()
  expect([status, JSON.parse(body)]).toMatchObject([504, { code: 'stream-timeout' }])
  expect(JSON.parse(body).detail).toContain("request's body was not whole within 250 ms (streamTimeout)")
  connection.close()
  expect(await (await shared().fetch('/brief/pid')).text()).toBe(pid)
})

test('streamTimeout cuts a response that is not whole by then, and its worker goes on', async () => {
  const pid = await (await shared().fetch('/brief/pid')).text()
  const response = await shared().fetch('/brief/ticks')
  await expect(response.text()).rejects.toThrow()
  await eventually(() =>
    shared().log.some(({ code, msg }) => code === 'stream-timeout' || msg.includes('streamTimeout')),
  )
  expect(await (await shared().fetch('/brief/pid')).text()).toBe(pid)
})

test('server-sent events go on beyond timeout and streamTimeout', async () => {
  expect(await (await shared().fetch('/brief/events')).text()).toBe('............')
  expect(await (await shared().fetch('/transfers/events')).text()).toBe('............')
})

test('a slow but steady upload that is read on after the answer goes on beyond timeout', async () => {
  const connection = await shared().connect()
  connection.send(head('/transfers/later').replace('connection: close\r\n', ''))
  expect((await connection.response()).body).toBe('accepted')
  for (let piece = 0; piece < 4; piece++) {
    await aTimeoutIsOver()
    connection.send(PIECE)
  }
  await eventually(async () => (await (await shared().fetch('/transfers/what-came-later')).text()) === '200000')
  connection.close()
})
