/**
 * An answer's body that leaves in pieces, no faster than the parent grants: its window is what the caller still has
 * room for. What is written when nobody waits for it any more is dropped. An answer that fits one frame needs none.
 */
import { countBodyBytes } from '../../wire/body-memory.ts'
import type { FrameWriter } from '../../wire/frame-writer.ts'
import { DATA_CHUNK_BYTES, FRAME, INITIAL_WINDOW_BYTES } from '../../wire/frames.ts'
import { callerLeft } from './departure.ts'
import { describe } from './web/outgoing.ts'

/** Who answers piece by piece, and hears of what the caller does meanwhile. */
export interface Answerer {
  /** More may be written after a `write` that did not take all. */
  onWritable(): void
  /** Nobody waits for the answer any more; it still has to end. */
  onCancelled(): void
}

export class OutgoingBody {
  readonly #id: number
  readonly #writer: FrameWriter
  #windowBytes = INITIAL_WINDOW_BYTES
  #isCancelled: boolean
  #wake: (() => void) | null = null
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null

  constructor(id: number, writer: FrameWriter, isCancelled: boolean) {
    this.#id = id
    this.#writer = writer
    this.#isCancelled = isCancelled
  }

  /** Sends as much as the window has room for, and returns how much that was. The bytes may lie in borrowed memory. */
  write(bytes: Uint8Array): number {
    if (this.#isCancelled) return bytes.length
    const end = Math.max(0, Math.min(bytes.length, this.#windowBytes))
    for (let at = 0; at < end; at += DATA_CHUNK_BYTES)
      this.#writer.bytes(FRAME.data, this.#id, bytes.subarray(at, Math.min(at + DATA_CHUNK_BYTES, end)), true)
    this.#windowBytes -= end
    return end
  }

  /** Resolves when all of it is sent, or dropped. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      while (this.#windowBytes <= 0 && !this.#isCancelled) await this.#granted()
      if (this.#isCancelled) return
      const end = Math.min(at + Math.min(DATA_CHUNK_BYTES, this.#windowBytes), bytes.length)
      countBodyBytes(end - at)
      this.#windowBytes -= end - at
      // A small chunk is copied when it is written, a large one must not be changed by the handler meanwhile: as in
      // Node's own streams, what was enqueued is given away.
      this.#writer.bytes(FRAME.data, this.#id, at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end))
      at = end
    }
  }

  /** The same for all that a stream gives. Throws what it throws, and TypeError where it gives no bytes. */
  async sendAll(stream: ReadableStream<Uint8Array>): Promise<void> {
    // Cancelling the reader ends a read that is waited for, so that a stream that says nothing more holds no slot.
    const reader = stream.getReader()
    this.#reader = reader
    while (!this.#isCancelled) {
      const { done, value } = await reader.read()
      if (done) break
      await this.send(typeof value === 'string' ? Buffer.from(value) : asBytes(value))
    }
    if (this.#isCancelled) await reader.cancel(callerLeft()).catch(() => {})
  }

  /** True: there is room. */
  grant(bytes: number): boolean {
    this.#windowBytes += bytes
    this.#notify()
    return this.#windowBytes > 0
  }

  /** Nobody waits for it any more. */
  cancel(): void {
    this.#isCancelled = true
    void this.#reader?.cancel(callerLeft()).catch(() => {})
    this.#notify()
  }

  #granted(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #notify(): void {
    this.#wake?.()
    this.#wake = null
  }
}

function asBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  throw new TypeError(`The body stream gave ${describe(value)}, not bytes`)
}
