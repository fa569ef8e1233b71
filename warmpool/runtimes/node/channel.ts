/**
 * The worker's end of the wire: fd 3 in frames, and the journal on fd 4. Bytes arrive in one buffer that is used again
 * for the next read, so whoever keeps part of a frame copies it. When the channel ends the parent is gone or has let
 * go of this process, and it exits.
 */
import { openSync } from 'node:fs'
import { Socket } from 'node:net'
import { RingReader, RingWriter, TO_PARENT, TO_WORKER } from '../../wire/body-ring.ts'
import { type FrameHandler, FrameReader } from '../../wire/frame-reader.ts'
import { FrameWriter, flushAfterThisRead } from '../../wire/frame-writer.ts'
import { FRAME } from '../../wire/frames.ts'
import { type BegunCounter, openBegunCounter } from './begun-counter.ts'
import { loopIsKeptBy } from './empty-loop.ts'

const WIRE_FD = 3
const JOURNAL_FD = 4
/** Deno's file functions know only what was opened with them. */
const JOURNAL_PATH = '/dev/fd/4'
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
  const journal = process.versions.deno === undefined ? JOURNAL_FD : openSync(JOURNAL_PATH, 'r+')
  const reader = new FrameReader(onFrame)
  reader.ring = new RingReader(journal, TO_WORKER)
  const memory = process.versions.bun === undefined ? Buffer.allocUnsafeSlow(READ_BYTES) : null
  const onChunk = (chunk: Buffer): void => {
    flushAfterThisRead()
    reader.push(chunk)
  }
  const socket = memory === null ? connected(onChunk) : inherited(memory, onChunk)
  const writer = new FrameWriter(socket)
  socket.on('error', () => process.exit(0))
  socket.once('close', () => process.exit(0))
  socket.resume()
  loopIsKeptBy(socket)

  return {
    writer,
    openRing() {
      writer.ring = new RingWriter(journal, TO_PARENT)
    },
    isBorrowed: (chunk) => chunk.buffer === memory?.buffer,
    began: openBegunCounter(journal),
  }
}

function inherited(memory: Buffer, onChunk: (chunk: Buffer) => void): Socket {
  return new Socket({
    fd: WIRE_FD,
    onread: {
      buffer: memory,
      callback: (length: number, buffer: Uint8Array) => {
        onChunk((buffer as Buffer).subarray(0, length))
        return true
      },
    },
  } as ConstructorParameters<typeof Socket>[0])
}

/** Bun takes a descriptor with `connect` alone, and each chunk comes in memory of its own. */
function connected(onChunk: (chunk: Buffer) => void): Socket {
  const socket = new Socket()
  socket.on('data', onChunk)
  return socket.connect({ fd: WIRE_FD } as unknown as Parameters<Socket['connect']>[0])
}

/** A parent that cannot be understood has a bug: it is better to be replaced than to guess. */
export function unexpected(type: number): never {
  const name = Object.entries(FRAME).find(([, value]) => value === type)?.[0] ?? 'unknown'
  throw new Error(`The parent sent a frame of type ${type} (${name}) that is not expected here`)
}
