/** The checks of the conformance suite, each with a process of its own. In the order of docs/protocol.md. */
import { FRAME, INITIAL_WINDOW_BYTES } from '../../warmpool/wire/frames.ts'
import { frame } from '../warmpool/wire/frames-by-hand.ts'
import { isLast } from './exchanges.ts'
import { expect, NotApplicable } from './expectation.ts'
import type { Subject } from './subject.ts'

export interface Check {
  readonly name: string
  run(subject: Subject): Promise<void>
}

const LONG_BYTES = 3 * 1024 * 1024 + 1
const CHUNK_BYTES = 64 * 1024

export const CHECKS: readonly Check[] = [
  {
    name: 'says hello first, with the version and its name',
    async run(subject) {
      await subject.boot()
      expect(typeof subject.hello.runtime === 'string', 'hello has no text "runtime"')
      expect(typeof subject.hello.journal === 'boolean', '"journal" in hello is neither true nor false')
    },
  },
  {
    name: 'loads a function and is ready',
    async run(subject) {
      await subject.load()
      const { format, concurrency } = subject.ready
      expect(typeof format === 'string', 'ready has no text "format"')
      const isCount = concurrency === null || (Number.isInteger(concurrency) && (concurrency as number) > 0)
      expect(isCount, `"concurrency" in ready is ${JSON.stringify(concurrency)}, neither null nor a number from 1`)
    },
  },
  {
    name: 'ignores fields of load that it does not know',
    run: (subject) => subject.load({ fromALaterVersion: { a: 1 } }),
  },
  {
    name: 'says why a function cannot be loaded',
    async run(subject) {
      await subject.boot()
      subject.sendLoad({ entry: 'file:///no/such/function', handler: null })
      const { payload } = await subject.next(FRAME.loadFailed)
      const report = JSON.parse(payload.toString())
      for (const field of ['name', 'message', 'stack'])
        expect(typeof report[field] === 'string', `loadFailed has no text "${field}"`)
      expect(report.message.includes('/no/such/function'), `its message names no file: ${report.message}`)
    },
  },
  loaded('gives the function its variables', async (subject) => {
    subject.request(1, 'GET', '/env')
    expectBody((await subject.answer(1)).body, 'set by load')
  }),
  loaded('answers with a status, headers and a body', async (subject) => {
    subject.request(1, 'GET', '/hello')
    const { status, fields, body } = await subject.answer(1)
    expect(status === 201, `status ${status} in place of 201`)
    expect(fields['x-answer'] === 'yes', `its head has no x-answer: yes, but ${JSON.stringify(fields)}`)
    expectBody(body, 'hello')
  }),
  loaded('hands over method, target and headers', async (subject) => {
    subject.request(1, 'PATCH', '/request?name=Ada')
    const { body } = await subject.answer(1)
    // As Latin-1 or as UTF-8, whatever its language makes of a text.
    expect(/^PATCH Ada (\u00e4|\u00c3\u00a4)$/.test(body.toString('latin1')), `the function saw "${body}"`)
  }),
  loaded('sends no body to HEAD', async (subject) => {
    subject.request(1, 'HEAD', '/hello')
    const { status, body } = await subject.answer(1)
    expect(status === 201 && body.length === 0, `status ${status} and ${body.length} bytes`)
    subject.request(2, 'HEAD', `/bytes?count=${LONG_BYTES}`)
    expect((await subject.answer(2)).body.length === 0, 'a long body')
  }),
  loaded('takes a whole body', async (subject) => {
    subject.request(1, 'POST', '/echo', 'sent whole')
    expectBody((await subject.answer(1)).body, 'sent whole')
  }),
  loaded('understands frames that arrive byte by byte', async (subject) => {
    const request = subject.requestFrame(1, 'POST', '/echo', 'one ', true)
    subject.exchanges.sentData(1, 3)
    for (const byte of Buffer.concat([request, frame(FRAME.data, 1, 'two'), frame(FRAME.end, 1)])) {
      subject.send(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expectBody((await subject.answer(1)).body, 'one two')
  }),
  loaded('understands many frames in one write', async (subject) => {
    const request = subject.requestFrame(1, 'POST', '/echo', 'a', true)
    subject.exchanges.sentData(1, 2)
    subject.send(
      Buffer.concat([request, frame(FRAME.data, 1, 'b'), frame(FRAME.ping, 0), frame(FRAME.data, 1, 'c')]),
      frame(FRAME.end, 1),
    )
    expectBody((await subject.answer(1)).body, 'abc')
  }),
  loaded('takes a body that ends without having begun', async (subject) => {
    subject.request(1, 'POST', '/echo', '', true)
    subject.end(1)
    expectBody((await subject.answer(1)).body, '')
  }),
  loaded('answers call after call', async (subject) => {
    for (let id = 1; id <= 200; id++) {
      subject.request(id, 'POST', '/echo', `call ${id}`)
      expectBody((await subject.answer(id)).body, `call ${id}`)
    }
  }),
  loaded('takes a long body within the window, and gives it back within the window', longBodies('/echo')),
  loaded('streams both ways at once', longBodies('/stream')),
  loaded('stops sending when the window is used up, and goes on as it is granted', async (subject) => {
    subject.request(1, 'GET', `/bytes?count=${LONG_BYTES}`)
    await subject.next(FRAME.response)
    let received = 0
    let granted = INITIAL_WINDOW_BYTES
    let isOver = false
    while (!isOver) {
      // Two pongs with nothing between: it has stopped.
      for (let quiet = 0; quiet < 2 && !isOver; quiet++) {
        subject.send(frame(FRAME.ping, 0))
        for (let next = await subject.next(); next.type !== FRAME.pong; next = await subject.next()) {
          received += next.payload.length
          isOver ||= isLast(next.type, next.payload)
          quiet = -1
        }
      }
      if (isOver) break
      expect(received > granted - CHUNK_BYTES, `it stopped at ${received} of ${granted} bytes`)
      granted += 300_000
      subject.grant(1, 300_000)
    }
    expect(received === LONG_BYTES, `${received} bytes came in place of ${LONG_BYTES}`)
  }),
  loaded('grants nothing of a body that nobody reads', async (subject) => {
    subject.send(
      subject.requestFrame(1, 'POST', '/hello', Buffer.alloc(1000), true),
      frame(FRAME.data, 1, Buffer.alloc(1000)),
    )
    subject.exchanges.sentData(1, 1000)
    await subject.next(FRAME.response, 'something came before the response to a call whose body is not read')
  }),
  loaded('ignores what crosses the end of an invocation', async (subject) => {
    subject.request(1, 'POST', '/hello', 'begin', true)
    await subject.answer(1)
    subject.exchanges.sentData(1, 4)
    subject.grant(1, 1)
    subject.send(frame(FRAME.data, 1, 'more'), frame(FRAME.end, 1), frame(FRAME.cancel, 1))
    await subject.pong()
    await stillAnswers(subject, 2)
  }),
  loaded('ends an invocation that is cancelled, and serves on', async (subject) => {
    subject.request(1, 'GET', '/hold')
    subject.send(frame(FRAME.cancel, 1))
    await endOf(subject, 1)
    await stillAnswers(subject, 2)
  }),
  loaded('ends an answer that is cancelled half-way', async (subject) => {
    subject.request(1, 'GET', `/bytes?count=${LONG_BYTES}`)
    await subject.nextOf(FRAME.response)
    subject.send(frame(FRAME.cancel, 1))
    await endOf(subject, 1)
    await stillAnswers(subject, 2)
  }),
  loaded('ends an invocation that is cancelled while its body comes', async (subject) => {
    subject.request(1, 'POST', '/echo', 'begin', true)
    subject.send(frame(FRAME.cancel, 1))
    await endOf(subject, 1)
    await stillAnswers(subject, 2)
  }),
  loaded('answers a ping while a call runs', async (subject) => {
    subject.request(1, 'GET', '/hold')
    await subject.pong()
    await subject.pong()
    subject.send(frame(FRAME.cancel, 1))
    await endOf(subject, 1)
  }),
  loaded('reports what a handler throws, and serves on', async (subject) => {
    subject.request(1, 'GET', '/throw')
    const { code, name, message } = await subject.failure()
    expect(code === 'handler-threw', `code ${code} in place of handler-threw`)
    expect(typeof name === 'string', 'failed has no text "name"')
    expect(String(message).includes('thrown by the function'), `its message is "${message}"`)
    await stillAnswers(subject, 2)
  }),
  loaded('reports a handler that returns no response', async (subject) => {
    subject.request(1, 'GET', '/nothing')
    const { code } = await subject.failure()
    expect(code === 'not-a-response', `code ${code} in place of not-a-response`)
    await stillAnswers(subject, 2)
  }),
  loaded('lets through what the function prints', async (subject) => {
    subject.request(1, 'GET', '/print')
    await subject.line('printed by the function')
  }),
  loaded('keeps its journal: the id, before user code runs', async (subject) => {
    if (subject.hello.journal !== true) throw new NotApplicable('it says that it has no journal')
    expect(subject.journal.begun() === 0, `its journal says ${subject.journal.begun()} before the first call`)
    for (const id of [1, 2, 70_000]) {
      subject.request(id, 'GET', '/hello')
      await subject.answer(id)
      expect(subject.journal.begun() === id, `its journal says ${subject.journal.begun()} after call ${id}`)
    }
    subject.request(70_001, 'GET', '/exit')
    await subject.gone()
    expect(subject.journal.begun() === 70_001, `its journal says ${subject.journal.begun()} after it died in 70001`)
  }),
  loaded('runs calls at the same time, where it says so', async (subject) => {
    if (subject.ready.concurrency === 1) throw new NotApplicable('its format runs one call at a time')
    subject.request(1, 'GET', '/hold')
    subject.request(2, 'GET', '/hello')
    expectBody((await subject.answer(2)).body, 'hello')
    subject.send(frame(FRAME.cancel, 1))
    await endOf(subject, 1)
  }),
  loaded('exits with 0 when it is asked to drain', async (subject) => {
    await stillAnswers(subject, 1)
    subject.send(frame(FRAME.drain, 0))
    expectExit(await subject.gone())
  }),
  loaded('answers what it has before it has drained', async (subject) => {
    subject.request(1, 'POST', '/echo', 'one ', true)
    subject.send(frame(FRAME.drain, 0))
    subject.data(1, Buffer.from('two'))
    subject.end(1)
    expectBody((await subject.answer(1)).body, 'one two')
    expectExit(await subject.gone())
  }),
  {
    name: 'drains as a blank, too',
    async run(subject) {
      await subject.boot()
      subject.send(frame(FRAME.drain, 0))
      expectExit(await subject.gone())
    },
  },
  {
    name: 'exits as a blank when its wire ends',
    async run(subject) {
      await subject.boot()
      subject.closeWire()
      await subject.gone()
    },
  },
  loaded('exits when its wire ends while a call runs', async (subject) => {
    subject.request(1, 'GET', '/hold')
    await subject.pong()
    subject.closeWire()
    await subject.gone()
  }),
  loaded('exits when it does not know a frame', async (subject) => {
    subject.send(frame(0x7f, 0, 'from nobody'))
    await subject.gone()
  }),
  loaded('exits when it is told to become another function', async (subject) => {
    subject.sendLoad()
    await subject.gone()
  }),
  {
    name: 'takes bodies out of its ring, and answers through the other',
    async run(subject) {
      await subject.boot()
      if (subject.hello.ring !== true) throw new NotApplicable('it says that it has no ring')
      subject.sendLoad({ ring: true })
      await subject.next(FRAME.ready)
      for (const [at, size] of [100_000, 200_000, 3_000_000, 200_000].entries()) {
        const body = Buffer.alloc(size, `${at}abc`)
        const ring = subject.requestInRing(at + 1, '/echo', body)
        expect((await subject.answer(at + 1)).body.equals(body), `${size} bytes came back changed`)
        expect(subject.ringMark() === ring.mark, `it did not write down that it has taken ${size} bytes`)
      }
    },
  },
]

/** A check that begins with a loaded function. */
function loaded(name: string, run: (subject: Subject) => Promise<void>): Check {
  return {
    name,
    async run(subject) {
      await subject.load()
      await run(subject)
    },
  }
}

function longBodies(path: string): (subject: Subject) => Promise<void> {
  return async (subject) => {
    const body = Buffer.alloc(LONG_BYTES, 'abcdefghijk')
    subject.request(1, 'POST', path, body.subarray(0, 1000), true)
    const parts: Buffer[] = []
    let sent = 1000
    let mayBeSent = INITIAL_WINDOW_BYTES
    let isOver = false
    while (!isOver) {
      for (; sent < body.length && sent < mayBeSent; sent = Math.min(body.length, mayBeSent, sent + CHUNK_BYTES))
        subject.data(1, body.subarray(sent, Math.min(body.length, mayBeSent, sent + CHUNK_BYTES)))
      if (sent === body.length && mayBeSent !== Number.POSITIVE_INFINITY) {
        mayBeSent = Number.POSITIVE_INFINITY
        subject.end(1)
      }
      const { type, payload } = await subject.next()
      if (type === FRAME.window) mayBeSent += payload.readUInt32LE()
      if (type === FRAME.response) parts.push(payload.subarray(7 + payload.readUInt32LE(3)))
      if (type === FRAME.data) {
        parts.push(payload)
        subject.grant(1, payload.length)
      }
      isOver = isLast(type, payload)
    }
    expect(Buffer.concat(parts).equals(body), `${LONG_BYTES} bytes came back changed`)
  }
}

/** Frames up to the end of an invocation, however it is ended. */
async function endOf(subject: Subject, id: number): Promise<void> {
  for (;;) {
    const { type, id: of, payload } = await subject.next()
    if (of === id && isLast(type, payload)) return
  }
}

async function stillAnswers(subject: Subject, id: number): Promise<void> {
  subject.request(id, 'GET', '/hello')
  expectBody((await subject.answer(id)).body, 'hello')
}

function expectBody(body: Buffer, text: string): void {
  expect(body.toString() === text, `the body is "${body.toString('latin1', 0, 100)}" in place of "${text}"`)
}

function expectExit(code: unknown): void {
  expect(code === 0, `it ended with ${code} in place of 0`)
}
