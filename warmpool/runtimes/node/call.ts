/**
 * One invocation inside the worker: what came, what was answered, and what still runs. It answers exactly once,
 * streams a body no faster than the parent grants, and keeps its slot until `waitUntil` work has settled.
 */

import { releaseBody } from '../../wire/body-memory.ts'
import type { Numbered } from '../../wire/by-id.ts'
import type { FrameWriter } from '../../wire/frame-writer.ts'
import { FRAME, INITIAL_WINDOW_BYTES, MAX_PAYLOAD_BYTES } from '../../wire/frames.ts'
import type { Failed } from '../../wire/messages.ts'
import { decodeValue, encodeValue } from '../../wire/values.ts'
import { CallOrigin } from './call-origin.ts'
import { CALL_ENDED, callerLeft } from './departure.ts'
import { isRuntimesError, reportError } from './error-report.ts'
import type { IncomingBody } from './incoming-body.ts'
import { type Answerer, OutgoingBody } from './outgoing-body.ts'
import { isStream } from './web/body.ts'
import { describe, headWithLength, withLength } from './web/outgoing.ts'
import { LazyRequest } from './web/request.ts'
import { type OutgoingResponse, toOutgoing } from './web/response.ts'

/** More than any caller takes; and a head travels in one piece. */
const MAX_HEAD_CHARS = 60 * 1024
/** A task's output has a reader that takes it whole in any case. */
const MOST_VALUE_BYTES = MAX_PAYLOAD_BYTES / 2

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
  readonly origin = new CallOrigin<Call>(this)
  #state: CallState = 'running'
  #abort: AbortController | null = null
  #isCancelled = false
  /** `waitUntil` promises that have not settled. */
  #pending = 0
  /** The answer's body, where it leaves in pieces. */
  #outgoing: OutgoingBody | null = null
  /** It failed, and no code of the function was on the stack. */
  isRuntimesFault = false
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
    return this.isOfValue ? `${process.pid}-${this.id}` : this.#head.slice(0, this.#head.indexOf('\n'))
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
    const { status, head, body, length } = outgoing
    this.answer(status, length === undefined ? head : withLength(head, length), body)
  }

  /** Answers nearer to the wire: `head` is names in lower case and values in turn, fit for HTTP, joined by newlines. */
  answer(status: number, head: string, body: OutgoingResponse['body']): void {
    if (!this.#mayAnswer(head)) return
    if (isToHead(this.#head)) return this.#respondToHead(status, head, body)
    if (body === null) return this.#whole(status, head, null)
    if (!isStream(body)) return this.#respondBytes(status, head, body, INITIAL_WINDOW_BYTES)
    const sent = this.#beginBody(status, head).sendAll(body)
    void sent.then(
      () => this.#end(),
      (error: unknown) => this.fail('response-aborted', error),
    )
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
    else this.#beginBody(status, head)
  }

  /** Resolves when the caller has room for more. What nobody waits for any more is dropped. */
  async send(bytes: Uint8Array): Promise<void> {
    if (this.#state === 'answering') await this.#outgoing!.send(bytes)
  }

  /**
   * Sends as much as the parent grants, and returns how much that was: the rest is to be written when the
   * {@link Answerer} hears of it. The bytes may lie in memory that is used again once this has returned.
   */
  write(bytes: Uint8Array): number {
    return this.#state === 'answering' ? this.#outgoing!.write(bytes) : bytes.length
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
    this.isRuntimesFault = code === 'handler-threw' && isRuntimesError(error)
    this.#writer.json(FRAME.failed, this.id, { ...reportError(error), code } satisfies Failed)
    this.#done()
  }

  /** The caller has left. The handler hears of it; what it still returns is dropped. */
  cancel(): void {
    if (this.#isCancelled || this.#state === 'done') return
    this.#isCancelled = true
    this.#abort?.abort(callerLeft())
    this.body.abort(callerLeft())
    this.#outgoing?.cancel()
    this.answerer?.onCancelled()
  }

  grant(bytes: number): void {
    if (this.#outgoing?.grant(bytes) === true) this.answerer?.onWritable()
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
    if (body !== null && isStream(body)) body.cancel().catch(() => {})
    this.#whole(status, headWithLength(head, body), null)
  }

  /** In one frame up to so many bytes, else as a stream that its reader may slow down. */
  #respondBytes(status: number, head: string, body: string | Uint8Array, wholeBytes: number): void {
    // UTF-8 takes at most three bytes for each unit of a JavaScript string.
    if (body.length * (typeof body === 'string' ? 3 : 1) <= wholeBytes) return this.#whole(status, head, body)
    const outgoing = this.#beginBody(status, this.isOfValue ? head : headWithLength(head, body))
    void outgoing.send(typeof body === 'string' ? Buffer.from(body) : body).then(() => this.#end())
  }

  /** Sends the head; from here on the body leaves in pieces. */
  #beginBody(status: number, head: string): OutgoingBody {
    this.#writer.response(this.id, status, head, null, true, false)
    this.#outgoing = new OutgoingBody(this.id, this.#writer, this.#isCancelled)
    return this.#outgoing
  }

  #whole(status: number, head: string, body: string | Uint8Array | null): void {
    this.#writer.response(this.id, status, head, body, false, this.#pending > 0)
    this.#answered()
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
    this.origin.onEnded()
    this.body.abort(CALL_ENDED)
    this.#onDone(this)
  }
}

/** Whether the head's second line is `HEAD`. */
function isToHead(head: string): boolean {
  return head.startsWith('\nHEAD\n', head.indexOf('\n'))
}
