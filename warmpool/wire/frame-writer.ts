/**
 * Puts all frames of one event-loop turn into one write: per-call wake-ups are what costs, not bytes. Small frames
 * are copied into a slab, large chunks are passed on as they are (copied at most by the kernel). What is written is
 * bounded by the windows of the invocations, so the writer itself never refuses.
 */
import type { Writable } from 'node:stream'
import { bodyCopy, keepBody } from './body-memory.ts'
import { REFERENCE_BYTES, RING_FROM_BYTES, type RingWriter } from './body-ring.ts'
import {
  FLAG_MORE,
  FLAG_PENDING,
  FLAG_SECURE,
  FRAME,
  type FrameType,
  HEADER_BYTES,
  IN_RING,
  MAX_PAYLOAD_BYTES,
  ProtocolError,
  REQUEST_PREFIX_BYTES,
  RESPONSE_PREFIX_BYTES,
} from './frames.ts'

const SLAB_BYTES = 64 * 1024
/** From this size on a chunk is handed to the socket itself instead of being copied into the slab. */
const PASS_ON_BYTES = 4 * 1024

/** So many frames are sent before the turn ends, so that the other side works on them while this one goes on. */
const EARLY_FRAMES = 64

const MAX_U32 = 0xffffffff

type Body = Uint8Array | string | null

const dirty: FrameWriter[] = []
/** A flush is under way that needs no turn of the loop. */
let isFlushDue = false
const settled = Promise.resolve()

/**
 * To be called when a read has brought frames: what its receivers write at once, or as promises that are resolved
 * already go on, leaves right after them. Waiting for the turn's end would gather hardly more, and a turn costs more than
 * a small write.
 */
export function flushAfterThisRead(): void {
  if (isFlushDue) return
  isFlushDue = true
  // From within a microtask, a tick comes after all of them.
  settled.then(scheduleFlush)
}

function scheduleFlush(): void {
  process.nextTick(flushAll)
}

function flushAll(): void {
  isFlushDue = false
  const writers = dirty.splice(0)
  for (const writer of writers) writer.flush()
}

export class FrameWriter {
  /** Takes large bodies; null where the other side has none. */
  ring: RingWriter | null = null
  readonly #socket: Writable
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
  #start = 0
  #end = 0
  /** Segments of this turn that stand before the slab's current one. */
  #segments: Uint8Array[] = []
  #isDirty = false
  #frames = 0

  constructor(socket: Writable) {
    this.#socket = socket
  }

  /** A frame without payload. */
  empty(type: FrameType, id: number): void {
    this.#header(type, id, 0, 0)
  }

  json(type: FrameType, id: number, value: unknown): void {
    this.bytes(type, id, Buffer.from(JSON.stringify(value)))
  }

  /** `isBorrowed`: the bytes lie in memory that is used again once this has returned. */
  bytes(type: FrameType, id: number, payload: Uint8Array, isBorrowed = false): void {
    if (payload.length > MAX_PAYLOAD_BYTES) throw new ProtocolError(`A frame of ${payload.length} bytes is too long`)
    const { ring } = this
    if (ring !== null && payload.length >= RING_FROM_BYTES && ring.put(payload)) {
      return this.#reference(type, id, ring, payload.length)
    }
    const inSlab = payload.length < PASS_ON_BYTES
    this.#header(type, id, payload.length, inSlab ? payload.length : 0)
    if (inSlab) this.#copy(payload)
    else this.#passOn(isBorrowed ? bodyCopy(payload) : payload)
  }

  window(id: number, bytes: number): void {
    this.#header(FRAME.window, id, 4, 4)
    this.#slab.writeUInt32LE(bytes, this.#end)
    this.#end += 4
  }

  end(id: number, pending: boolean): void {
    if (!pending) return this.empty(FRAME.end, id)
    this.#header(FRAME.end, id, 1, 1)
    this.#slab[this.#end++] = FLAG_PENDING
  }

  /** `timeLeftMs` 0 means no limit; more than fits (49 days) is sent as the most that fits. */
  request(id: number, timeLeftMs: number, secure: boolean, head: string, body: Body, more: boolean): void {
    const flags = (more ? FLAG_MORE : 0) | (secure ? FLAG_SECURE : 0)
    this.#envelope(FRAME.request, id, flags, Math.min(timeLeftMs, MAX_U32), head, body, false)
  }

  response(
    id: number,
    status: number,
    head: string,
    body: Body,
    more: boolean,
    pending: boolean,
    isBorrowed = false,
  ): void {
    const flags = (more ? FLAG_MORE : 0) | (pending ? FLAG_PENDING : 0)
    this.#envelope(FRAME.response, id, flags, status, head, body, isBorrowed)
  }

  /** Writes what this turn has gathered. Called by itself once a turn. */
  flush(): void {
    this.#isDirty = false
    this.#frames = 0
    const socket = this.#socket
    this.#closeSegment()
    const segments = this.#segments
    this.#segments = []
    if (!socket.writable) return
    if (segments.length === 1) {
      socket.write(segments[0]!)
      return
    }
    socket.cork()
    for (const segment of segments) socket.write(segment)
    socket.uncork()
  }

  /** Calls back once everything written so far has left this process. */
  whenWritten(callback: () => void): void {
    this.flush()
    this.#socket.write('', () => callback())
  }

  /** Flags, a number (of four bytes in a request, of two in a response), head and body. */
  #envelope(
    type: FrameType,
    id: number,
    flags: number,
    word: number,
    head: string,
    body: Body,
    isBorrowed: boolean,
  ): void {
    const fixedBytes = (type === FRAME.request ? REQUEST_PREFIX_BYTES : RESPONSE_PREFIX_BYTES) + head.length
    const isText = typeof body === 'string'
    const bodyBytes = body === null ? 0 : isText ? Buffer.byteLength(body) : body.length
    const payloadBytes = fixedBytes + bodyBytes
    if (payloadBytes > MAX_PAYLOAD_BYTES) throw new ProtocolError(`A frame of ${payloadBytes} bytes is too long`)
    const large = bodyBytes < PASS_ON_BYTES ? null : isText ? Buffer.from(body) : (body as Uint8Array)
    if (large !== null && this.ring !== null && bodyBytes >= RING_FROM_BYTES) {
      const fixed = Buffer.allocUnsafe(fixedBytes)
      writeFixed(fixed, 0, type, flags, word, head)
      if (this.ring.put(large, fixed)) return this.#reference(type, id, this.ring, payloadBytes)
    }
    this.#header(type, id, payloadBytes, fixedBytes + (large === null ? bodyBytes : 0))
    this.#end = writeFixed(this.#slab, this.#end, type, flags, word, head)
    if (large !== null) this.#passOn(isBorrowed ? bodyCopy(large) : large)
    else if (isText) this.#end += this.#slab.write(body, this.#end, 'utf8')
    else if (body !== null) this.#copy(body as Uint8Array)
  }

  #header(type: number, id: number, payloadBytes: number, slabBytes: number): void {
    if (this.#frames++ >= EARLY_FRAMES) {
      this.flush()
      this.#frames = 1
    }
    if (!this.#isDirty) {
      this.#isDirty = true
      if (dirty.push(this) === 1 && !isFlushDue) setImmediate(flushAll)
    }
    if (this.#end + HEADER_BYTES + slabBytes > this.#slab.length) {
      this.#closeSegment()
      // A head may be longer than a slab; such a frame gets one of its own.
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, HEADER_BYTES + slabBytes))
      this.#start = 0
      this.#end = 0
    }
    const slab = this.#slab
    slab.writeUInt32LE((payloadBytes | (type << 24)) >>> 0, this.#end)
    slab.writeUInt32LE(id, this.#end + 4)
    this.#end += HEADER_BYTES
  }

  #copy(bytes: Uint8Array): void {
    this.#slab.set(bytes, this.#end)
    this.#end += bytes.length
  }

  /** A frame whose payload is the ring's last. */
  #reference(type: FrameType, id: number, ring: RingWriter, bytes: number): void {
    this.#header(type | IN_RING, id, REFERENCE_BYTES, REFERENCE_BYTES)
    const slab = this.#slab
    slab.writeUInt32LE(ring.offset, this.#end)
    slab.writeUInt32LE(bytes, this.#end + 4)
    slab.writeUInt32LE(ring.mark, this.#end + 8)
    this.#end += REFERENCE_BYTES
  }

  #passOn(bytes: Uint8Array): void {
    keepBody(bytes)
    this.#closeSegment()
    this.#segments.push(bytes)
  }

  #closeSegment(): void {
    if (this.#end > this.#start) this.#segments.push(this.#slab.subarray(this.#start, this.#end))
    this.#start = this.#end
  }
}

/** What stands before the body; returns where it ends. */
function writeFixed(slab: Buffer, at: number, type: FrameType, flags: number, word: number, head: string): number {
  slab[at] = flags
  const headAt = type === FRAME.request ? slab.writeUInt32LE(word, at + 1) : slab.writeUInt16LE(word, at + 1)
  const headStart = slab.writeUInt32LE(head.length, headAt)
  return head.length === 0 ? headStart : headStart + slab.write(head, headStart, 'latin1')
}
