/**
 * Large payloads without a socket. A worker's shared file (fd 4) holds a ring for each direction: whoever sends copies a
 * payload into its ring and names the place in a small frame, whoever receives takes it out and says how far it has come.
 * A mebibyte through a socket is sixteen wake-ups of each side and as many buffers; this is two copies. Nobody ever
 * waits for room: what does not fit goes over the socket as it would without a ring. Either side may have the file in
 * its memory, the parent only one that nobody can shorten: touching what a file has no more is a fault that ends a process.
 */
import { readSync, writeSync, writevSync } from 'node:fs'
import { allocateBody } from './body-memory.ts'
import { MAX_PAYLOAD_BYTES, ProtocolError } from './frames.ts'

/** Room for each direction. Pages are taken up as they are used: a ring that runs empty begins at its start again. */
export const RING_BYTES = MAX_PAYLOAD_BYTES
/** From this size on a body goes through the ring; smaller ones cost less in the frame itself. */
export const RING_FROM_BYTES = 32 * 1024
/** What is a frame's payload in the place of the one in the ring: `offset u32 · length u32 · mark u32`. */
export const REFERENCE_BYTES = 12

/** Where a direction's ring lies in the file, and where its receiver writes the mark up to which it has taken. */
export interface RingPlace {
  readonly markAt: number
  readonly bytesAt: number
}

/** The journal's counter has the first four bytes, this is all that follows. */
export const TO_WORKER: RingPlace = { markAt: 4, bytesAt: 4096 }
export const TO_PARENT: RingPlace = { markAt: 8, bytesAt: 4096 + RING_BYTES }

export const SHARED_FILE_BYTES = TO_PARENT.bytesAt + RING_BYTES

const MARK_BYTES = 4

/** The sender's end. */
export class RingWriter {
  /** How many payloads were put in. */
  puts = 0
  /** The file in this process's memory; null where it is written with `pwrite`. */
  mapped: Buffer | null = null
  /** Where the last payload lies, and what its receiver is to write down once it has taken it. */
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

  /** False: there is no room, and nothing was written. `start`: what the payload begins with, if not with `bytes`. */
  put(bytes: Uint8Array, start: Uint8Array | null = null): boolean {
    const length = bytes.length + (start?.length ?? 0)
    if (this.mark !== this.#takenMark) this.#takenMark = this.#readMark()
    const used = this.#usedBytes
    // What was used last is in the processor's cache, and the pages behind it need not exist.
    if (used === 0) this.#end = 0
    // A payload lies in one piece: what is too short for it at the ring's end is passed over.
    const offset = this.#end + length > RING_BYTES ? 0 : this.#end
    const passedOver = offset === 0 && used > 0 ? RING_BYTES - this.#end : 0
    if (used + passedOver + length > RING_BYTES || !this.#write(bytes, start, offset)) return false
    this.offset = offset
    this.#end = offset + length
    this.mark = (this.mark + passedOver + length) >>> 0
    return true
  }

  /** False: the memory for it is not to be had (in a container /dev/shm is small), and will not be tried for again. */
  #write(bytes: Uint8Array, start: Uint8Array | null, offset: number): boolean {
    if (this.#isBroken) return false
    const at = this.#place.bytesAt + offset
    this.puts++
    if (this.mapped !== null) {
      if (start !== null) this.mapped.set(start, at)
      this.mapped.set(bytes, at + (start?.length ?? 0))
      return true
    }
    try {
      this.#isBroken =
        start === null
          ? writeSync(this.#fd, bytes, 0, bytes.length, at) < bytes.length
          : writevSync(this.#fd, [start, bytes], at) < start.length + bytes.length
    } catch {
      this.#isBroken = true
    }
    return !this.#isBroken
  }

  #readMark(): number {
    if (this.mapped !== null) return this.mapped.readUInt32LE(this.#place.markAt)
    this.#taken.fill(0)
    readSync(this.#fd, this.#taken, 0, MARK_BYTES, this.#place.markAt)
    return this.#taken.readUInt32LE()
  }
}

/**
 * The receiver's end. What lies in the ring is looked at with {@link take} and its place given back with {@link release},
 * after which it may be written over.
 */
export class RingReader {
  /** How many payloads were taken. */
  taken = 0
  /** The file in this process's memory; null where it is read with `pread`. */
  mapped: Buffer | null = null
  readonly #fd: number
  readonly #place: RingPlace
  readonly #mark = Buffer.alloc(MARK_BYTES)
  #isTaken = false

  constructor(fd: number, place: RingPlace) {
    this.#fd = fd
    this.#place = place
  }

  /**
   * The payload that a frame's payload refers to: where it lies in a mapped ring, else in memory of its own. Throws
   * {@link ProtocolError} when there is no such place or not so much in it.
   */
  take(chunk: Buffer, start: number, end: number): Buffer {
    if (end - start !== REFERENCE_BYTES) throw new ProtocolError(`a reference into the ring of ${end - start} bytes`)
    const offset = chunk.readUInt32LE(start)
    const length = chunk.readUInt32LE(start + 4)
    if (offset + length > RING_BYTES)
      throw new ProtocolError(`a reference to ${length} bytes at ${offset}, which are not in the ring`)
    chunk.copy(this.#mark, 0, start + 8, end)
    this.#isTaken = true
    this.taken++
    const at = this.#place.bytesAt + offset
    if (this.mapped !== null) return this.mapped.subarray(at, at + length)
    const copy = allocateBody(length)
    if (!this.#read(copy, at)) throw new ProtocolError('a reference to bytes that its shared file does not have')
    this.release()
    return copy
  }

  /** Whoever was given the last payload is done with it. Throws {@link ProtocolError} where not even that has room. */
  release(): void {
    if (!this.#isTaken) return
    this.#isTaken = false
    try {
      if (writeSync(this.#fd, this.#mark, 0, MARK_BYTES, this.#place.markAt) === MARK_BYTES) return
    } catch {
      // The other side has let the file run full.
    }
    throw new ProtocolError('a shared file in which a mark has no room')
  }

  /** False: the other side has shortened the file. */
  #read(copy: Buffer, at: number): boolean {
    try {
      return readSync(this.#fd, copy, 0, copy.length, at) === copy.length
    } catch {
      return false
    }
  }
}
