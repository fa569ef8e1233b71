/**
 * The worker's end of the wire: fd 3 in frames, and the journal on fd 4. Bytes arrive in one buffer that is used again
 * for the next read, or lie in a ring that is written over, so whoever keeps part of a frame copies it. When the channel ends the parent is gone or has let
 * go of this process, and it exits.
 */
import { openSync, readSync } from 'node:fs'
import { Socket } from 'node:net'
import { RING_BYTES, RingReader, RingWriter, TO_PARENT, TO_WORKER } from '../../wire/body-ring.ts'
import { mapFile } from '../../wire/c-library.ts'
import { type FrameHandler, FrameReader } from '../../wire/frame-reader.ts'
import { FrameWriter, flushAfterThisRead } from '../../wire/frame-writer.ts'
import { FRAME, ProtocolError } from '../../wire/frames.ts'
import { type BegunCounter, openBegunCounter } from './begun-counter.ts'
import { loopIsKeptBy } from './empty-loop.ts'

const WIRE_FD = 3
const JOURNAL_FD = 4
/** Deno's file functions know only what was opened with them. */
const JOURNAL_PATH = '/dev/fd/4'
const READ_BYTES = 256 * 1024
/** So many bodies of a mebibyte save as much time as mapping takes. */
const MAPPED_FROM = 16
/** The beginning of what lies in the ring when it is mapped: by then there is more. */
const COMPARED_BYTES = 4096

/** What a parent has given, by their descriptors. */
export interface Given {
  readonly wire: number
  readonly journal: number
}

export interface Channel {
  readonly socket: Socket
  readonly writer: FrameWriter
  /** Large answers go through the shared file from now on. */
  openRing(): void
  /** These bytes lie where the next read will be put. */
  isBorrowed(chunk: Buffer): boolean
  readonly began: BegunCounter
}

export function givenByParent(): Given {
  const journal = process.versions.deno === undefined ? JOURNAL_FD : openSync(JOURNAL_PATH, 'r+')
  return { wire: WIRE_FD, journal }
}

export function openChannel({ wire, journal }: Given, onFrame: FrameHandler): Channel {
  const ring = new RingReader(journal, TO_WORKER)
  let isMappingTried = false
  const reader = new FrameReader(onFrame)
  reader.ring = ring
  const memory = process.versions.bun === undefined ? Buffer.allocUnsafeSlow(READ_BYTES) : null
  const onChunk = (chunk: Buffer): void => {
    flushAfterThisRead()
    reader.push(chunk)
    if (ring.taken >= MAPPED_FROM && !isMappingTried) {
      isMappingTried = true
      ring.mapped = mapRing(journal)
    }
  }
  const socket = memory === null ? connected(wire, onChunk) : inherited(wire, memory, onChunk)
  const writer = new FrameWriter(socket)
  socket.resume()

  return {
    socket,
    writer,
    openRing() {
      writer.ring = new RingWriter(journal, TO_PARENT)
    },
    isBorrowed: ({ buffer }) => buffer === memory?.buffer || buffer === ring.mapped?.buffer,
    began: openBegunCounter(journal),
  }
}

/** Null where it cannot be had, or is not what the file has. */
function mapRing(fd: number): Buffer | null {
  const mapped = mapFile(fd, TO_WORKER.bytesAt + RING_BYTES)?.memory
  if (mapped === undefined) return null
  const first = Buffer.alloc(COMPARED_BYTES)
  readSync(fd, first, 0, COMPARED_BYTES, TO_WORKER.bytesAt)
  return first.equals(mapped.subarray(TO_WORKER.bytesAt, TO_WORKER.bytesAt + COMPARED_BYTES)) ? mapped : null
}

/** From here on this process is its parent's: it ends with the channel. */
export function liveWith({ socket }: Channel): void {
  socket.on('error', () => process.exit(0))
  socket.once('close', () => process.exit(0))
  loopIsKeptBy(socket)
}

function inherited(fd: number, memory: Buffer, onChunk: (chunk: Buffer) => void): Socket {
  return new Socket({
    fd,
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
function connected(fd: number, onChunk: (chunk: Buffer) => void): Socket {
  const socket = new Socket()
  socket.on('data', onChunk)
  return socket.connect({ fd } as unknown as Parameters<Socket['connect']>[0])
}

/** A parent that cannot be understood has a bug: it is better to be replaced than to guess. */
export function unexpected(type: number): never {
  const name = Object.entries(FRAME).find(([, value]) => value === type)?.[0] ?? 'unknown'
  throw new ProtocolError(`The parent sent a frame of type ${type} (${name}) that is not expected here`)
}
