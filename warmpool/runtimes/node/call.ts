/**
 * One invocation inside the worker: what came, what was answered, and what still runs. It answers exactly once,
 * streams a body no faster than the parent grants, and keeps its slot until `waitUntil` work has settled.
 */

import { countBodyBytes, releaseBody } from '../../wire/body-memory.ts'
import type { Numbered } from '../../wire/by-id.ts'
import type { FrameWriter } from '../../wire/frame-writer.ts'
import { DATA_CHUNK_BYTES, FRAME, INITIAL_WINDOW_BYTES, MAX_PAYLOAD_BYTES } from '../../wire/frames.ts'
import type { Failed } from '../../wire/messages.ts'
import { decodeValue, encodeValue } from '../../wire/values.ts'
import { CALL_ENDED, callerLeft } from './departure.ts'
import { reportError } from './error-report.ts'
import type { IncomingBody } from './incoming-body.ts'
import { isStream } from './web/body.ts'
import { LazyRequest } from './web/request.ts'
import { type OutgoingResponse, toOutgoing } from './web/response.ts'

/** More than any caller takes; and a head travels in one piece. */
const MAX_HEAD_CHARS = 60 * 1024
/** A task's output has a reader that takes it whole in any case. */
const MOST_VALUE_BYTES = MAX_PAYLOAD_BYTES / 2

/** Who answers piece by piece, and hears of what the caller does meanwhile. */
export interface Answerer {
  /** More may be written after a `write` that did not take all. */
  onWritable(): void
  /** Nobody waits for the answer any more; it still has to end. */
  onCancelled(): void
}

type CallState = 'running' | 'answering' | 'settling' | 'done'

export class Call implements Numbered<Call> {
  readonly id: number
  nextById: Call | null = null
  /** Milliseconds that were left when it was handed over; 0 means no limit. */
  readonly timeLeftMs: number
  readonly body: IncomingBody
  readonly #writer: FrameWriter
  readonly #onDone: (call: Call) => void
  readonly #head: string
  #lines: readonly string[] | null = null
  readonly isSecure: boolean
  #state: CallState = 'running'
  #abort: AbortController | null = null
  #isCancelled = false
  /** `waitUntil` promises that have not settled. */
  #pending = 0
  #windowBytes = INITIAL_WINDOW_BYTES
  #wake: (() => void) | null = null
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null
  /** Who writes the answer piece by piece, if somebody does. */
  answerer: Answerer | null = null

  constructor(
    id: number,
    head: string,
    timeLeftMs: number,
    isSecure: boolean,
    body: IncomingBody,
    writer: FrameWriter,
    onDone: (call: Call) => void,
  ) {
    this.id = id
    this.timeLeftMs = timeLeftMs
    this.body = body
    this.#head = head
    this.isSecure = isSecure
    this.#writer = writer
    this.#onDone = onDone
  }

  /** The head, taken apart when somebody asks: many handlers never do. */
  get lines(): readonly string[] {
    this.#lines ??= this.#head.split('\n')
    return this.#lines
  }

  /** The name under which logs and callers know this invocation. */
  get invocationId(): string {
    // A task's head names only the kind of its input.
    return this.isOfValue ? `${process.pid}-${this.id}` : this.lines[0]!
  }

  /** It is a library's: a value comes and a value goes. Its head is one word. */
  get isOfValue(): boolean {
    return !this.#head.includes('\n')
  }

  request(): Request {
    return new LazyRequest(this, this.isSecure, this.body) as unknown as Request
  }

  /** Aborts when the caller has left or the time is up. */
  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController()
      if (this.#isCancelled) this.#abort.abort(callerLeft())
    }
    return this.#abort.signal
  }

  /** A task's input, or a promise of it. Throws ProtocolError when it is not what its head says. */
  value(): unknown {
    const kind = this.#head
    const { body } = this
    if (!body.isWhole) return body.collect().then((bytes) => decodeValue(kind, bytes))
    const bytes = body.takeToRead()
    const value = decodeValue(kind, bytes)
    // The value is a copy; memory of the call's own is free again.
    releaseBody(bytes)
    return value
  }

  /** Keeps the slot, and the worker, until the promise has settled. A rejection is only logged: the answer is given. */
  waitUntil(promise: unknown): void {
    if (this.#state === 'done') throw new Error('waitUntil was called after the invocation had ended')
    this.#pending++
    Promise.resolve(promise)
      .catch((error: unknown) => console.error('A promise given to waitUntil was rejected:', error))
      .finally(() => {
        this.#pending--
        if (this.#pending === 0 && this.#state === 'settling') {
          this.#writer.empty(FRAME.settled, this.id)
          this.#done()
        }
      })
  }

  /** Answers with whatever a handler returned. */
  respond(value: unknown): void {
    if (this.#state !== 'running') return
    let outgoing: OutgoingResponse | null
    try {
      outgoing = toOutgoing(value)
    } catch (error) {
      return this.fail('not-a-response', error)
    }
    if (outgoing === null)
      return this.fail('not-a-response', new TypeError(`The handler returned ${describe(value)}, not a Response`))
    this.answer(outgoing.status, outgoing.head, outgoing.body)
  }

  /** Answers nearer to the wire: `head` is names in lower case and values in turn, fit for HTTP, joined by newlines. */
  answer(status: number, head: string, body: OutgoingResponse['body']): void {
    if (!this.#mayAnswer(head)) return
    if (isToHead(this.#head)) return this.#respondToHead(status, head, body)
    if (body === null) return this.#whole(status, head, null)
    if (!isStream(body)) return this.#respondBytes(status, head, body, INITIAL_WINDOW_BYTES)
    this.#writer.response(this.id, status, head, null, true, false)
    void this.#stream(body)
  }

  /** The same for bytes in memory that is used again once this has returned. */
  answerBorrowed(status: number, head: string, body: Uint8Array | null): void {
    if (body === null || body.length > INITIAL_WINDOW_BYTES || this.isToHead)
      return this.answer(status, head, body === null ? null : Buffer.from(body))
    if (!this.#mayAnswer(head)) return
    this.#writer.response(this.id, status, head, body, false, this.#pending > 0, true)
    this.#answered()
  }

  /** HTTP only: the answer is to have no body, whatever its head says of one. */
  get isToHead(): boolean {
    return isToHead(this.#head)
  }

  /** The same where the body comes by {@link send} or {@link write} and ends with {@link finish}. */
  begin(status: number, head: string): void {
    if (!this.#mayAnswer(head)) return
    if (isToHead(this.#head)) this.#respondToHead(status, head, null)
    else this.#writer.response(this.id, status, head, null, true, false)
  }

  /** Resolves when the caller has room for more. What nobody waits for any more is dropped. */
  async send(bytes: Uint8Array): Promise<void> {
    if (this.#state === 'answering') await this.#sendLong(bytes)
  }

  /**
   * Sends as much as the parent grants, and returns how much that was: the rest is to be written when the
   * {@link Answerer} hears of it. The bytes may lie in memory that is used again once this has returned.
   */
  write(bytes: Uint8Array): number {
    if (this.#isCancelled || this.#state !== 'answering') return bytes.length
    const end = Math.max(0, Math.min(bytes.length, this.#windowBytes))
    for (let at = 0; at < end; at += DATA_CHUNK_BYTES)
      this.#writer.bytes(FRAME.data, this.id, bytes.subarray(at, Math.min(at + DATA_CHUNK_BYTES, end)), true)
    this.#windowBytes -= end
    return end
  }

  finish(): void {
    if (this.#state === 'answering') this.#end()
  }

  get isCancelled(): boolean {
    return this.#isCancelled
  }

  /** Ended with a failure or an answer: nothing of the call is waited for any more, but for `waitUntil` work. */
  get isAnswered(): boolean {
    return this.#state === 'settling' || this.#state === 'done'
  }

  /** A task's output. */
  respondValue(value: unknown): void {
    if (this.#state !== 'running') return
    const { kind, body } = encodeValue(value)
    this.#state = 'answering'
    if (body === null) this.#whole(0, kind, null)
    else this.#respondBytes(0, kind, body, MOST_VALUE_BYTES)
  }

  fail(code: Failed['code'], error: unknown): void {
    if (this.#state === 'settling' || this.#state === 'done') return
    this.#writer.json(FRAME.failed, this.id, { ...reportError(error), code } satisfies Failed)
    this.#done()
  }

  /** The caller has left. The handler hears of it; what it still returns is dropped. */
  cancel(): void {
    if (this.#isCancelled || this.#state === 'done') return
    this.#isCancelled = true
    this.#abort?.abort(callerLeft())
    this.body.abort(callerLeft())
    void this.#reader?.cancel(callerLeft()).catch(() => {})
    this.answerer?.onCancelled()
    this.#notify()
  }

  grant(bytes: number): void {
    this.#windowBytes += bytes
    this.#notify()
  }

  #mayAnswer(head: string): boolean {
    if (this.#state !== 'running') return false
    if (head.length > MAX_HEAD_CHARS) {
      const message = `The response has ${head.length} bytes of headers; at most ${MAX_HEAD_CHARS} can be sent`
      this.fail('response-headers-too-large', new RangeError(message))
      return false
    }
    this.#state = 'answering'
    return true
  }

  #respondToHead(status: number, head: string, body: OutgoingResponse['body']): void {
    const isStreamed = body !== null && isStream(body)
    if (isStreamed) body.cancel().catch(() => {})
    const hasLength = /(?:^|\n)content-length\n/.test(head)
    if (hasLength || body === null || isStreamed) return this.#whole(status, head, null)
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
    this.#whole(status, `${head}${head === '' ? '' : '\n'}content-length\n${length}`, null)
  }

  /** In one frame up to so many bytes, else as a stream that its reader may slow down. */
  #respondBytes(status: number, head: string, body: string | Uint8Array, wholeBytes: number): void {
    // UTF-8 takes at most three bytes for each unit of a JavaScript string.
    if (body.length * (typeof body === 'string' ? 3 : 1) <= wholeBytes) return this.#whole(status, head, body)
    this.#writer.response(this.id, status, head, null, true, false)
    void this.#sendLong(typeof body === 'string' ? Buffer.from(body) : body).then(() => this.#end())
  }

  #whole(status: number, head: string, body: string | Uint8Array | null): void {
    this.#writer.response(this.id, status, head, body, false, this.#pending > 0)
    this.#answered()
  }

  async #stream(body: ReadableStream<Uint8Array>): Promise<void> {
    // Cancelling the reader ends a read that is waited for, so that a stream that says nothing more holds no slot.
    const reader = body.getReader()
    this.#reader = reader
    try {
      while (!this.#isCancelled) {
        const { done, value } = await reader.read()
        if (done) break
        await this.#sendLong(typeof value === 'string' ? Buffer.from(value) : asBytes(value))
      }
      if (this.#isCancelled) await reader.cancel(callerLeft()).catch(() => {})
      this.#end()
    } catch (error) {
      this.fail('response-aborted', error)
    }
  }

  async #sendLong(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      while (this.#windowBytes <= 0 && !this.#isCancelled) await this.#granted()
      if (this.#isCancelled) return
      const end = Math.min(at + Math.min(DATA_CHUNK_BYTES, this.#windowBytes), bytes.length)
      countBodyBytes(end - at)
      this.#windowBytes -= end - at
      // A small chunk is copied when it is written, a large one must not be changed by the handler meanwhile: as in
      // Node's own streams, what was enqueued is given away.
      this.#writer.bytes(FRAME.data, this.id, at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end))
      at = end
    }
  }

  #granted(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #notify(): void {
    if (this.#windowBytes > 0) this.answerer?.onWritable()
    this.#wake?.()
    this.#wake = null
  }

  #end(): void {
    this.#writer.end(this.id, this.#pending > 0)
    this.#answered()
  }

  #answered(): void {
    if (this.#pending > 0) this.#state = 'settling'
    else this.#done()
  }

  #done(): void {
    this.#state = 'done'
    this.body.abort(CALL_ENDED)
    this.#onDone(this)
  }
}

/** Whether the head's second line is `HEAD`. */
function isToHead(head: string): boolean {
  return head.startsWith('\nHEAD\n', head.indexOf('\n'))
}

function asBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  throw new TypeError(`The body stream gave ${describe(value)}, not bytes`)
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'object') return `an object (${value.constructor?.name ?? 'without a prototype'})`
  return `a ${typeof value}`
}
