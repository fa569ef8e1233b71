/**
 * Cuts a byte stream into frames. It treats the other side as hostile: a length over the limit throws at once, and
 * what it holds is never more than one frame. Frames that lie whole in a chunk are passed on without a copy; the
 * receiver gets the chunk and the payload's bounds and must copy what it keeps if the chunk is going to be reused. A
 * payload in the ring is a chunk of its own, which in a mapped ring is used again, too.
 */
import type { RingReader } from './body-ring.ts'
import { type FrameType, HEADER_BYTES, IN_RING, MAX_PAYLOAD_BYTES, ProtocolError } from './frames.ts'

export type FrameHandler = (type: FrameType, id: number, chunk: Buffer, start: number, end: number) => void

export class FrameReader {
  /** Null where the other side has none: a reference into it is then a frame of an unknown type. */
  ring: RingReader | null = null
  readonly #onFrame: FrameHandler
  /** The beginning of a frame that has not come whole, and how much of it is there. */
  #partial: Buffer | null = null
  #filled = 0

  constructor(onFrame: FrameHandler) {
    this.#onFrame = onFrame
  }

  /** Takes the next bytes. Throws {@link ProtocolError}; nothing may be pushed after that. */
  push(chunk: Buffer): void {
    let at = this.#partial === null ? 0 : this.#complete(chunk)
    while (chunk.length - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + payloadLength(chunk, at)
      if (end > chunk.length) break
      this.#emit(chunk, at, end)
      at = end
    }
    if (at < chunk.length) this.#keep(chunk, at)
  }

  #emit(chunk: Buffer, at: number, end: number): void {
    const type = chunk[at + 3]!
    const id = chunk.readUInt32LE(at + 4)
    const start = at + HEADER_BYTES
    if (type < IN_RING || this.ring === null) return this.#onFrame(type as FrameType, id, chunk, start, end)
    const { ring } = this
    const payload = ring.take(chunk, start, end)
    this.#onFrame((type - IN_RING) as FrameType, id, payload, 0, payload.length)
    ring.release()
  }

  /** Keeps the rest of a chunk, in a buffer that has room for the whole frame where its length is known. */
  #keep(chunk: Buffer, at: number): void {
    const isLengthKnown = chunk.length - at >= HEADER_BYTES
    this.#partial = Buffer.allocUnsafe(HEADER_BYTES + (isLengthKnown ? payloadLength(chunk, at) : 0))
    this.#filled = chunk.copy(this.#partial, 0, at)
  }

  /** Fills the kept frame from a chunk and passes it on when it is whole; returns how much of the chunk it took. */
  #complete(chunk: Buffer): number {
    let partial = this.#partial!
    let at = 0
    if (this.#filled < HEADER_BYTES) {
      at = chunk.copy(partial, this.#filled, 0, HEADER_BYTES - this.#filled)
      this.#filled += at
      if (this.#filled < HEADER_BYTES) return at
      const whole = Buffer.allocUnsafe(HEADER_BYTES + payloadLength(partial, 0))
      partial.copy(whole, 0, 0, HEADER_BYTES)
      partial = whole
      this.#partial = whole
    }
    const taken = chunk.copy(partial, this.#filled, at)
    this.#filled += taken
    at += taken
    if (this.#filled === partial.length) {
      this.#partial = null
      this.#emit(partial, 0, partial.length)
    }
    return at
  }
}

function payloadLength(chunk: Buffer, at: number): number {
  const length = chunk.readUInt32LE(at) & 0xffffff
  if (length > MAX_PAYLOAD_BYTES) throw new ProtocolError(`A frame announces ${length} bytes, over the limit`)
  return length
}
