/** Lambda's streaming handlers: AWS's documented examples, and what they promise of time, backpressure and errors. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { CalledFunction, type Probe } from './called.ts'
import { fieldOf } from './contract.ts'

/** The body of an async function of `event`, `responseStream` and `context`. */
const streaming = (body: string, env: Readonly<Record<string, string>> = {}) =>
  CalledFunction.of(
    {
      'index.mjs': `
        import { once } from 'node:events'
        import { connect } from 'node:net'
        import { Readable } from 'node:stream'
        import { pipeline } from 'node:stream/promises'
        import zlib from 'node:zlib'
        export const handler = awslambda.streamifyResponse(async (event, responseStream, context) => {${body}})`,
    },
    { format: 'lambda', env },
  )

/** Where handlers connect to, to be told when to go on. */
async function gate(): Promise<{ port: string; opened: Promise<Socket> }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const opened = once(server, 'connection').then(([socket]) => {
    onTestFinished(() => void (socket as Socket).destroy())
    return socket as Socket
  })
  onTestFinished(() => void server.close())
  return { port: String((server.address() as { port: number }).port), opened }
}

test('writes to the response stream', async () => {
  const answer = await streaming(`
    responseStream.setContentType('text/plain')
    responseStream.write('Hello, ')
    responseStream.write(Buffer.from('world!'))
    responseStream.end()`).call()
  expect(answer).toMatchObject({ status: 200, failure: null })
  expect(answer.fields).toEqual([['content-type', 'text/plain']])
  expect(answer.body.toString()).toBe('Hello, world!')
})

test('runs a pipeline', async () => {
  const answer = await streaming(`
    const requestStream = Readable.from(Buffer.from(JSON.stringify(event)))
    await pipeline(requestStream, zlib.createGzip(), responseStream)`).call({ url: '/piped' })
  expect(fieldOf(answer, 'content-type')).toBe('application/octet-stream')
  expect(JSON.parse(gunzipSync(answer.body).toString()).rawPath).toBe('/piped')
})

test('gives status, headers and cookies in a prelude', async () => {
  const answer = await streaming(`
    const metadata = {
      statusCode: 418,
      headers: { 'Content-Type': 'application/json', 'X-Custom-Header': 'Example-Custom-Header' },
      cookies: ['a=1', 'b=2'],
    }
    responseStream = awslambda.HttpResponseStream.from(responseStream, metadata)
    responseStream.write('{"a":')
    responseStream.write('1}')
    responseStream.end()`).call()
  expect(answer).toMatchObject({ status: 418, failure: null })
  expect(answer.fields).toEqual([
    ['content-type', 'application/json'],
    ['x-custom-header', 'Example-Custom-Header'],
    ['set-cookie', 'a=1'],
    ['set-cookie', 'b=2'],
  ])
  expect(answer.body.toString()).toBe('{"a":1}')
})

test('may end right after its prelude', async () => {
  const answer = await streaming(`
    awslambda.HttpResponseStream.from(responseStream, { statusCode: 204 }).end()`).call()
  expect(answer).toMatchObject({ status: 204, failure: null })
  expect(answer.body.length).toBe(0)
})

test('may write its prelude itself, in pieces', async () => {
  const answer = await streaming(`
    responseStream.setContentType('application/vnd.awslambda.http-integration-response')
    responseStream.write('{"statusCode":20')
    responseStream.write('1}\\0\\0\\0\\0\\0')
    responseStream.write('\\0\\0\\0body')
    responseStream.end()`).call()
  expect([answer.status, answer.body.toString()]).toEqual([201, 'body'])
})

test('sends what is written before the handler has ended', async () => {
  const { port, opened } = await gate()
  const called = streaming(
    `
    const gate = connect(process.env.GATE_PORT, '127.0.0.1')
    responseStream.write('first')
    await once(gate, 'data')
    responseStream.end('second')`,
    { GATE_PORT: port },
  )
  const came: string[] = []
  const first = Promise.withResolvers<void>()
  const answer = called.call({}, (probe, bytes) => {
    came.push(bytes.toString())
    probe.consumed(bytes.length)
    if (came.join('') === 'first') first.resolve()
  })
  const [socket] = await Promise.all([opened, first.promise])
  socket.write('go on')
  expect((await answer).body.toString()).toBe('firstsecond')
})

test('writes no faster than its caller takes', async () => {
  const { port, opened } = await gate()
  const called = streaming(
    `
    const gate = connect(process.env.GATE_PORT, '127.0.0.1')
    let writtenBytes = 0
    gate.once('data', () => gate.write(String(writtenBytes)))
    for (let count = 0; count < 512; count++) {
      writtenBytes += 65_536
      if (!responseStream.write(Buffer.alloc(65_536, count))) await once(responseStream, 'drain')
    }
    gate.end()
    responseStream.end()`,
    { GATE_PORT: port },
  )
  const held: [Probe, number][] = []
  const first = Promise.withResolvers<void>()
  let isOpen = false
  const answer = called.call({}, (probe, bytes) => {
    if (isOpen) return probe.consumed(bytes.length)
    held.push([probe, bytes.length])
    first.resolve()
  })
  const [socket] = await Promise.all([opened, first.promise])
  socket.write('how much?')
  const [writtenBytes] = await once(socket, 'data')
  expect(Number(String(writtenBytes))).toBeLessThan(2 * 1024 * 1024)
  isOpen = true
  for (const [probe, bytes] of held) probe.consumed(bytes)
  const { body, failure } = await answer
  expect(failure).toBeNull()
  expect(body.length).toBe(512 * 65_536)
  expect(body[body.length - 1]).toBe(511 % 256)
})

test('fails with what it throws before anything was written', async () => {
  const { failure } = await streaming(`throw new Error('boom')`).call()
  expect(failure).toMatchObject({ code: 'handler-threw' })
  expect(failure!.message).toContain('boom')
})

test('breaks its answer off with what it throws later', async () => {
  const { failure } = await streaming(`
    responseStream.write('begun')
    throw new Error('boom')`).call()
  expect(failure).toMatchObject({ code: 'response-aborted' })
  expect(failure!.message).toContain('boom')
})

test('fails with what its pipeline fails with', async () => {
  const { failure } = await streaming(`
    const source = Readable.from((async function* () { yield 'begun'; throw new Error('torn') })())
    await pipeline(source, responseStream)`).call()
  expect(failure).toMatchObject({ code: 'response-aborted' })
  expect(failure!.message).toContain('torn')
})

test('is told when it forgets to end its stream', async () => {
  const { failure } = await streaming(`responseStream.write('begun')`).call()
  expect(failure!.message).toContain('call responseStream.end()')
})

test('may leave the end to what it began', async () => {
  const called = streaming(`Readable.from((async function* () {
    for (const part of 'abc') yield await new Promise((resolve) => setTimeout(resolve, 1, part))
  })()).pipe(responseStream)`)
  expect([await called.text(), await called.text()]).toEqual(['abc', 'abc'])
})

test.each(['{ statusCode: 700 }', '"text"', '{ headers: { "x y": 1 } }'])('may not begin with %s', async (prelude) => {
  const { failure } = await streaming(`
    responseStream = awslambda.HttpResponseStream.from(responseStream, ${prelude})
    responseStream.end('body')`).call()
  expect(failure).toMatchObject({ code: 'handler-threw' })
  expect(failure!.message).toMatch(/status|prelude|header/)
})

test('hears that its caller has left, and the next call is served', async () => {
  const called = streaming(`
    if (event.rawPath === '/next') return void responseStream.end('next')
    responseStream.on('close', () => console.log('closed'))
    const source = Readable.from((async function* () { for (;;) yield 'x'.repeat(10_000) })())
    await pipeline(source, responseStream)`)
  const closed = Promise.withResolvers<void>()
  called.pool.on('log', ({ line }) => line === 'closed' && closed.resolve())
  void called.call({}, (probe) => probe.cancel())
  await closed.promise
  expect(await called.text({ url: '/next' })).toBe('next')
})

test('answers HEAD with its head', async () => {
  const answer = await streaming(`
    responseStream = awslambda.HttpResponseStream.from(responseStream, { statusCode: 203, headers: { 'x-a': '1' } })
    responseStream.end('body')`).call({ method: 'HEAD' })
  expect(answer).toMatchObject({ status: 203, failure: null })
  expect([fieldOf(answer, 'x-a'), answer.body.length]).toEqual(['1', 0])
})
