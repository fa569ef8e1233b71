/**
 * The response stream of a streaming Lambda handler. What is written goes out at once and no faster than the caller
 * takes it. Status and headers come from a prelude before the body, where the stream has one; it is 200 otherwise.
 */
import { Writable } from 'node:stream'
import type { Call } from '../call.ts'
import { whenLoopIsEmpty } from '../empty-loop.ts'
import { PRELUDE_END_BYTES, PRELUDE_TYPE } from './lambda-environment.ts'
import { preludeAnswer } from './lambda-result.ts'

const PRELUDE_END = Buffer.alloc(PRELUDE_END_BYTES)
/** More than any head that could be sent. */
const MOST_PRELUDE_BYTES = 256 * 1024

/** Nothing was written; the prelude is not whole; the head is out. */
type StreamState = 'new' | 'prelude' | 'body'

export class ResponseStream extends Writable {
  /** Set by `HttpResponseStream.from`: writes the prelude. */
  _onBeforeFirstWrite: ((write: (bytes: string | Uint8Array) => void) => void) | null = null
  readonly #call: Call
  #type: string | null = null
  #state: StreamState = 'new'
  #prelude: Buffer = Buffer.alloc(0)

  constructor(call: Call, highWaterMark: number | undefined) {
    super(highWaterMark === undefined ? {} : { highWaterMark })
    this.#call = call
    // An error is told to the caller and logged by the call; it need not end the process where nobody listens.
    this.on('error', () => {})
    call.signal.addEventListener('abort', () => this.destroy(call.signal.reason), { once: true })
  }

  setContentType(type: string): void {
    if (this.#state !== 'new') throw new Error('Cannot set content-type, too late.')
    this.#type = type
  }

  /** Other values than text and bytes are written as JSON. */
  override write(chunk: unknown, ...rest: never[]): boolean {
    const isPlain = typeof chunk === 'string' || chunk instanceof Uint8Array
    return super.write(isPlain ? chunk : JSON.stringify(chunk), ...rest)
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    try {
      const body = this.#state === 'body' ? chunk : this.#afterPrelude(chunk)
      if (body.length === 0) return done()
      this.#call.send(body).then(() => done(), done)
    } catch (error) {
      done(error as Error)
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    try {
      if (this.#state !== 'body') this.#afterPrelude(Buffer.alloc(0))
      if (this.#state === 'prelude') throw new TypeError('The response stream ended within its prelude')
      this.#call.finish()
      done()
    } catch (error) {
      done(error as Error)
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.writableFinished) {
      const code = this.#state === 'body' ? 'response-aborted' : 'handler-threw'
      this.#call.fail(code, error ?? new Error('The response stream was destroyed before it ended'))
    }
    done(error)
  }

  /** What of these bytes belongs to the body. From the first on that do, the head is out. */
  #afterPrelude(chunk: Buffer): Buffer {
    const parts = [this.#prelude, chunk]
    if (this.#state === 'new') {
      this._onBeforeFirstWrite?.((bytes) => parts.splice(-1, 0, Buffer.from(bytes as Uint8Array)))
      if (this.#type !== PRELUDE_TYPE) {
        this.#begin({ headers: { 'content-type': this.#type } })
        return Buffer.concat(parts)
      }
    }
    this.#state = 'prelude'
    const bytes = Buffer.concat(parts)
    const endAt = bytes.indexOf(PRELUDE_END)
    if (endAt === -1) {
      if (bytes.length > MOST_PRELUDE_BYTES) throw new TypeError('The response stream has no end of its prelude')
      this.#prelude = bytes
      return Buffer.alloc(0)
    }
    this.#begin(JSON.parse(bytes.toString('utf8', 0, endAt)))
    return bytes.subarray(endAt + PRELUDE_END_BYTES)
  }

  #begin(prelude: unknown): void {
    const { status, head } = preludeAnswer(prelude)
    this.#state = 'body'
    this.#prelude = PRELUDE_END
    this.#call.begin(status, head)
  }
}

/** The handler is done: if its stream is not, and nothing is under way that could end it, it never will be. */
export function expectEnd(stream: ResponseStream): void {
  if (stream.writableEnded || stream.destroyed) return
  whenLoopIsEmpty(() => {
    if (stream.writableEnded || stream.destroyed) return
    // Its caller is slow.
    if (stream.writableLength > 0) return void stream.once('drain', () => expectEnd(stream))
    stream.destroy(new Error('The handler has ended without ending its response stream: call responseStream.end()'))
  })
}
