import { describe, expect, test } from 'vitest'
import { FrameReader } from '../../../warmpool/wire/frame-reader.ts'
import { FRAME, MAX_PAYLOAD_BYTES, ProtocolError } from '../../../warmpool/wire/frames.ts'
import { Collector, type Frame, frame, framesIn, numbers } from './frames-by-hand.ts'

/** Short and long, empty, neighbours of every kind, ids at both ends. */
const STREAM = Buffer.concat([
  frame(FRAME.hello, 0, '{}'),
  frame(FRAME.ping, 0),
  frame(FRAME.data, 0xffffffff, 'the last id'),
  frame(FRAME.end, 0xffffffff),
  frame(FRAME.window, 1, Buffer.of(0xff, 0xff, 0xff, 0xff)),
  frame(FRAME.drain, 0),
])

describe('whatever way the bytes are cut', () => {
  test('one cut at any byte changes nothing', () => {
    for (let cut = 0; cut <= STREAM.length; cut++) {
      expect(readInPieces([STREAM.subarray(0, cut), STREAM.subarray(cut)]), `cut at ${cut}`).toEqual(framesIn(STREAM))
    }
  })

  test('two cuts at any two bytes change nothing', () => {
    for (let first = 0; first <= STREAM.length; first++) {
      for (let second = first; second <= STREAM.length; second++) {
        const pieces = [STREAM.subarray(0, first), STREAM.subarray(first, second), STREAM.subarray(second)]
        expect(readInPieces(pieces), `cuts at ${first} and ${second}`).toEqual(framesIn(STREAM))
      }
    }
  })

  test('single bytes, with empty chunks between them, are put together', () => {
    const pieces = Array.from(STREAM, (byte) => [Buffer.of(byte), Buffer.alloc(0)]).flat()
    expect(readInPieces(pieces)).toEqual(framesIn(STREAM))
  })

  test('thousands of frames of all sizes come out of chunks of all sizes', () => {
    const random = numbers(7)
    const stream = Buffer.concat(
      Array.from({ length: 3000 }, (_, id) => frame(random(256), id, Buffer.alloc(random(40) ** 2, random(256)))),
    )
    const pieces: Buffer[] = []
    for (let at = 0; at < stream.length; ) {
      const end = Math.min(stream.length, at + 1 + random(3000))
      pieces.push(stream.subarray(at, end))
      at = end
    }
    expect(readInPieces(pieces)).toEqual(framesIn(stream))
  })

  test('the longest frame that is allowed arrives in small pieces', () => {
    const stream = Buffer.concat([frame(FRAME.data, 9, Buffer.alloc(MAX_PAYLOAD_BYTES, 'x')), frame(FRAME.end, 9)])
    const pieces = Array.from({ length: Math.ceil(stream.length / 60_000) }, (_, at) =>
      stream.subarray(at * 60_000, (at + 1) * 60_000),
    )
    const read = readInPieces(pieces)
    expect(read.map(({ type, payload }) => [type, payload.length])).toEqual([
      [FRAME.data, MAX_PAYLOAD_BYTES],
      [FRAME.end, 0],
    ])
    expect(read[0]!.payload.equals(Buffer.alloc(MAX_PAYLOAD_BYTES, 'x'))).toBe(true)
  })
})

test('a frame that lies whole in a chunk is passed on in that chunk, not copied', () => {
  const collector = new Collector()
  const chunk = Buffer.concat([frame(FRAME.data, 1, 'one'), frame(FRAME.data, 2, 'two')])
  new FrameReader(collector.take).push(chunk)
  expect(collector.chunks).toHaveLength(2)
  for (const seen of collector.chunks) expect(seen).toBe(chunk)
})

test('a chunk may be used again once it was pushed, although a frame has begun in it', () => {
  const stream = Buffer.concat([frame(FRAME.data, 1, 'first'), frame(FRAME.data, 2, 'second')])
  for (let cut = 1; cut < stream.length; cut++) {
    const collector = new Collector()
    const reader = new FrameReader(collector.take)
    const reused = Buffer.alloc(stream.length)
    for (const piece of [stream.subarray(0, cut), stream.subarray(cut)]) {
      piece.copy(reused)
      reader.push(reused.subarray(0, piece.length))
      reused.fill(0xee)
    }
    expect(collector.frames, `cut at ${cut}`).toEqual(framesIn(stream))
  }
})

test('an unknown frame type is not the reader’s business', () => {
  expect(readInPieces([frame(0xff, 3, 'what?')])).toEqual([{ type: 0xff, id: 3, payload: Buffer.from('what?') }])
})

describe('a hostile length', () => {
  test.each([MAX_PAYLOAD_BYTES + 1, 0xffffff])('of %i bytes is refused as soon as the header is there', (length) => {
    const header = Buffer.alloc(8)
    header.writeUIntLE(length, 0, 3)
    header.writeUInt8(FRAME.data, 3)
    for (let cut = 0; cut <= header.length; cut++) {
      expect(() => readInPieces([header.subarray(0, cut), header.subarray(cut)]), `cut at ${cut}`).toThrow(
        ProtocolError,
      )
    }
  })

  test('lets the frames before it through', () => {
    const collector = new Collector()
    const stream = Buffer.concat([frame(FRAME.data, 1, 'good'), Buffer.alloc(8, 0xff)])
    expect(() => new FrameReader(collector.take).push(stream)).toThrow(/16777215 bytes, over the limit/)
    expect(collector.frames).toEqual([{ type: FRAME.data, id: 1, payload: Buffer.from('good') }])
  })

  test('cannot make it hold more than one frame, however often it is announced and not sent', () => {
    const before = process.memoryUsage().arrayBuffers
    const reader = new FrameReader(() => {})
    const header = Buffer.alloc(8)
    header.writeUIntLE(MAX_PAYLOAD_BYTES, 0, 3)
    reader.push(header)
    for (let at = 0; at < 1000; at++) reader.push(Buffer.alloc(1))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * MAX_PAYLOAD_BYTES)
  })
})

test('what the receiver throws comes out of push', () => {
  const reader = new FrameReader(() => {
    throw new ProtocolError('not now')
  })
  expect(() => reader.push(frame(FRAME.ready, 0))).toThrow('not now')
})

function readInPieces(pieces: readonly Buffer[]): Frame[] {
  const collector = new Collector()
  const reader = new FrameReader(collector.take)
  for (const piece of pieces) reader.push(piece)
  return collector.frames
}
