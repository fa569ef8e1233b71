/** Callers who send or take slowly, stop, or send on where nobody listens any more: what they get, and that it ends. */
import { expect, it } from 'vitest'
import type { Exchange } from '../../../../gateway/http/server/exchange.ts'
import { GET, hears, LARGE, ownerWith, restOf, type Served, say, serve } from './served.ts'

const POST = 'POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n'
const LAST = 'GET /last HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n'

/** An answer that the caller refuses the rest of its body with. */
function refuse(exchange: Exchange): void {
  exchange.refuseRest()
  say(LARGE)(exchange)
}

/** Resolves when this server has cut off a connection on which nothing came: by then its time is up for others too. */
async function untilIdleOnesAreCut(served: Served): Promise<void> {
  for (let times = 0; times < 3; times++) {
    const idle = await served.connect()
    await idle.send('GET /small HTTP/1.1\r\nhost: h\r\n\r\n').response()
    await idle.rest()
  }
}

it('does not take a caller for idle who has not taken its answer yet', async () => {
  const served = await serve((exchange) => say(exchange.url === '/small' ? 'x' : LARGE)(exchange), {
    keepAliveTimeoutMs: 100,
  })
  const caller = await served.connectStill()
  caller.write(GET)
  await untilIdleOnesAreCut(served)
  expect(await restOf(caller)).toBeGreaterThan(LARGE.length)
})

it('lets a caller take its last answer as slowly as any other', async () => {
  const served = await serve((exchange) => (exchange.url === '/small' ? say('x') : refuse)(exchange), {
    keepAliveTimeoutMs: 100,
  })
  const caller = await served.connectStill()
  caller.write(POST)
  await untilIdleOnesAreCut(served)
  // One that keeps its side open after its last answer is cut off in the end.
  const lazy = await served.connectStill()
  lazy.write(LAST.replace('/last', '/small'))
  expect(await restOf(lazy)).toBeGreaterThan(0)
  const busy = setInterval(() => lazy.write('x'), 10)
  await hears(lazy, 'close')
  clearInterval(busy)
  expect(await restOf(caller)).toBeGreaterThan(LARGE.length)
})

it('gives a last answer whole to a caller who sends further requests behind it', async () => {
  const { seen, connectStill } = await serve(say(LARGE))
  const caller = await connectStill()
  let bytes = 0
  caller.on('data', (chunk) => {
    bytes += chunk.length
    caller.write(GET)
  })
  caller.write(LAST)
  caller.resume()
  await hears(caller, 'end', 'close')
  expect(bytes).toBeGreaterThan(LARGE.length)
  expect(seen.length).toBe(1)
  caller.destroy()
})

it.each([
  ['in the same piece', (refused: Exchange) => refuse(refused)],
  ['when it was answered as if others would follow', (refused: Exchange) => say(LARGE)(refused)],
])('keeps an answer that a chunk comes behind which is none: %s', async (_name, answer) => {
  const { seen, connectStill } = await serve((exchange) => {
    exchange.owner = ownerWith({ onBody: () => exchange.isEnded || answer(exchange) })
  })
  const caller = await connectStill()
  caller.write(`${POST}3\r\nabc\r\nno chunk\r\n`)
  await expect.poll(() => seen.length).toBe(1)
  expect(await restOf(caller)).toBeGreaterThan(LARGE.length)
})

it('keeps the answers before a body that turns out to be none, and its own', async () => {
  const { seen, connect } = await serve((exchange) => {
    if (exchange.url === '/second') say('second')(exchange)
  })
  const connection = await connect()
  connection.send(`${GET}${POST.replace('/', '/second')}3\r\nabc\r\nno chunk\r\n${GET}`)
  await expect.poll(() => seen.length).toBe(2)
  say('first')(seen[0]!)
  expect((await connection.response()).body).toBe('first')
  expect((await connection.response()).body).toBe('second')
  expect(await connection.rest()).toBe('')
  expect(seen.length).toBe(2)
})

it.each([
  ['stalls', ''],
  ['trickles on for ever', '1\r\na\r\n'],
])('closes a connection whose body %s after it was answered', async (_name, more) => {
  const { connect } = await serve(say('early'), { bodyTimeoutMs: 200 })
  const connection = await connect()
  connection.send(`${POST}3\r\nabc\r\n`)
  expect(await connection.response()).toMatchObject({ body: 'early', headers: { connection: 'keep-alive' } })
  const busy = setInterval(() => connection.send(more), 10)
  expect(await connection.rest()).toBe('')
  clearInterval(busy)
})

it('cuts off a caller who takes nothing of what is sent to it, and tells who sends it', async () => {
  const closed = Promise.withResolvers<void>()
  const { seen, connectStill } = await serve(
    (exchange) => {
      exchange.owner = ownerWith({ onClosed: closed.resolve })
      exchange.begin(200, '', null)
      exchange.write(LARGE)
    },
    { writeTimeoutMs: 200 },
  )
  const caller = await connectStill()
  caller.write(GET)
  await closed.promise
  expect(seen[0]!.isEnded).toBe(false)
  expect(await restOf(caller)).toBeLessThan(LARGE.length)
})

it('cuts off a caller who takes nothing of an answer that is whole, its last one too', async () => {
  const { server, connectStill } = await serve(say(LARGE), { writeTimeoutMs: 200 })
  for (const request of [GET, LAST]) (await connectStill()).write(request)
  server.beginClosing()
  await server.closeIdle()
})

it('cuts off a head that comes byte by byte behind another request, and answers both', async () => {
  const { seen, connect } = await serve(() => {}, { headersTimeoutMs: 300 })
  const connection = await connect()
  connection.send(`${GET}GET /`)
  const busy = setInterval(() => connection.send('x'), 10)
  await expect.poll(() => seen.length).toBe(1)
  const cut = await connect()
  expect(await cut.rest()).toBe('')
  say('first')(seen[0]!)
  expect((await connection.response()).body).toBe('first')
  expect(await connection.response()).toMatchObject({ status: 400, body: 'request-timeout' })
  clearInterval(busy)
  connection.close()
})

it('takes empty lines for no beginning of a request', async () => {
  const served = await serve((exchange) => exchange.url === '/small' && say('x')(exchange), {
    headersTimeoutMs: 200,
    keepAliveTimeoutMs: 200,
  })
  const { seen } = served
  const connection = await served.connect()
  connection.send(`${GET}\r`)
  await expect.poll(() => seen.length).toBe(1)
  connection.send('\n')
  await untilIdleOnesAreCut(served)
  say('late')(seen[0]!)
  expect((await connection.response()).body).toBe('late')
  const busy = setInterval(() => connection.send('\r\n'), 10)
  expect(await connection.rest()).toBe('')
  clearInterval(busy)
})

it('closes without waiting for what is left of an answered body, and not before an answer is taken', async () => {
  const { seen, server, connect, connectStill } = await serve((exchange) =>
    say(exchange.isBodyComplete ? LARGE : 'early')(exchange),
  )
  const uploads = await connect()
  expect((await uploads.send(`${POST}3\r\nabc\r\n`).response()).body).toBe('early')
  const slow = await connectStill()
  slow.write(GET)
  await expect.poll(() => seen.length).toBe(2)
  server.beginClosing()
  const closed = server.closeIdle()
  expect(await uploads.rest()).toBe('')
  expect(await restOf(slow)).toBeGreaterThan(LARGE.length)
  slow.end()
  await closed
})

it('cuts off an upload that trickles on for ever, and not one that comes at the rate', async () => {
  const late = Promise.withResolvers<string>()
  const { seen, connect } = await serve(
    (exchange) => {
      const onBodyBroken = (_why: string, detail: string) => late.resolve(detail)
      exchange.owner = ownerWith(
        exchange.url === '/fast' ? { onBodyEnd: () => say('whole')(exchange) } : { onBodyBroken },
      )
    },
    { bodyTimeoutMs: 300, bodyRateBytes: 2000 },
  )
  const fast = await connect()
  fast.send('POST /fast HTTP/1.1\r\nhost: h\r\ncontent-length: 100000\r\n\r\n')
  const uploads = setInterval(() => fast.send('x'.repeat(500)), 10)
  const slow = await connect()
  slow.send(POST)
  const trickles = setInterval(() => slow.send('1\r\na\r\n'), 10)
  expect(await late.promise).toContain('2000 bytes a second')
  clearInterval(trickles)
  expect((await fast.response()).body).toBe('whole')
  clearInterval(uploads)
  expect(seen.length).toBe(2)
})
