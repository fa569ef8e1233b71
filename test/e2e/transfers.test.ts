/** What a function's time-outs count: the handler's time, a body's whole way, a stream's silence; each by itself. */
import { expect, test } from 'vitest'
import { shareGateway } from './gateway-under-test.ts'
import { eventually } from './processes.ts'

const TRANSFERS = `
const encoder = new TextEncoder()
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
  async fetch(request) {
    const { pathname } = new URL(request.url)
    if (pathname === '/pid') return new Response(String(process.pid))
    if (pathname === '/hangs') return new Promise(() => {})
    if (pathname === '/ticks') return ticks({})
    if (pathname === '/events') return ticks({ 'content-type': 'text/event-stream' })
    const body = await request.arrayBuffer()
    if (pathname === '/hangs-after') return new Promise(() => {})
    return new Response(String(body.byteLength))
  },
}
`

const shared = shareGateway({
  functions: { transfers: TRANSFERS, brief: TRANSFERS, clock: TRANSFERS },
  config: {
    overrides: {
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

test('a slow but steady upload goes on beyond timeout, which counts from its last piece', async () => {
  const connection = await shared().connect()
  connection.send(head('/transfers/read'))
  for (let piece = 0; piece < 4; piece++) {
    await aTimeoutIsOver()
    connection.send(PIECE)
  }
  expect(await connection.response()).toMatchObject({ status: 200, body: '200000' })
})

test('timeout ends a handler that does not answer after its body has come', async () => {
  const connection = await shared().connect()
  connection.send(head('/transfers/hangs-after') + PIECE.repeat(4))
  const { status, body } = await connection.response()
  expect([status, JSON.parse(body).code]).toEqual([504, 'timeout'])
})

test('a slow but steady download goes on beyond timeout', async () => {
  expect(await (await shared().fetch('/transfers/ticks')).text()).toBe('............')
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
