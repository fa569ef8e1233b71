import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setImmediate as setImmediateNow } from 'node:timers'
import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Exchange } from '../../../../gateway/http/server/exchange.ts'
import { RawConnection } from '../../../e2e/raw-connection.ts'
import { GET, ownerWith, restOf, say, serve } from './served.ts'

/** Gathers the body and gives it back. */
function echo(exchange: Exchange): void {
  const chunks: Buffer[] = []
  const finish = () => {
    const body = Buffer.concat(chunks)
    exchange.sendWhole(200, '', body.length, body)
  }
  exchange.owner = {
    onBody: (chunk) => void chunks.push(chunk),
    onBodyEnd: finish,
    onBodyBroken: (kind) => exchange.sendWhole(400, '', kind.length, Buffer.from(kind)),
    onDrain() {},
    onGivenUp: () => 'cut',
    onClosed() {},
  }
  if (exchange.isBodyComplete) finish()
}

it('understands requests that come byte by byte as it does whole ones', async () => {
  const { connect } = await serve(echo)
  const connection = await connect()
  const requests = [
    '\r\nPOST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nfirst',
    'POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n3\r\nsec\r\n3;x\r\nond\r\n0\r\na: b\r\n\r\n',
    'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nthird',
  ]
  for (const byte of requests.join('')) {
    connection.send(byte)
    await setImmediate()
  }
  const bodies = [await connection.response(), await connection.response(), await connection.response()]
  expect(bodies.map(({ status, body }) => [status, body])).toEqual([
    [200, 'first'],
    [200, 'second'],
    [200, 'third'],
  ])
  connection.close()
})

it('RFC 9112, 9.3: says how long a connection is kept, so that no client sends on one that is about to close', async () => {
  for (const [keepAliveTimeoutMs, seconds] of [
    [300, 1],
    [65_900, 65],
  ]) {
    const { connect } = await serve(say('ok'), { keepAliveTimeoutMs: keepAliveTimeoutMs! })
    const connection = await connect()
    expect((await connection.send(GET).response()).headers['keep-alive']).toBe(`timeout=${seconds}`)
    connection.close()
  }
})

it('takes only so many requests of one connection at a time, and answers all of them in their order', async () => {
  const { seen, connect } = await serve(() => {})
  const connection = await connect()
  connection.send(GET.repeat(100))
  await expect.poll(() => seen.length).toBe(32)
  // The last first: nothing may overtake.
  for (let answered = 0; answered < 100; ) {
    const open = seen.filter((exchange) => !exchange.isEnded).reverse()
    for (const exchange of open) say(String(seen.indexOf(exchange)))(exchange)
    answered += open.length
    await expect.poll(() => seen.length).toBeGreaterThanOrEqual(Math.min(100, answered + 1))
  }
  const answers: string[] = []
  for (let at = 0; at < 100; at++) answers.push((await connection.response()).body)
  expect(answers).toEqual(Array.from({ length: 100 }, (_, at) => String(at)))
  connection.close()
})

it('cuts off a caller whose head never ends, however busily it sends', async () => {
  const { connect } = await serve(say('x'), { headersTimeoutMs: 300 })
  const connection = await connect()
  connection.send('GET / HTTP/1.1\r\nhost: h\r\n')
  const busy = setInterval(() => connection.send('a: b\r\n'), 10)
  expect(await connection.rest()).toMatch(/^HTTP\/1\.1 400 [\s\S]*connection: close[\s\S]*request-timeout$/)
  clearInterval(busy)
})

it('makes no socket of a connection before its own', async () => {
  const { server, connect } = await serve(say('x'))
  const made: unknown[] = []
  server.net.on('connection', (socket) => made.push(socket))
  const connection = await connect()
  expect(await connection.send(GET).response()).toMatchObject({ body: 'x' })
  expect(made).toEqual([])
  connection.close()
})

it('serves what another server has accepted, socket and all', async () => {
  const { server } = await serve(echo)
  const accepting = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    server.net.emit('connection', socket)
  })
  accepting.listen(0, '127.0.0.1')
  await once(accepting, 'listening')
  const { port } = accepting.address() as AddressInfo
  const connection = await RawConnection.open(`http://127.0.0.1:${port}`)
  connection.send('POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhello')
  expect(await connection.response()).toMatchObject({ status: 200, body: 'hello' })
  connection.close()
  accepting.close()
})

it('closes a connection on which nothing ever comes', async () => {
  const { connect } = await serve(say('x'), { headersTimeoutMs: 100 })
  expect(await (await connect()).rest()).toBe('')
})

it('gives a caller its refusal although it goes on sending', async () => {
  const { connect } = await serve((exchange) => {
    exchange.refuseRest()
    say('no')(exchange)
  })
  const connection = await connect()
  connection.send('POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 8000000\r\n\r\n').send(Buffer.alloc(8_000_000))
  expect(await connection.rest()).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close\r\n\r\nno$/)
})

it('keeps an HTTP/1.0 connection only for those who ask, and ends a stream by closing it', async () => {
  const { connect } = await serve((exchange) => {
    if (exchange.url === '/whole') return say('whole')(exchange)
    exchange.begin(200, '', null)
    exchange.write(Buffer.from('in '))
    exchange.write(Buffer.from('parts'))
    exchange.end()
  })
  const connection = await connect()
  connection.send('GET /whole HTTP/1.0\r\nconnection: keep-alive\r\n\r\n')
  expect(await connection.response()).toMatchObject({ body: 'whole', headers: { connection: 'keep-alive' } })
  connection.send('GET /parts HTTP/1.0\r\nconnection: keep-alive\r\n\r\n')
  const rest = await connection.rest()
  expect(rest).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*connection: close\r\n\r\nin parts$/)
  expect(rest).not.toMatch(/transfer-encoding/i)
})

it('sends no body with a status that has none', async () => {
  const { connect } = await serve((exchange) => {
    exchange.begin(204, '', null)
    exchange.write(Buffer.from('never'))
    exchange.end()
  })
  const connection = await connect()
  connection.send(GET + GET)
  expect((await connection.response()).status).toBe(204)
  expect((await connection.response()).status).toBe(204)
  connection.close()
})

it("keeps a function's own Date, and makes one otherwise", async () => {
  const { connect } = await serve((exchange) => {
    exchange.hasDate = exchange.url === '/own'
    exchange.sendWhole(200, exchange.hasDate ? 'date: mine\r\n' : '', 0, null)
  })
  const connection = await connect()
  connection.send('GET /own HTTP/1.1\r\nhost: h\r\n\r\n')
  expect((await connection.response()).headers.date).toBe('mine')
  connection.send(GET)
  expect(Date.parse((await connection.response()).headers.date!)).toBeGreaterThan(Date.now() - 5_000)
  connection.close()
})

it('tells every exchange once that it is over: when it is answered, and when its caller leaves', async () => {
  let over = 0
  const { seen, connect } = await serve((exchange) => {
    exchange.owner = {
      onBody() {},
      onBodyEnd() {},
      onBodyBroken() {},
      onDrain() {},
      onGivenUp: () => 'cut',
      onClosed: () => void over++,
    }
  })
  // A reset: a caller that only closes its sending side may still wait for its answers.
  const connection = await connect()
  connection.send(GET.repeat(3))
  await expect.poll(() => seen.length).toBe(3)
  say('one')(seen[0]!)
  say('two')(seen[1]!)
  await connection.response()
  await connection.response()
  expect(over).toBe(2)
  connection.socket.resetAndDestroy()
  await expect.poll(() => over).toBe(3)
})

it('reads the next request after a body whose last piece paused the caller', async () => {
  const { connect } = await serve((exchange) => {
    if (exchange.isBodyComplete) return say('next')(exchange)
    exchange.owner = {
      onBody: () => exchange.pause(),
      onBodyEnd: () => say('first')(exchange),
      onBodyBroken() {},
      onDrain() {},
      onGivenUp: () => 'cut',
      onClosed() {},
    }
  })
  const connection = await connect()
  connection.send('POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\nabc')
  expect((await connection.response()).body).toBe('first')
  expect((await connection.send(GET).response()).body).toBe('next')
  connection.close()
})

it('takes no further requests of a caller that does not take its answers, and all of them once it does', async () => {
  const answer = Buffer.alloc(1024 * 1024, 'x').toString()
  const { seen, connect } = await serve(say(answer))
  const connection = await connect()
  connection.socket.pause()
  connection.send(GET.repeat(60))
  await expect.poll(() => seen.length).toBeGreaterThan(0)
  const other = await connect()
  // Answered after the first was read as far as it is going to be.
  await other.send(GET).response()
  expect(seen.length).toBeLessThan(32)
  connection.socket.resume()
  for (let at = 0; at < 60; at++) expect((await connection.response()).body.length).toBe(answer.length)
  connection.close()
  other.close()
})

it('executes nothing behind an answer that turned out to be the last', async () => {
  const { seen, connect } = await serve((exchange) => {
    exchange.begin(200, '', null)
    exchange.write(Buffer.from('to the end'))
    exchange.end()
  })
  const connection = await connect()
  connection.send(`GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n${GET}`)
  expect(await connection.rest()).toMatch(/\r\n\r\nto the end$/)
  expect(seen.length).toBe(1)
})

it('says that a 205 has no body', async () => {
  const { connect } = await serve((exchange) => exchange.sendWhole(205, '', null, null))
  const connection = await connect()
  expect(await connection.send(GET).response()).toMatchObject({ status: 205, headers: { 'content-length': '0' } })
  connection.close()
})

it('RFC 9112, 9.6: answers all requests of a caller that has closed its sending side', async () => {
  const ends: (() => void)[] = []
  const { seen, connect } = await serve((exchange) => ends.push(() => say(String(ends.length))(exchange)))
  const connection = await connect()
  connection.send(GET.repeat(100))
  connection.socket.end()
  for (let answered = 0; answered < 100; ) {
    await expect.poll(() => seen.length).toBeGreaterThan(answered)
    const batch = ends.slice(answered)
    for (const answer of batch) answer()
    answered += batch.length
  }
  for (let at = 0; at < 100; at++) expect((await connection.response()).status).toBe(200)
  expect(await connection.rest()).toBe('')
})

it('RFC 9112, 9.6: sends a caller that has closed its sending side the whole of an answer that had begun', async () => {
  const begun: Exchange[] = []
  const { server, connect } = await serve(
    (exchange) => {
      exchange.begin(200, '', null)
      begun.push(exchange)
    },
    { halfCloseTimeoutMs: 300 },
  )
  const connection = await connect()
  await connection.send(GET).until('\r\n\r\n')
  connection.socket.end()
  // Another caller that sends nothing more and is sent nothing is taken for gone: by then the first has had its time, too.
  const silent = await connect()
  silent.send(GET).socket.end()
  const writing = setInterval(() => begun[0]!.write(Buffer.from('x')), 20)
  expect(await silent.rest()).toMatch(/^HTTP\/1\.1 200 OK/)
  clearInterval(writing)
  await expect.poll(() => server.counts.open).toBe(1)
  begun[0]!.end()
  expect(await connection.rest()).toMatch(/0\r\n\r\n$/)
})

it('takes a caller for gone that has closed its sending side and is sent nothing for halfCloseTimeout', async () => {
  const isOver = Promise.withResolvers<void>()
  const { connect } = await serve(
    (exchange) => {
      exchange.owner = ownerWith({ onClosed: isOver.resolve })
    },
    { halfCloseTimeoutMs: 100 },
  )
  const connection = await connect()
  connection.send(GET).socket.end()
  await isOver.promise
  expect(await connection.rest()).toBe('')
})

it('RFC 9112, 8: refuses a body whose caller closes its sending side before it is whole', async () => {
  const broken: string[] = []
  const { connect } = await serve((exchange) => {
    exchange.owner = ownerWith({
      onBodyBroken: (kind) => {
        broken.push(kind)
        say('cut')(exchange)
      },
    })
  })
  const connection = await connect()
  connection.send('POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nabc').socket.end()
  expect(await connection.rest()).toMatch(/connection: close[\s\S]*cut$/)
  expect(broken).toEqual(['malformed'])
})

it('tells each of a hundred callers that there is no place for it, also where none of them closes its side', async () => {
  const { seen, server, connect, connectStill } = await serve(() => {}, { connections: 1 })
  const held = await connect()
  held.send(GET)
  await expect.poll(() => seen.length).toBe(1)
  const refused = await Promise.all(Array.from({ length: 100 }, () => connectStill()))
  for (const socket of refused) socket.write(GET)
  const bytes = await Promise.all(refused.map((socket) => restOf(socket)))
  expect(bytes.filter((length) => length === 0)).toEqual([])
  expect(server.counts).toEqual({ open: 1, max: 1, turnedAway: 100 })
  held.close()
  for (const socket of refused) socket.destroy()
})

it('begins no more than some hundred pipelined requests in one turn, whoever sends them, and answers all in the end', async () => {
  const answeredAtTurn: number[] = []
  let turn = 0
  const count = () => {
    turn++
    if (answeredAtTurn.length < 6_000) setImmediateNow(count)
  }
  const { connect } = await serve((exchange) => {
    answeredAtTurn.push(turn)
    say('ok')(exchange)
  })
  const connections = await Promise.all(Array.from({ length: 4 }, connect))
  count()
  for (const connection of connections)
    connection.send(`${GET.repeat(1_499)}GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n`)
  const texts = await Promise.all(connections.map((connection) => connection.rest()))
  for (const text of texts) expect(text.match(/HTTP\/1\.1 200 /g)).toHaveLength(1_500)
  const ofTurn = Map.groupBy(answeredAtTurn, (at) => at)
  expect(Math.max(...[...ofTurn.values()].map(({ length }) => length))).toBeLessThanOrEqual(256 + 2 * 4)
})
