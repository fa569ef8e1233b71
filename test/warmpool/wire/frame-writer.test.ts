import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { FrameWriter, flushAfterThisRead } from '../../../warmpool/wire/frame-writer.ts'
import { FRAME, MAX_PAYLOAD_BYTES, ProtocolError } from '../../../warmpool/wire/frames.ts'
import { type Frame, frame, framesIn, numbers } from './frames-by-hand.ts'

/** A stream's end that keeps what it was given, write by write. */
class Sink extends Writable {
  readonly writes: Buffer[][] = []
  onWrite = (): void => {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this._writev([{ chunk }], done)
  }

  override _writev(chunks: readonly { chunk: Buffer }[], done: () => void): void {
    this.writes.push(chunks.map(({ chunk }) => chunk))
    this.onWrite()
    done()
  }

  get bytes(): Buffer {
    return Buffer.concat(this.writes.flat())
  }

  get frames(): Frame[] {
    return framesIn(this.bytes)
  }
}

describe('the bytes of', () => {
  const cases: readonly [string, (writer: FrameWriter) => void, string][] = [
    ['an empty frame', (writer) => writer.empty(FRAME.ping, 0), '000000 08 00000000'],
    ['a window', (writer) => writer.window(2, 0x01020304), '040000 06 02000000 04030201'],
    ['an end', (writer) => writer.end(3, false), '000000 04 03000000'],
    ['an end with pending work', (writer) => writer.end(3, true), '010000 04 03000000 02'],
    ['bytes', (writer) => writer.bytes(FRAME.data, 4, Buffer.of(1, 2)), '020000 03 04000000 0102'],
    ['no bytes', (writer) => writer.bytes(FRAME.data, 4, Buffer.alloc(0)), '000000 03 04000000'],
    ['JSON', (writer) => writer.json(FRAME.ready, 0, { é: 1 }), '080000 11 00000000 7b22c3a9223a317d'],
    [
      'a request',
      (writer) => writer.request(5, 300, false, 'ab', null, false),
      '0b0000 02 05000000 00 2c010000 02000000 6162',
    ],
    [
      'a request over TLS with the beginning of a body',
      (writer) => writer.request(0xffffffff, 0, true, 'ÿ', 'é', true),
      '0c0000 02 ffffffff 05 00000000 01000000 ff c3a9',
    ],
    ['a response', (writer) => writer.response(6, 404, '', null, false, false), '070000 13 06000000 00 9401 00000000'],
    [
      'a response with a body that goes on and pending work',
      (writer) => writer.response(6, 200, 'a', Buffer.of(9), true, true),
      '090000 13 06000000 03 c800 01000000 61 09',
    ],
  ]

  test.each(cases)('%s are as documented', async (_name, write, hex) => {
    const sink = new Sink()
    write(new FrameWriter(sink))
    await turn()
    expect(sink.bytes.toString('hex')).toBe(hex.replaceAll(' ', ''))
  })
})

describe('a read that brings frames', () => {
  test('is answered in one write before its turn ends, by whom answers at once and by promises', async () => {
    const sink = new Sink()
    const writer = new FrameWriter(sink)
    flushAfterThisRead()
    writer.empty(FRAME.ping, 0)
    void (async () => {
      for (let step = 0; step < 10; step++) await null
      writer.empty(FRAME.pong, 0)
    })()
    let hasTurned = false
    sink.onWrite = () => expect(hasTurned).toBe(false)
    setImmediate(() => {
      hasTurned = true
    })
    await turn()
    expect(sink.writes).toHaveLength(1)
    expect(sink.frames.map(({ type }) => type)).toEqual([FRAME.ping, FRAME.pong])
  })

  test('does not hold what is written in a later turn', async () => {
    const sink = new Sink()
    flushAfterThisRead()
    await turn()
    new FrameWriter(sink).empty(FRAME.ping, 0)
    await turn()
    expect(sink.writes).toHaveLength(1)
  })
})

describe('one event-loop turn', () => {
  test('writes nothing before its end', async () => {
    const sink = new Sink()
    new FrameWriter(sink).empty(FRAME.ping, 0)
    await new Promise((resolve) => process.nextTick(resolve))
    expect(sink.writes).toHaveLength(0)
    await turn()
    expect(sink.writes).toHaveLength(1)
  })

  test('puts many small frames into one chunk', async () => {
    const sink = new Sink()
    const writer = new FrameWriter(sink)
    for (let id = 1; id <= 64; id++) writer.response(id, 200, 'content-type\ntext/plain', 'hello', false, false)
    await turn()
    expect(sink.writes.map((chunks) => chunks.length)).toEqual([1])
    expect(sink.frames.map(({ id }) => id)).toEqual(Array.from({ length: 64 }, (_, at) => at + 1))
  })

  test('sends what it has after every 64 frames, so that the other side can begin', async () => {
    const sink = new Sink()
    const writer = new FrameWriter(sink)
    for (let id = 1; id <= 500; id++) writer.response(id, 200, 'content-type\ntext/plain', 'hello', false, false)
    expect(sink.writes).toHaveLength(7)
    await turn()
    expect(sink.writes).toHaveLength(8)
    expect(sink.frames.map(({ id }) => id)).toEqual(Array.from({ length: 500 }, (_, at) => at + 1))
  })

  test('puts small frames and large bodies into one write, in their order', async () => {
    const sink = new Sink()
    const writer = new FrameWriter(sink)
    const expected: Frame[] = []
    for (let id = 1; id <= 9; id++) {
      const payload = Buffer.alloc(id % 3 === 0 ? 30_000 : id, id)
      writer.bytes(FRAME.data, id, payload)
      expected.push({ type: FRAME.data, id, payload })
    }
    await turn()
    expect(sink.frames).toEqual(expected)
    // A corked stream passes its first chunks on as one vectored write.
    expect(sink.writes).toHaveLength(1)
  })

  test('gives each of many writers its own frames in one write each', async () => {
    const sinks = Array.from({ length: 300 }, () => new Sink())
    const writers = sinks.map((sink) => new FrameWriter(sink))
    for (const round of [1, 2, 3]) for (const writer of writers) writer.empty(FRAME.cancel, round)
    await turn()
    for (const sink of sinks) {
      expect(sink.writes).toHaveLength(1)
      expect(sink.frames.map(({ id }) => id)).toEqual([1, 2, 3])
    }
  })

  test('is enough for frames that are added while others are being written', async () => {
    const first = new Sink()
    const second = new Sink()
    const writer = new FrameWriter(second)
    first.onWrite = () => writer.empty(FRAME.cancel, 2)
    new FrameWriter(first).empty(FRAME.cancel, 1)
    await turn()
    await turn()
    expect(second.frames.map(({ id }) => id)).toEqual([2])
  })

  test('is not waited for after flush, and nothing is written twice', async () => {
    const sink = new Sink()
    const writer = new FrameWriter(sink)
    writer.empty(FRAME.ping, 0)
    writer.flush()
    expect(sink.frames).toHaveLength(1)
    writer.empty(FRAME.drain, 0)
    await turn()
    await turn()
    expect(sink.frames.map(({ type }) => type)).toEqual([FRAME.ping, FRAME.drain])
  })
})

describe('a body', () => {
  test('of 4 KiB or more is handed on as it is', async () => {
    const sink = new Sink()
    const body = Buffer.alloc(4096, 'b')
    new FrameWriter(sink).response(1, 200, 'head', body, false, false)
    await turn()
    expect(sink.writes.flat().some((chunk) => chunk === body)).toBe(true)
    expect(sink.frames[0]!.payload.subarray(11).equals(body)).toBe(true)
  })

  test('below 4 KiB is copied, so that its memory may be used again at once', async () => {
    const sink = new Sink()
    const body = Buffer.alloc(4095, 'b')
    new FrameWriter(sink).bytes(FRAME.data, 1, body)
    body.fill('x')
    await turn()
    expect(sink.frames[0]!.payload.equals(Buffer.alloc(4095, 'b'))).toBe(true)
  })

  test.each(['', 'é', '€'.repeat(1365), '€'.repeat(1366), '😀'.repeat(1024), '\ud800 alone', 'a'.repeat(100_000)])(
    'given as text arrives as its UTF-8 (%#)',
    async (text) => {
      const sink = new Sink()
      const writer = new FrameWriter(sink)
      writer.request(1, 0, false, 'h', text, false)
      writer.empty(FRAME.drain, 0)
      await turn()
      expect(sink.frames.map(({ type }) => type)).toEqual([FRAME.request, FRAME.drain])
      expect(sink.frames[0]!.payload.subarray(10).equals(Buffer.from(text))).toBe(true)
    },
  )

  test('up to the longest payload is written, one byte more is refused and leaves the stream in order', async () => {
    const sink = new Sink()
    const writer = new FrameWriter(sink)
    const longest = Buffer.alloc(MAX_PAYLOAD_BYTES)
    writer.bytes(FRAME.data, 1, longest)
    writer.request(2, 0, false, 'head', longest.subarray(9 + 4), false)
    expect(() => writer.bytes(FRAME.data, 3, Buffer.alloc(MAX_PAYLOAD_BYTES + 1))).toThrow(ProtocolError)
    expect(() => writer.request(3, 0, false, 'head', longest.subarray(9 + 3), false)).toThrow(ProtocolError)
    expect(() => writer.response(3, 200, '', '€'.repeat(MAX_PAYLOAD_BYTES / 3 + 1), false, false)).toThrow(
      ProtocolError,
    )
    writer.empty(FRAME.ping, 0)
    await turn()
    expect(sink.frames.map(({ id, payload }) => [id, payload.length])).toEqual([
      [1, MAX_PAYLOAD_BYTES],
      [2, MAX_PAYLOAD_BYTES],
      [0, 0],
    ])
  })
})

describe('a head', () => {
  test.each([65_000, 65_510, 65_519, 65_520, 65_536, 200_000])(
    'of %i characters travels whole beside a small body',
    async (length) => {
      for (const body of [null, Buffer.alloc(4095, 'b'), 'é'.repeat(2047)]) {
        const sink = new Sink()
        const writer = new FrameWriter(sink)
        writer.empty(FRAME.ping, 0)
        writer.response(1, 200, 'h'.repeat(length), body, false, false)
        writer.request(2, 0, false, 'h'.repeat(length), body, false)
        writer.empty(FRAME.drain, 0)
        await turn()
        const [, response, request, last] = sink.frames
        const expected = Buffer.concat([Buffer.alloc(length, 'h'), Buffer.from(body ?? '')])
        expect(response!.payload.subarray(7).equals(expected)).toBe(true)
        expect(request!.payload.subarray(9).equals(expected)).toBe(true)
        expect(last).toEqual({ type: FRAME.drain, id: 0, payload: Buffer.alloc(0) })
      }
    },
  )
})

describe('numbers at the edge', () => {
  test('ids go up to the last of 32 bits', async () => {
    const sink = new Sink()
    const writer = new FrameWriter(sink)
    for (const id of [0, 0x7fffffff, 0x80000000, 0xffffffff]) writer.bytes(FRAME.data, id, Buffer.of(1))
    await turn()
    expect(sink.frames.map(({ id }) => id)).toEqual([0, 0x7fffffff, 0x80000000, 0xffffffff])
  })

  test('an id beyond them is refused and leaves the stream in order', async () => {
    const sink = new Sink()
    const writer = new FrameWriter(sink)
    expect(() => writer.request(0x100000000, 0, false, 'head', 'body', false)).toThrow(RangeError)
    writer.empty(FRAME.ping, 0)
    await turn()
    expect(sink.frames).toEqual([{ type: FRAME.ping, id: 0, payload: Buffer.alloc(0) }])
  })

  test.each([
    [0.9, 0],
    [1.5, 1],
    [0xffffffff, 0xffffffff],
    [400 * 86_400_000, 0xffffffff],
  ])('a time left of %d ms is sent as %d', async (timeLeftMs, sent) => {
    const sink = new Sink()
    new FrameWriter(sink).request(1, timeLeftMs, false, '', null, false)
    await turn()
    expect(sink.frames[0]!.payload.readUInt32LE(1)).toBe(sent)
  })
})

describe('a socket', () => {
  test('whose other side reads late gets everything unharmed, however much was written meanwhile', async () => {
    const { near, far } = await socketPair()
    far.pause()
    const writer = new FrameWriter(near)
    const random = numbers(11)
    const expected: Buffer[] = []
    for (let round = 0; round < 40; round++) {
      for (let at = 0; at < 40; at++) {
        const payload = Buffer.alloc(random(8000), random(256))
        writer.bytes(FRAME.data, at, payload)
        expected.push(frame(FRAME.data, at, payload))
      }
      await turn()
    }
    near.end()
    const chunks: Buffer[] = []
    for await (const chunk of far) chunks.push(chunk)
    expect(Buffer.concat(chunks).equals(Buffer.concat(expected))).toBe(true)
  })

  test('has taken everything when whenWritten calls back', async () => {
    const { near, far } = await socketPair()
    const writer = new FrameWriter(near)
    writer.bytes(FRAME.data, 1, Buffer.alloc(1_000_000, 'x'))
    let readBytes = 0
    far.on('data', (chunk: Buffer) => {
      readBytes += chunk.length
    })
    await new Promise<void>((resolve) => writer.whenWritten(resolve))
    expect(near.writableLength).toBe(0)
    near.destroy()
    await once(far, 'close')
    expect(readBytes).toBe(8 + 1_000_000)
  })

  test('that is gone swallows frames, and whenWritten still calls back', async () => {
    const { near } = await socketPair()
    near.on('error', () => {})
    near.destroy()
    const writer = new FrameWriter(near)
    writer.empty(FRAME.ping, 0)
    await turn()
    await new Promise<void>((resolve) => writer.whenWritten(resolve))
  })
})

async function socketPair(): Promise<{ near: Socket; far: Socket }> {
  const folder = mkdtempSync(join(tmpdir(), 'frame-writer-'))
  const server = createServer().listen(join(folder, 'socket'))
  await once(server, 'listening')
  const near = createConnection(join(folder, 'socket'))
  const [far] = (await once(server, 'connection')) as [Socket]
  onTestFinished(() => {
    near.destroy()
    far.destroy()
    server.close()
    rmSync(folder, { recursive: true })
  })
  return { near, far }
}
