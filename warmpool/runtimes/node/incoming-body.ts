/**
 * A request's body as it arrives: whole with the head, or in chunks under a window. The parent may send more only as
 * the reader takes what is there, so a slow reader slows the caller down and nothing piles up here. It is read once,
 * either collected or as a stream.
 */
import { bodyCopy, releaseBody } from '../../wire/body-memory.ts'

/** A longer one is not believed until it comes. */
const MOST_ANNOUNCED_BYTES = 16 * 1024 * 1024

/** Grants the parent that many more bytes. */
type Grant = (bytes: number) => void

export class IncomingBody {
  /** There never was one: nothing came and nothing was announced. Does not change as the body is read. */
  readonly isAbsent: boolean
  readonly #grant: Grant
  /** What has arrived and was not taken; null after the end was taken. */
  #chunks: Uint8Array[]
  #hasEnded: boolean
  #error: Error | null = null
  #wake: (() => void) | null = null
  /** The first chunk lies where the next read will be put. */
  #isBorrowed: boolean

  /** Of a borrowed `first`, {@link keep} must be called before its memory is used for something else. */
  constructor(first: Uint8Array | null, more: boolean, grant: Grant, isBorrowed = false) {
    this.#isBorrowed = isBorrowed && first !== null
    this.isAbsent = first === null && !more
    this.#chunks = first === null ? [] : [first]
    this.#hasEnded = !more
    this.#grant = grant
  }

  /** True when nothing more will come and what came lies here: no stream is needed to read it. */
  get isWhole(): boolean {
    return this.#hasEnded && this.#error === null
  }

  /** Copies what is borrowed and was not read yet. */
  keep(): void {
    if (this.#isBorrowed && this.#chunks.length > 0) this.#chunks[0] = bodyCopy(this.#chunks[0]!)
    this.#isBorrowed = false
  }

  push(chunk: Uint8Array): void {
    if (this.#hasEnded || this.#error !== null || chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#notify()
  }

  end(): void {
    this.#hasEnded = true
    this.#notify()
  }

  /** The caller left, or the call has ended: whoever still reads gets the error. */
  abort(error: Error): void {
    if (this.#hasEnded) return
    this.#error = error
    this.#notify()
  }

  /** All of it in one piece, in memory of its own. `announcedBytes`: how long it is said to be; 0 when that is not known. */
  async collect(announcedBytes = 0): Promise<Buffer> {
    const first = await this.next()
    if (first === null) return Buffer.alloc(0)
    const parts = new Joined(first.length < announcedBytes ? Math.min(announcedBytes, MOST_ANNOUNCED_BYTES) : 0)
    for (let chunk: Uint8Array | null = first; chunk !== null; chunk = await this.next()) parts.add(chunk)
    return parts.whole()
  }

  /** All of it at once, when {@link isWhole}. */
  takeWhole(): Buffer {
    this.keep()
    return this.takeToRead()
  }

  /** The same for whoever is done with it before returning: it may lie in borrowed memory. */
  takeToRead(): Buffer {
    const taken = this.#chunks
    this.#chunks = []
    return taken.length === 1 ? asBuffer(taken[0]!) : Buffer.concat(taken)
  }

  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        type: 'bytes',
        pull: async (controller) => {
          const chunk = await this.next()
          if (chunk !== null) return controller.enqueue(detachable(chunk))
          const bytes = controller as ReadableByteStreamController
          bytes.close()
          bytes.byobRequest?.respond(0)
        },
        cancel: () => {
          // Nobody wants the rest: taking it without granting stops the caller, which is what cancelling means.
          this.#chunks = []
          this.#hasEnded = true
        },
      },
      { highWaterMark: 0 },
    )
  }

  /** The next piece, in memory of its own; null after the last. Taking it lets the caller send as much more. */
  async next(): Promise<Uint8Array | null> {
    while (this.#chunks.length === 0) {
      if (this.#error !== null) throw this.#error
      if (this.#hasEnded) return null
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.keep()
    const chunk = this.#chunks.shift()!
    // A call that has ended asks for nothing more.
    if (!this.#hasEnded && this.#error === null) this.#grant(chunk.length)
    return chunk
  }

  #notify(): void {
    this.#wake?.()
    this.#wake = null
  }
}

/** Chunks put together, where their length was known without keeping them until the last has come. */
class Joined {
  readonly #known: Buffer
  #filled = 0
  readonly #rest: Uint8Array[] = []

  constructor(knownBytes: number) {
    this.#known = Buffer.allocUnsafeSlow(knownBytes)
  }

  add(chunk: Uint8Array): void {
    if (this.#filled + chunk.length > this.#known.length) {
      this.#rest.push(chunk)
      return
    }
    this.#known.set(chunk, this.#filled)
    this.#filled += chunk.length
    releaseBody(chunk)
  }

  whole(): Buffer {
    if (this.#rest.length === 0) return this.#known.subarray(0, this.#filled)
    if (this.#rest.length === 1 && this.#filled === 0) return asBuffer(this.#rest[0]!)
    const whole = Buffer.concat([this.#known.subarray(0, this.#filled), ...this.#rest])
    for (const chunk of this.#rest) releaseBody(chunk)
    return whole
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A byte stream takes the memory for itself, which Node refuses for the pool that small Buffers share. */
function detachable(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const isAlone = bytes.byteLength === bytes.buffer.byteLength
  return isAlone ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes)
}
