/** docs/protocol.md against the code and against a real worker: whoever writes a runtime has nothing else to go by. */
import { readFileSync, readSync, writeSync } from 'node:fs'
import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { RING_BYTES, RING_FROM_BYTES, TO_PARENT, TO_WORKER } from '../../../warmpool/wire/body-ring.ts'
import { FrameWriter } from '../../../warmpool/wire/frame-writer.ts'
import {
  DATA_CHUNK_BYTES,
  FLAG_MORE,
  FLAG_PENDING,
  FLAG_SECURE,
  FRAME,
  IN_RING,
  INITIAL_WINDOW_BYTES,
  MAX_PAYLOAD_BYTES,
  PROTOCOL_VERSION,
} from '../../../warmpool/wire/frames.ts'
import { type Frame, frame } from './frames-by-hand.ts'
import { RawWorker, requestFrame } from './raw-worker.ts'

const PAGE = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8')
const HEAD = 'call-1\nPOST\n/\nhost\nlocalhost'

describe('the page', () => {
  test('lists every frame type with its number', () => {
    const rows = PAGE.matchAll(/^\| (0x[0-9a-f]{2}) \| `(\w+)` \|/gm)
    expect(Object.fromEntries(Array.from(rows, ([, number, name]) => [name, Number(number)]))).toEqual(FRAME)
  })

  test('lists every flag with its number', () => {
    const rows = PAGE.matchAll(/^\| (\d) \| `([A-Z]+)` \|/gm)
    const flags = Object.fromEntries(Array.from(rows, ([, number, name]) => [name, Number(number)]))
    expect(flags).toEqual({ MORE: FLAG_MORE, PENDING: FLAG_PENDING, SECURE: FLAG_SECURE })
  })

  test('states the version and the limits', () => {
    expect(PAGE).toContain(`Version ${PROTOCOL_VERSION}.`)
    expect(PAGE).toContain(`"protocol": ${PROTOCOL_VERSION},`)
    expect(PAGE).toContain(`at most ${MAX_PAYLOAD_BYTES} `)
    expect(PAGE).toContain(`at most ${INITIAL_WINDOW_BYTES} bytes are under way`)
    expect(PAGE).toContain(`no longer than ${DATA_CHUNK_BYTES} bytes`)
    expect(PAGE).toContain(`Each ring has ${RING_BYTES} bytes`)
    expect(PAGE).toContain(`0x${IN_RING.toString(16)} is added to its type`)
    for (const { markAt, bytesAt } of [TO_WORKER, TO_PARENT]) expect(PAGE).toContain(`| ${markAt} | ${bytesAt} |`)
  })

  test('shows the bytes that the writer makes', () => {
    const head = 'call-1\nGET\n/?name=Ada\nhost\nlocalhost:8787'
    const type = 'content-type\ntext/plain;charset=UTF-8'
    expect(exampleBytes('request')).toEqual(written((writer) => writer.request(1, 30_000, false, head, null, false)))
    expect(exampleBytes('response')).toEqual(
      written((writer) => writer.response(1, 200, type, 'Hello, Ada!\n', false, false)),
    )
  })

  test('shows the bytes that a real worker answers with', async () => {
    const source = /The answer of `(.*?)`, whole/.exec(PAGE)![1]!
    const worker = await RawWorker.loaded(source)
    worker.send(exampleBytes('request'))
    const { type, id, payload } = await worker.next()
    expect(frame(type, id, payload)).toEqual(exampleBytes('response'))
  })
})

describe('a worker', () => {
  test('says hello, loads, is ready, and answers a ping', async () => {
    const worker = new RawWorker()
    const { hello, ready } = await worker.load('export default { fetch() {} }')
    const runtime = expect.stringMatching(/^node \d/)
    expect(hello).toEqual({ protocol: PROTOCOL_VERSION, runtime, journal: true, ring: true })
    expect(ready).toEqual({ format: 'fetch', concurrency: null })
    worker.send(frame(FRAME.ping, 0))
    expect(await worker.next()).toEqual({ type: FRAME.pong, id: 0, payload: Buffer.alloc(0) })
  })

  test('understands frames that arrive byte by byte', async () => {
    const worker = await RawWorker.loaded('export default async (request) => new Response(await request.text())')
    for (const byte of Buffer.concat([requestFrame(1, HEAD, 'one '), requestFrame(2, HEAD, 'two')])) {
      worker.send(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect([bodyOf(await worker.next()), bodyOf(await worker.next())]).toEqual(['one ', 'two'])
  })

  test('writes the id to its journal before user code runs', async () => {
    const worker = await RawWorker.loaded(`
      import { readSync } from 'node:fs'
      export default () => {
        const counter = Buffer.alloc(4)
        readSync(4, counter, 0, 4, 0)
        return new Response(String(counter.readUInt32LE()))
      }`)
    expect(worker.journal.begun()).toBe(0)
    for (const id of [1, 2, 0xffffffff]) {
      worker.send(requestFrame(id, HEAD))
      expect(bodyOf(await worker.next())).toBe(String(id))
      expect(worker.journal.begun()).toBe(id)
    }
  })

  test('takes a body out of its ring, answers through the other, and says how far it has read', async () => {
    const worker = new RawWorker()
    await worker.load('export default { fetch: async (request) => new Response(await request.bytes()) }', true)
    const body = Buffer.alloc(RING_FROM_BYTES, 'ab')
    // More often than it takes until the worker maps the file.
    for (let id = 1; id <= 40; id++) {
      const request = Buffer.concat([requestFrame(id, HEAD).subarray(8), body])
      writeSync(worker.journal.fd, request, 0, request.length, 4096 + 100 * id)
      worker.send(frame(FRAME.request + IN_RING, id, words(100 * id, request.length, 777 + id)))
      const { type, payload } = await worker.next()
      expect([type, payload.length]).toEqual([FRAME.response + IN_RING, 12])
      const [offset, length] = [payload.readUInt32LE(0), payload.readUInt32LE(4)]
      const response = bytesAt(worker.journal.fd, 4096 + 4194304 + offset, length)
      expect(response.subarray(7 + response.readUInt32LE(3))).toEqual(body)
      expect(bytesAt(worker.journal.fd, 4, 4)).toEqual(words(777 + id))
    }
  })

  test('never has more of a body under way than its window, and goes on as it is granted', async () => {
    const total = 3 * INITIAL_WINDOW_BYTES + 1
    const worker = await RawWorker.loaded(`export default () => new Response(new Uint8Array(${total}))`)
    worker.send(requestFrame(1, HEAD))
    expect((await worker.next()).payload.readUInt8(0)).toBe(FLAG_MORE)
    let sent = 0
    for (let granted = INITIAL_WINDOW_BYTES; sent < total; ) {
      while (sent < Math.min(granted, total)) {
        const { type, payload } = await worker.next()
        expect(type).toBe(FRAME.data)
        expect(payload.length).toBeLessThanOrEqual(DATA_CHUNK_BYTES)
        sent += payload.length
      }
      expect(sent).toBe(Math.min(granted, total))
      // What it had sent without being granted would lie before the pong.
      worker.send(frame(FRAME.ping, 0))
      const next = await worker.next()
      if (sent < total) expect(next.type).toBe(FRAME.pong)
      granted += 100_000
      worker.send(frame(FRAME.window, 1, u32(100_000)))
    }
  })

  test('grants as much as the handler has read, and no more', async () => {
    const worker = await RawWorker.loaded(`
      export default async (request) => {
        const reader = request.body.getReader()
        const { value } = await reader.read()
        return new Response(String(value.length))
      }`)
    worker.send(requestFrame(1, HEAD, '', FLAG_MORE), frame(FRAME.data, 1, 'a'.repeat(1000)), frame(FRAME.data, 1, 'b'))
    expect(await worker.next()).toEqual({ type: FRAME.window, id: 1, payload: u32(1000) })
    expect(bodyOf(await worker.next())).toBe('1000')
  })

  test('ignores what crosses the end of an invocation', async () => {
    const worker = await RawWorker.loaded(`export default () => new Response('done')`)
    worker.send(requestFrame(1, HEAD, 'begin', FLAG_MORE))
    expect(bodyOf(await worker.next())).toBe('done')
    worker.send(
      frame(FRAME.data, 1, 'more'),
      frame(FRAME.window, 1, u32(1)),
      frame(FRAME.end, 1),
      frame(FRAME.cancel, 1),
      frame(FRAME.ping, 0),
    )
    expect((await worker.next()).type).toBe(FRAME.pong)
  })

  test('ends an invocation that is cancelled', async () => {
    const worker = await RawWorker.loaded(`
      export default (request) => new Promise((resolve) => {
        request.signal.onabort = () => resolve(new Response('left'))
      })`)
    worker.send(requestFrame(1, HEAD))
    worker.send(frame(FRAME.cancel, 1))
    expect(bodyOf(await worker.next())).toBe('left')
  })

  test('says when work that went on after the answer is over', async () => {
    const worker = await RawWorker.loaded(`
      let settle
      export default (request, ctx) => {
        if (settle) settle()
        else ctx.waitUntil(new Promise((resolve) => { settle = resolve }))
        return new Response('answered')
      }`)
    worker.send(requestFrame(1, HEAD))
    const answer = await worker.next()
    expect([bodyOf(answer), answer.payload.readUInt8(0)]).toEqual(['answered', FLAG_PENDING])
    worker.send(requestFrame(2, HEAD))
    const frames = [await worker.next(), await worker.next()]
    expect(frames.map(({ type, id }) => [type, id])).toEqual([
      [FRAME.response, 2],
      [FRAME.settled, 1],
    ])
  })

  test('answers a handler that throws with what it threw', async () => {
    const worker = await RawWorker.loaded(`export default () => { throw new RangeError('too far') }`)
    worker.send(requestFrame(1, HEAD))
    const { type, id, payload } = await worker.next()
    expect([type, id]).toEqual([FRAME.failed, 1])
    const report = { code: 'handler-threw', name: 'RangeError', message: 'too far', line: 1 }
    expect(JSON.parse(payload.toString())).toMatchObject(report)
  })

  test('that cannot load the module says why', async () => {
    const worker = new RawWorker()
    await worker.next()
    const load = { name: 'test', entry: 'file:///no/such/module.mjs', cwd: null, format: null, env: {} }
    worker.send(frame(FRAME.load, 0, JSON.stringify(load)))
    const { type, payload } = await worker.next()
    expect(type).toBe(FRAME.loadFailed)
    expect(JSON.parse(payload.toString()).message).toContain('/no/such/module.mjs')
  })

  test('drains: it answers what it has, then exits with 0', async () => {
    const worker = await RawWorker.loaded('export default async (request) => new Response(await request.text())')
    worker.send(requestFrame(1, HEAD, 'one ', FLAG_MORE), frame(FRAME.drain, 0))
    worker.send(frame(FRAME.data, 1, 'two'), frame(FRAME.end, 1))
    let answer = await worker.next()
    while (answer.type === FRAME.window) answer = await worker.next()
    expect(bodyOf(answer)).toBe('one two')
    expect(await worker.whenGone).toEqual([0, null])
  })

  test('without anything to do drains at once, also as a blank', async () => {
    const worker = new RawWorker()
    expect((await worker.next()).type).toBe(FRAME.hello)
    worker.send(frame(FRAME.drain, 0))
    expect(await worker.whenGone).toEqual([0, null])
  })

  test('exits when its wire ends, whatever it is doing', async () => {
    const worker = await RawWorker.loaded('export default () => new Promise(() => setInterval(() => {}, 1000))')
    worker.send(requestFrame(1, HEAD))
    worker.process.wire.destroy()
    await worker.whenGone
  })
})

/** The bytes of a fenced example: pairs of hexadecimal digits up to the remark behind them. */
function exampleBytes(name: string): Buffer {
  const block = new RegExp(`\`\`\`hex ${name}\\n([^]*?)\`\`\``).exec(PAGE)![1]!
  const digits = block.split('\n').map((line) => /^(?:[0-9a-f]{2} {0,2})*/.exec(line)![0])
  return Buffer.from(digits.join('').replaceAll(' ', ''), 'hex')
}

function written(write: (writer: FrameWriter) => void): Buffer {
  const chunks: Buffer[] = []
  const sink = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
  const writer = new FrameWriter(sink)
  write(writer)
  writer.flush()
  return Buffer.concat(chunks)
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function bodyOf({ type, payload }: Frame): string {
  expect(type).toBe(FRAME.response)
  return payload.toString('utf8', 7 + payload.readUInt32LE(3))
}

function words(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4)
  for (const [index, number] of numbers.entries()) bytes.writeUInt32LE(number, index * 4)
  return bytes
}

function bytesAt(fd: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  readSync(fd, bytes, 0, length, at)
  return bytes
}
