/** A library call: a value in, a value out. The other encoding of an invocation besides HTTP. */
import { InvocationFailure } from './failure.ts'
import { Invocation } from './invocation.ts'
import { releaseBody } from './wire/body-memory.ts'
import { DATA_CHUNK_BYTES, MAX_PAYLOAD_BYTES } from './wire/frames.ts'
import { decodeValue, encodeValue, kindAt } from './wire/values.ts'

/** Up to here a value travels in the frame of its invocation. */
const INLINE_BYTES = MAX_PAYLOAD_BYTES / 2

export class TaskInvocation extends Invocation {
  readonly head: string
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: Error) => void
  /** What did not fit into the first frame, and how much of it was sent. */
  #rest: Uint8Array | null = null
  #sentBytes = 0
  #output: unknown
  #broken: InvocationFailure | null = null
  #kind = ''
  /** Lets go of what was only needed while it ran. */
  #whenOver: (() => void) | null = null
  /** The output as far as it has come, where it comes in parts. */
  #chunks: Buffer[] | null = null

  /** Throws TypeError for an input that is neither JSON nor bytes. */
  constructor(input: unknown, resolve: (value: unknown) => void, reject: (error: Error) => void) {
    super()
    this.#resolve = resolve
    this.#reject = reject
    const { kind, body } = encodeValue(input)
    this.head = kind
    if (body === null || body.length * (typeof body === 'string' ? 3 : 1) <= INLINE_BYTES) this.body = body
    else {
      this.#rest = typeof body === 'string' ? Buffer.from(body) : body
      this.hasMore = true
    }
  }

  /** Aborting rejects at once; the task hears of it. */
  abortWith(signal: AbortSignal): void {
    const onAbort = (): void => {
      this.cancel()
      this.#reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#whenOver = () => signal.removeEventListener('abort', onAbort)
  }

  protected override onSent(): void {
    this.onWritable()
  }

  protected override onWritable(): void {
    const rest = this.#rest
    if (rest === null || this.#sentBytes >= rest.length) return
    for (let isOpen = true; isOpen && this.#sentBytes < rest.length; ) {
      const end = Math.min(this.#sentBytes + DATA_CHUNK_BYTES, rest.length)
      isOpen = this.write(rest.subarray(this.#sentBytes, end))
      this.#sentBytes = end
    }
    if (this.#sentBytes === rest.length) this.endBody()
  }

  protected override onResponse(_status: number, head: string, body: Buffer): void {
    this.#kind = head
    this.#chunks = [body]
    this.consumed(body.length)
  }

  /** What comes whole is decoded where it lies: the chunk may be used again before the end is told. */
  protected override onWhole(_status: number, chunk: Buffer, headStart: number, headEnd: number, end: number): void {
    this.#decode(kindAt(chunk, headStart, headEnd), chunk, headEnd, end)
  }

  protected override onData(chunk: Buffer): void {
    this.#chunks!.push(chunk)
    this.consumed(chunk.length)
  }

  protected override onEnd(): void {
    this.#whenOver?.()
    if (this.#chunks !== null) {
      const body = Buffer.concat(this.#chunks)
      this.#decode(this.#kind, body, 0, body.length)
    }
    if (this.#broken === null) this.#resolve(this.#output)
    else this.#reject(this.#broken)
  }

  protected override onFailure(failure: InvocationFailure): void {
    this.#whenOver?.()
    const { report } = failure.details
    if (report !== undefined)
      failure.cause = Object.assign(new Error(report.message), { name: report.name, stack: report.stack })
    this.#reject(failure)
  }

  #decode(kind: string, chunk: Buffer, start: number, end: number): void {
    try {
      this.#output = decodeValue(kind, chunk, start, end)
      // The value is a copy; where the chunk was this answer's alone, its memory is free again.
      releaseBody(chunk)
    } catch (error) {
      this.#broken = new InvocationFailure('worker-broke-protocol', (error as Error).message)
    }
  }
}
