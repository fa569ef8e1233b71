/**
 * The invocations that this worker holds: a request becomes a call of the function's handler, and what else is said of it
 * reaches that call. Once it is told to drain, it tells when the last one has ended.
 */
import { bodyCopy } from '../../wire/body-memory.ts'
import { ById } from '../../wire/by-id.ts'
import { FLAG_MORE, FLAG_SECURE, FRAME, type FrameType, REQUEST_PREFIX_BYTES } from '../../wire/frames.ts'
import { Call } from './call.ts'
import { inOwnContext } from './call-context.ts'
import type { Channel } from './channel.ts'
import type { Handler } from './formats/format.ts'
import { IncomingBody } from './incoming-body.ts'

/** Calls in a row in which the runtime itself failed, after which the worker is replaced. */
const MOST_RUNTIME_FAILURES = 5

/** Shared by all calls without one. */
const NO_BODY = new IncomingBody(null, false, () => {})

export class Calls {
  /** Null until the function is loaded. */
  handler: Handler | null = null
  readonly #channel: Pick<Channel, 'writer' | 'began' | 'isBorrowed'>
  readonly #byId = new ById<Call>()
  readonly #onDrained: () => void
  readonly #onDone = (call: Call): void => this.#end(call)
  readonly #onBroken: (why: string) => void
  #isDraining = false
  #runtimeFailures = 0

  /** `onBroken`: the function has left this process in a state in which no call can go well. */
  constructor(
    channel: Pick<Channel, 'writer' | 'began' | 'isBorrowed'>,
    onDrained: () => void,
    onBroken: (why: string) => void,
  ) {
    this.#channel = channel
    this.#onDrained = onDrained
    this.#onBroken = onBroken
  }

  get size(): number {
    return this.#byId.size
  }

  /** False: this type of frame is not about an invocation. */
  onFrame(type: FrameType, id: number, chunk: Buffer, start: number, end: number): boolean {
    switch (type) {
      case FRAME.request:
        this.#begin(id, chunk, start, end)
        return true
      case FRAME.data:
        this.#byId.get(id)?.body.push(this.#own(chunk, start, end))
        return true
      case FRAME.end:
        this.#byId.get(id)?.body.end()
        return true
      case FRAME.cancel:
        this.#byId.get(id)?.cancel()
        return true
      case FRAME.window:
        this.#byId.get(id)?.grant(chunk.readUInt32LE(start))
        return true
      default:
        return false
    }
  }

  drain(): void {
    this.#isDraining = true
    if (this.size === 0) this.#onDrained()
  }

  #begin(id: number, chunk: Buffer, start: number, end: number): void {
    const { writer, began, isBorrowed } = this.#channel
    const flags = chunk[start]!
    const timeLeftMs = chunk.readUInt32LE(start + 1)
    const headStart = start + REQUEST_PREFIX_BYTES
    const headEnd = headStart + chunk.readUInt32LE(start + 5)
    const head = chunk.toString('latin1', headStart, headEnd)
    const first = headEnd === end ? null : chunk.subarray(headEnd, end)
    const more = (flags & FLAG_MORE) !== 0
    const body =
      more || first !== null
        ? new IncomingBody(first, more, (bytes) => writer.window(id, bytes), isBorrowed(chunk))
        : NO_BODY
    const call = new Call(id, head, timeLeftMs, (flags & FLAG_SECURE) !== 0, body, writer, this.#onDone)
    this.#byId.add(call)
    began(id)
    this.#run(call)
    // What the handler has not read yet: the chunk's buffer is used again for the next read.
    body.keep()
  }

  #run(call: Call): void {
    try {
      const result = inOwnContext(call, this.handler!)
      if (result instanceof Promise) result.catch((error: unknown) => call.fail('handler-threw', error))
    } catch (error) {
      call.fail('handler-threw', error)
    }
  }

  #end(call: Call): void {
    this.#byId.delete(call)
    this.#runtimeFailures = call.isRuntimesFault ? this.#runtimeFailures + 1 : 0
    if (this.#runtimeFailures === MOST_RUNTIME_FAILURES)
      this.#onBroken(`the runtime itself failed in ${MOST_RUNTIME_FAILURES} calls in a row`)
    if (this.#isDraining && this.size === 0) this.#onDrained()
  }

  /** Bytes of a frame that outlive its turn. */
  #own(chunk: Buffer, start: number, end: number): Buffer {
    const bytes = chunk.subarray(start, end)
    return this.#channel.isBorrowed(chunk) ? bodyCopy(bytes) : bytes
  }
}
