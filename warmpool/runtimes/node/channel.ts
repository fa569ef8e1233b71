/**
 * The worker's end of the wire: fd 3 in frames, and the journal on fd 4. Bytes arrive in one buffer that is used again
 * for the next read, so whoever keeps part of a frame copies it. When the channel ends the parent is gone or has let
 * go of this process, and it exits.
 */
import { Socket } from 'node:net'
import { RingReader, RingWriter, TO_PARENT, TO_WORKER } from '../../wire/body-ring.ts'
import { type FrameHandler, FrameReader } from '../../wire/frame-reader.ts'
import { FrameWriter, flushAfterThisRead } from '../../wire/frame-writer.ts'
import { FRAME } from '../../wire/frames.ts'
import { type BegunCounter, openBegunCounter } from './begun-counter.ts'
import { loopIsKeptBy } from './empty-loop.ts'

const WIRE_FD = 3
const JOURNAL_FD = 4
const READ_BYTES = 256 * 1024

export interface Channel {
  readonly writer: FrameWriter
  /** Large answers go through the shared file from now on. */
  openRing(): void
  /** These bytes lie where the next read will be put. */
  isBorrowed(chunk: Buffer): boolean
  readonly began: BegunCounter
}

export function openChannel(onFrame: FrameHandler): Channel {
  const reader = new FrameReader(onFrame)
  reader.ring = new RingReader(JOURNAL_FD, TO_WORKER)
  const memory = Buffer.allocUnsafeSlow(READ_BYTES)
  const socket = new Socket({
    fd: WIRE_FD,
    onread: {
      buffer: memory,
      callback: (length: number, buffer: Uint8Array) => {
        flushAfterThisRead()
        reader.push((buffer as Buffer).subarray(0, length))
        return true
      },
    },
  } as ConstructorParameters<typeof Socket>[0])
  const writer = new FrameWriter(socket)
  socket.on('error', () => process.exit(0))
  socket.once('close', () => process.exit(0))
  socket.resume()
  loopIsKeptBy(socket)

  return {
    writer,
    openRing() {
      writer.ring = new RingWriter(JOURNAL_FD, TO_PARENT)
    },
    isBorrowed: (chunk) => chunk.buffer === memory.buffer,
    began: openBegunCounter(JOURNAL_FD),
  }
}

/** A parent that cannot be understood has a bug: it is better to be replaced than to guess. */
export function unexpected(type: number): never {
  const name = Object.entries(FRAME).find(([, value]) => value === type)?.[0] ?? 'unknown'
  throw new Error(`The parent sent a frame of type ${type} (${name}) that is not expected here`)
}
