/**
 * What stands in for the connection behind a Node request and response: it fills the one from the call's body as it is
 * read, and sends the other as the call's answer. What lies whole when `end` is called leaves in one frame; what is
 * written before is gathered for the rest of the turn, then streamed under the call's window.
 */
import type { Call } from '../call.ts'
import { callerLeft } from '../departure.ts'
import type { Answerer } from '../outgoing-body.ts'
import type { NodeRequest } from './request.ts'
import { closeResponse, flush, type NodeResponse } from './response.ts'
import { StandInSocket } from './stand-in-socket.ts'

/** `whole`: it was handed over in one piece. `ending`: everything was written, some of it may wait for its reader. */
type AnswerState = 'unsent' | 'whole' | 'streaming' | 'ending'
type BodyState = 'waiting' | 'reading' | 'ended'
type Written = (error?: Error | null) => void

/** Written and not sent up to here, a writer may go on without waiting for `drain`. */
const HIGH_WATER_MARK_BYTES = 64 * 1024

/** Node's streams look at these of a socket; nothing here is ever corked. */
const WRITABLE_STATE = { corked: 0, errored: null }

export class Exchange extends StandInSocket implements Answerer {
  readonly call: Call
  request!: NodeRequest
  response!: NodeResponse
  readable = true
  writable = true
  destroyed = false
  readonly readableHighWaterMark = HIGH_WATER_MARK_BYTES
  readonly writableHighWaterMark = HIGH_WATER_MARK_BYTES
  // One: Node then leaves gathering a turn's writes to us.
  readonly writableCorked = 1
  readonly _writableState = WRITABLE_STATE
  /** Name and value of each header in turn, joined by newlines, from when it is fixed. */
  head = ''
  /** The request's body where it was read before its stream: the stream gives it again. */
  kept: Buffer | null = null
  #answer: AnswerState = 'unsent'
  #body: BodyState = 'waiting'
  /** What was written and not sent, in the order in which it was. */
  #unsent: (string | Uint8Array)[] = []
  #unsentBytes = 0
  #written: Written[] = []
  #isTickDue = false

  constructor(call: Call) {
    super()
    this.call = call
  }

  // The answer, as the response's hooks tell of it.

  /** False: wait for `drain`. */
  write(data: string | Uint8Array, encoding?: BufferEncoding | null, done?: Written): boolean {
    if (this.destroyed) return false
    if (data.length > 0) {
      const bytes = isUtf8(encoding) || typeof data !== 'string' ? data : Buffer.from(data, encoding!)
      this.#unsent.push(bytes)
      // Of text this is near enough: it only decides when a writer has to wait.
      this.#unsentBytes += bytes.length
    }
    if (typeof done === 'function') this.#written.push(done)
    this.#tickLater()
    return this.#unsentBytes < HIGH_WATER_MARK_BYTES
  }

  /** Everything was written. */
  finish(): void {
    if (this.#hasEnded() || this.destroyed) return
    this.#tickLater()
    if (this.#answer === 'unsent') {
      this.#answer = 'whole'
      this.call.answer(this.response.statusCode, this.head, this.#takeUnsent())
    } else {
      this.#answer = 'ending'
      this.#send()
    }
  }

  /** The message that a socket is busy with: one that has ended finishes only then. */
  get _httpMessage(): NodeResponse {
    return this.response
  }

  get writableLength(): number {
    return this.#unsentBytes
  }

  #hasEnded(): boolean {
    return this.#answer === 'whole' || this.#answer === 'ending'
  }

  #tickLater(): void {
    if (this.#isTickDue) return
    this.#isTickDue = true
    process.nextTick(tick, this)
  }

  /** What was gathered leaves; who waits for that is told. */
  onTick(): void {
    this.#isTickDue = false
    if (this.destroyed) return this.#tellWritten(callerLeft())
    if (this.#answer === 'unsent') {
      this.#answer = 'streaming'
      this.call.begin(this.response.statusCode, this.head)
    }
    this.#send()
  }

  #send(): void {
    while (this.#unsent.length > 0) {
      const first = this.#unsent[0]!
      const bytes = typeof first === 'string' ? Buffer.from(first) : first
      const sent = this.call.write(bytes)
      this.#unsentBytes = Math.max(0, this.#unsentBytes - (typeof first === 'string' ? first.length : sent))
      if (sent < bytes.length) {
        this.#unsent[0] = bytes.subarray(sent)
        if (typeof first === 'string') this.#unsentBytes += bytes.length - sent
        return
      }
      this.#unsent.shift()
    }
    if (this.#answer === 'ending') this.call.finish()
    // Of an answer that has ended within its turn, those who wait hear of it when `end` has returned.
    if (this.#isTickDue) return
    this.#tellWritten(null)
    // After what this turn has still caused: a write after the end emits its error before the pair closes, as in Node.
    if (this.#hasEnded()) process.nextTick(close, this)
    else flush(this.response)
  }

  #tellWritten(error: Error | null): void {
    if (this.#written.length === 0) return
    for (const done of this.#written.splice(0)) done(error)
  }

  #takeUnsent(): string | Uint8Array | null {
    const parts = this.#unsent
    this.#unsent = []
    this.#unsentBytes = 0
    if (parts.length < 2) return parts[0] ?? null
    if (parts.every((part) => typeof part === 'string')) return parts.join('')
    return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
  }

  /** The answer is given: nobody reads the rest of the request, and the pair closes as on a connection. */
  close(): void {
    const { request, response } = this
    if (response._closed) return
    // Most requests have nobody who would hear of their end.
    if (!request._consuming && request._eventsCount > 0) request._dump()
    closeResponse(response)
  }

  // The request's body.

  /** The request's stream wants more: Node calls this to unpause a socket. */
  resume(): this {
    if (this.#body === 'waiting') void this.#fill()
    return this
  }

  pause(): this {
    return this
  }

  async #fill(): Promise<void> {
    const { request } = this
    const { body } = this.call
    this.#body = 'reading'
    if (this.kept !== null) return this.#endBody(this.kept)
    if (body.isWhole) {
      return this.#endBody(body.takeWhole())
    }
    try {
      for (;;) {
        const chunk = await body.next()
        if (request.destroyed) return
        if (chunk === null) return this.#endBody(null)
        if (!request.push(chunk)) break
      }
      this.#body = 'waiting'
    } catch (error) {
      // The caller left, which ends the request elsewhere; or the answer came first, and nobody sends the rest: whoever
      // listens for errors hears of that, as he waits for an end that does not come.
      if (!this.destroyed) request.destroy(request.listenerCount('error') > 0 ? (error as Error) : undefined)
    }
  }

  #endBody(last: Uint8Array | null): void {
    const { request } = this
    this.#body = 'ended'
    request.complete = true
    if (last !== null && last.length > 0) request.push(last)
    request.push(null)
  }

  /** The body was read without its stream, which has nothing more to give: parsers see that, and leave it alone. */
  spend(): void {
    this.readable = false
    this.#endBody(null)
    this.request.read(0)
  }

  // What becomes of the call.

  onWritable(): void {
    if (this.#answer !== 'unsent' && this.#unsent.length > 0) this.#send()
  }

  onCancelled(): void {
    if (this.destroyed) return
    this.#break()
    this.call.fail('cancelled', callerLeft())
  }

  /** As a connection breaks: the request is aborted unless it was read, the response closes. */
  #break(): void {
    const { request, response } = this
    this.destroyed = true
    this.readable = false
    this.writable = false
    this.#unsent = []
    this.#unsentBytes = 0
    request.destroy(connectionReset())
    closeResponse(response)
    this.emit('close')
    this.#tickLater()
  }

  /** The function gives up its answer: the caller sees that it is not whole. */
  destroy(error?: Error | null): this {
    if (this.destroyed) return this
    // A request that is destroyed while it is read ends the connection, and so the answer.
    if (!this.#hasEnded())
      this.fail(error ?? new Error('The function destroyed its request or response before it had answered'))
    this.#break()
    return this
  }

  destroySoon(): void {
    this.destroy()
  }

  /** What the handler threw. After the answer it can only be logged. */
  fail(error: unknown): void {
    const { call } = this
    if (call.isAnswered) {
      if (!call.isCancelled) console.error('The function threw after it had answered:', error)
      return
    }
    call.fail(this.#answer === 'unsent' ? 'handler-threw' : 'response-aborted', error)
    if (!this.destroyed) this.#break()
  }
}

function close(exchange: Exchange): void {
  exchange.close()
}

function tick(exchange: Exchange): void {
  exchange.onTick()
}

function isUtf8(encoding: string | null | undefined): boolean {
  return encoding === undefined || encoding === null || encoding === 'utf8' || encoding === 'utf-8'
}

function connectionReset(): Error {
  return Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
}
