/** The ring by itself: bodies come out as they went in, whatever their sizes, and a hostile other side gets an error. */
import { closeSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { Journal } from '../../../warmpool/journal.ts'
import { type MemoryFile, openUnlinkedFile } from '../../../warmpool/memory-file.ts'
import {
  RING_BYTES,
  RingReader,
  RingWriter,
  SHARED_FILE_BYTES,
  TO_PARENT,
  TO_WORKER,
} from '../../../warmpool/wire/body-ring.ts'
import { cFunctions, mapFile } from '../../../warmpool/wire/c-library.ts'
import { ProtocolError } from '../../../warmpool/wire/frames.ts'
import { numbers } from './frames-by-hand.ts'

/** Node 26 has it. */
const HAS_FFI = cFunctions({}) !== null

function makeRing(place = TO_WORKER, file?: MemoryFile) {
  const journal = new Journal(file)
  onTestFinished(() => journal.close())
  return { fd: journal.fd, writer: new RingWriter(journal.fd, place), reader: new RingReader(journal.fd, place) }
}

/** The reference to what was put in last. */
function reference({ offset, mark }: RingWriter, length: number): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt32LE(offset, 0)
  bytes.writeUInt32LE(length, 4)
  bytes.writeUInt32LE(mark, 8)
  return bytes
}

test('bodies of many sizes come out whole, in order, however many wait in between', () => {
  const { writer, reader } = makeRing()
  const random = numbers(7)
  const waiting: { bytes: Buffer; reference: Buffer }[] = []
  let refused = 0
  for (let round = 0; round < 3_000; round++) {
    const bytes = Buffer.alloc(1 + random(RING_BYTES / 5), round)
    if (writer.put(bytes)) waiting.push({ bytes, reference: reference(writer, bytes.length) })
    else refused++
    while (waiting.length > random(8)) {
      const first = waiting.shift()!
      expect(reader.take(first.reference, 0, 12).equals(first.bytes)).toBe(true)
    }
  }
  expect(refused).toBeGreaterThan(0)
})

test('a beginning and the bytes behind it are one payload', () => {
  const { writer, reader } = makeRing()
  expect(writer.put(Buffer.from('body'), Buffer.from('head:'))).toBe(true)
  const chunk = Buffer.concat([Buffer.from('..'), reference(writer, 9), Buffer.from('next frame')])
  expect(reader.take(chunk, 2, 2 + 12).toString()).toBe('head:body')
})

test.skipIf(!HAS_FFI)('in a mapped ring a payload lies where it is until it is released', () => {
  const { fd, writer, reader } = makeRing()
  expect(writer.put(Buffer.alloc(RING_BYTES, 'ab'))).toBe(true)
  reader.mapped = mapFile(fd, SHARED_FILE_BYTES)!.memory
  const payload = reader.take(reference(writer, RING_BYTES), 0, 12)
  expect(payload.buffer).toBe(reader.mapped.buffer)
  expect(payload.equals(Buffer.alloc(RING_BYTES, 'ab'))).toBe(true)
  expect(writer.put(Buffer.alloc(1))).toBe(false)
  reader.release()
  expect(writer.put(Buffer.alloc(2, 'c'))).toBe(true)
  expect(payload.toString('latin1', 0, 4)).toBe('ccab')
})

test('it takes exactly its size, then nothing until something was taken out', () => {
  const { writer, reader } = makeRing()
  const half = Buffer.alloc(RING_BYTES / 2, 1)
  expect(writer.put(half)).toBe(true)
  const first = reference(writer, half.length)
  expect(writer.put(half)).toBe(true)
  const second = reference(writer, half.length)
  expect(writer.put(Buffer.alloc(1))).toBe(false)
  reader.take(first, 0, 12)
  expect(writer.put(half)).toBe(true)
  expect(writer.offset).toBe(0)
  expect(writer.put(Buffer.alloc(1))).toBe(false)
  reader.take(second, 0, 12)
  expect(writer.put(Buffer.alloc(1))).toBe(true)
})

test('what is larger than the ring is refused, and an empty ring begins at its start', () => {
  const { writer, reader } = makeRing()
  expect(writer.put(Buffer.alloc(RING_BYTES + 1))).toBe(false)
  for (let round = 0; round < 3; round++) {
    expect(writer.put(Buffer.alloc(RING_BYTES / 2 + 1))).toBe(true)
    expect(writer.offset).toBe(0)
    reader.take(reference(writer, RING_BYTES / 2 + 1), 0, 12)
  }
})

test('the two directions and the journal do not touch each other', () => {
  const { fd, writer } = makeRing(TO_WORKER)
  const other = new RingWriter(fd, TO_PARENT)
  writeSync(fd, Buffer.from([1, 2, 3, 4]), 0, 4, 0)
  const [there, back] = [Buffer.alloc(RING_BYTES, 1), Buffer.alloc(RING_BYTES, 2)]
  expect([writer.put(there), other.put(back)]).toEqual([true, true])
  expect(new RingReader(fd, TO_WORKER).take(reference(writer, RING_BYTES), 0, 12).equals(there)).toBe(true)
  expect(new RingReader(fd, TO_PARENT).take(reference(other, RING_BYTES), 0, 12).equals(back)).toBe(true)
  const counter = Buffer.alloc(4)
  readSync(fd, counter, 0, 4, 0)
  expect([...counter]).toEqual([1, 2, 3, 4])
})

test('marks count on through the end of their 32 bits', () => {
  const { fd, writer, reader } = makeRing()
  writer.mark = 0xfffffff0
  writeSync(fd, Buffer.from([0xf0, 0xff, 0xff, 0xff]), 0, 4, TO_WORKER.markAt)
  const half = Buffer.alloc(RING_BYTES / 2, 9)
  for (let round = 0; round < 8; round++) {
    expect(writer.put(half)).toBe(true)
    const first = reference(writer, half.length)
    expect(writer.put(half)).toBe(true)
    const second = reference(writer, half.length)
    expect(writer.put(half)).toBe(false)
    for (const taken of [first, second]) expect(reader.take(taken, 0, 12).equals(half)).toBe(true)
  }
})

const hostile: readonly [string, offset: number, length: number][] = [
  ['a length over the ring', 0, RING_BYTES + 1],
  ['a place behind the ring', RING_BYTES, 1],
  ['a place that overflows', 0xffffffff, 0xffffffff],
]
test.each(hostile)('a reference with %s is refused', (_what, offset, length) => {
  const { reader } = makeRing()
  const bytes = reference({ offset, mark: 0 } as RingWriter, length)
  expect(() => reader.take(bytes, 0, 12)).toThrow(/which are not in the ring/)
})

test('a frame that is not as long as a reference, or a file that was cut, is refused', () => {
  const { fd, writer, reader } = makeRing(TO_WORKER, openUnlinkedFile())
  for (const bytes of [11, 13]) expect(() => reader.take(Buffer.alloc(bytes), 0, bytes)).toThrow(`of ${bytes} bytes`)
  writer.put(Buffer.alloc(10_000))
  ftruncateSync(fd, 5_000)
  expect(() => reader.take(reference(writer, 10_000), 0, 12)).toThrow(/does not have/)
})

test('a mark that has no room breaks the protocol and nothing else', () => {
  const fd = openSync(process.execPath, 'r')
  onTestFinished(() => closeSync(fd))
  const nothing = reference({ offset: 0, mark: 1 } as RingWriter, 0)
  expect(() => new RingReader(fd, TO_WORKER).take(nothing, 0, 12)).toThrow(ProtocolError)
})

test('it is crowded while more than half of it waits, and not any longer', () => {
  const { writer, reader } = makeRing()
  writer.put(Buffer.alloc(RING_BYTES / 2 + 1))
  expect(writer.isCrowded).toBe(true)
  reader.take(reference(writer, RING_BYTES / 2 + 1), 0, 12)
  expect(writer.isCrowded).toBe(false)
})

test('where the file cannot be written to, everything goes another way', () => {
  const fd = openSync(process.execPath, 'r')
  onTestFinished(() => closeSync(fd))
  const writer = new RingWriter(fd, TO_WORKER)
  expect(writer.put(Buffer.alloc(10))).toBe(false)
  expect(writer.put(Buffer.alloc(10))).toBe(false)
})
