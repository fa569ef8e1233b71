/**
 * Large bodies without a socket. A worker's shared file (fd 4) holds a ring for each direction: whoever sends copies a
 * body into its ring and names the place in a small frame, whoever receives copies it out and says how far it has come.
 * A mebibyte through a socket is sixteen wake-ups of each side and as many buffers; this is two copies. Nobody ever
 * waits for room: what does not fit goes over the socket as it would without a ring. Neither side maps the file, so that
 * one that shortens it gives the other a short read and not a fault.
 */
import { readSync, writeSync } from 'node:fs'
import { allocateBody } from './body-memory.ts'
import { MAX_PAYLOAD_BYTES, ProtocolError } from './frames.ts'

/** Room for each direction. Pages are taken up as they are used: a ring that runs empty begins at its start again. */
export const RING_BYTES = MAX_PAYLOAD_BYTES
/** From this size on a body goes through the ring; smaller ones cost less in the frame itself. */
export const RING_FROM_BYTES = 32 * 1024
/** What stands in a frame for a body: `offset u32 · length u32 · mark u32`. */
export const REFERENCE_BYTES = 12

/** Where a direction's ring lies in the file, and where its receiver writes the mark up to which it has taken. */
export interface RingPlace {
  readonly markAt: number
  readonly bytesAt: number
}

/** The journal's counter has the first four bytes. */
export const TO_WORKER: RingPlace = { markAt: 4, bytesAt: 4096 }
export const TO_PARENT: RingPlace = { markAt: 8, bytesAt: 4096 + RING_BYTES }

const MARK_BYTES = 4

/** The sender's end. */
export class RingWriter {
  /** Where the last body lies, and what its receiver is to write down once it has taken it. */
  offset = 0
  mark = 0
  readonly #fd: number
  readonly #place: RingPlace
  readonly #taken = Buffer.alloc(MARK_BYTES)
  /** The first byte behind what was put in last. */
  #end = 0
  #takenMark = 0
  #isBroken = false

  constructor(fd: number, place: RingPlace) {
    this.#fd = fd
    this.#place = place
  }

  /** Half of it is in use: whoever can wait for the receiver should. */
  get isCrowded(): boolean {
    if (this.#usedBytes <= RING_BYTES / 2) return false
    this.#takenMark = this.#readMark()
    return this.#usedBytes > RING_BYTES / 2
  }

  /** As far as is known: the receiver may have gone on. */
  get #usedBytes(): number {
    return (this.mark - this.#takenMark) >>> 0
  }

  /** False: there is no room, and nothing was written. */
  put(bytes: Uint8Array): boolean {
    const { length } = bytes
    if (this.mark !== this.#takenMark) this.#takenMark = this.#readMark()
    const used = this.#usedBytes
    // What was used last is in the processor's cache, and the pages behind it need not exist.
    if (used === 0) this.#end = 0
    // A body lies in one piece: what is too short for it at the ring's end is passed over.
    const offset = this.#end + length > RING_BYTES ? 0 : this.#end
    const passedOver = offset === 0 && used > 0 ? RING_BYTES - this.#end : 0
    if (used + passedOver + length > RING_BYTES || !this.#write(bytes, offset)) return false
    this.offset = offset
    this.#end = offset + length
    this.mark = (this.mark + passedOver + length) >>> 0
    return true
  }

  /** False: the memory for it is not to be had (in a container /dev/shm is small), and will not be tried for again. */
  #write(bytes: Uint8Array, offset: number): boolean {
    if (this.#isBroken) return false
    try {
      this.#isBroken = writeSync(this.#fd, bytes, 0, bytes.length, this.#place.bytesAt + offset) < bytes.length
    } catch {
      this.#isBroken = true
    }
    return !this.#isBroken
  }

  #readMark(): number {
    this.#taken.fill(0)
    readSync(this.#fd, this.#taken, 0, MARK_BYTES, this.#place.markAt)
    return this.#taken.readUInt32LE()
  }
}

/** The receiver's end. */
export class RingReader {
  readonly #fd: number
  readonly #place: RingPlace
  readonly #mark = Buffer.alloc(MARK_BYTES)

  constructor(fd: number, place: RingPlace) {
    this.#fd = fd
    this.#place = place
  }

  /**
   * A frame's payload with the body in the place of the reference that ends it, in memory of its own. Throws
   * {@link ProtocolError} when there is no such place or not so much in it.
   */
  resolve(chunk: Buffer, start: number, end: number): Buffer {
    const at = end - REFERENCE_BYTES
    if (at < start) throw new ProtocolError('a reference into the ring that is too short')
    const offset = chunk.readUInt32LE(at)
    const length = chunk.readUInt32LE(at + 4)
    const before = at - start
    if (offset + length > RING_BYTES || before + length > MAX_PAYLOAD_BYTES)
      throw new ProtocolError(`a reference to ${length} bytes at ${offset}, which are not in the ring`)
    const whole = allocateBody(before + length)
    chunk.copy(whole, 0, start, at)
    chunk.copy(this.#mark, 0, at + 8, end)
    if (!this.#take(whole, before, length, offset))
      throw new ProtocolError('a reference to bytes that its shared file does not have')
    return whole
  }

  /** False: the other side has shortened the file, or has let it run full so that not even a mark has room. */
  #take(whole: Buffer, before: number, length: number, offset: number): boolean {
    try {
      const isWhole = readSync(this.#fd, whole, before, length, this.#place.bytesAt + offset) === length
      return isWhole && writeSync(this.#fd, this.#mark, 0, MARK_BYTES, this.#place.markAt) === MARK_BYTES
    } catch {
      return false
    }
  }
}
