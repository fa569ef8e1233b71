/** Bytes of a stream by number: so many at once, or so many as they come. */
import { Refusal } from './refusal.ts'

export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>
  #held: Uint8Array = new Uint8Array(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Exactly so many, in memory. Null where the stream ended before the first of them. Throws `Refusal` where it ended amid them. */
  async take(bytes: number): Promise<Uint8Array | null> {
    const chunks: Uint8Array[] = []
    let missing = bytes
    while (missing > 0) {
      const chunk = await this.#next(missing)
      if (chunk === null && missing === bytes) return null
      if (chunk === null) throw brokenOff()
      chunks.push(chunk)
      missing -= chunk.length
    }
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
  }

  /** Exactly so many, as they come. Throws `Refusal` where the stream ends before. */
  async *body(bytes: number): AsyncGenerator<Uint8Array> {
    for (let missing = bytes; missing > 0; ) {
      const chunk = await this.#next(missing)
      if (chunk === null) throw brokenOff()
      missing -= chunk.length
      yield chunk
    }
  }

  async #next(atMost: number): Promise<Uint8Array | null> {
    while (this.#held.length === 0) {
      const { done, value } = await this.#source.next()
      if (done) return null
      this.#held = value
    }
    const chunk = this.#held.subarray(0, atMost)
    this.#held = this.#held.subarray(chunk.length)
    return chunk
  }
}

function brokenOff(): Refusal {
  return new Refusal(
    'malformed-request',
    'The upload broke off in the middle of a file: what came whole is kept, send the rest',
  )
}
