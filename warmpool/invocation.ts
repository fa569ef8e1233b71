/**
 * One call, from admission to its end: what it asks, which worker has it, how much body may still flow, and until
 * when. It holds no policy: the function's pool admits, hands over and ends it; whoever calls extends this class and
 * hears of the answer through the `on…` methods (HTTP is one such caller, a library task another).
 *
 *   new -> queued -> sent -> answered -> ended        sent -> queued again when its worker died before beginning it
 *     \________________________________/             (any of them may end early)
 */

import type { Expiring } from './deadline-wheel.ts'
import type { InvocationFailure } from './failure.ts'
import { clock } from './running-clock.ts'
import type { StartKind } from './status.ts'
import { releaseBody } from './wire/body-memory.ts'
import type { Numbered } from './wire/by-id.ts'
import { FRAME, INITIAL_WINDOW_BYTES } from './wire/frames.ts'
import type { Worker } from './worker.ts'

export type InvocationState = 'new' | 'queued' | 'sent' | 'answered' | 'ended'

/** Who keeps an invocation's books: the pool of its function. */
export interface InvocationOwner {
  onExpired(invocation: Invocation, nowMs: number): void
  onCancelled(invocation: Invocation): void
  /** Its response is longer than it may be. */
  onTooLarge(invocation: Invocation): void
  /** Its response has begun and goes on. */
  onStreaming(invocation: Invocation): void
}

export abstract class Invocation implements Expiring, Numbered<Invocation> {
  /** What is sent: an opaque head (latin1 text without meaning to the pool) and the body's whole or beginning. */
  abstract readonly head: string
  readonly isSecure: boolean = false
  protected body: Uint8Array | string | null = null
  /** True: more of the body follows through `write`, up to `endBody`. */
  protected hasMore = false

  state: InvocationState = 'new'
  owner: InvocationOwner | null = null
  worker: Worker | null = null
  /** Number on its worker's wire, counting up; the journal speaks of it. */
  id = 0
  admittedAtMs = 0
  sentAtMs = 0
  startKind: StartKind = 'warm'
  /** Hand-overs after the first, each because the worker before died without having begun it. */
  retries = 0
  /** Its own time-out; null takes the function's. */
  timeoutMs: number | null = null
  /** True once the caller has left: what still comes is dropped. */
  isCancelled = false

  // Its worker's table's link.
  nextById: Invocation | null = null
  // The waiting list's links.
  queueNext: Invocation | null = null
  queuePrevious: Invocation | null = null
  // The deadline wheel's.
  expiresAtMs = 0
  wheelNext: Expiring | null = null
  wheelPrevious: Expiring | null = null

  /** Of the response's body. */
  responseBytesLeft = Number.POSITIVE_INFINITY
  /** Of a response that is streamed: when it last sent something; 0 before its head. */
  activeAtMs = 0
  /** When the body that is on its way has to be whole. */
  endsAtMs = 0
  /** When the last piece of its request's body was sent. */
  bodyAtMs = 0
  /** Its response goes on for as long as it says something: its length in time has no bound. */
  isEndless = false

  #sendWindowBytes = 0
  #receiveWindowBytes = 0
  /** Body bytes sent that the worker has not confirmed to have begun with: a retry sends them again. */
  #unconfirmed: Uint8Array[] | null = null
  #isBodyEnded = false
  /** The last `write` returned false. */
  #isStopped = false
  /** It was answered while its body was still coming, and work that goes on may read the rest. */
  #isReadOn = false

  /** It was handed to a worker for the first time: a body that goes on may be written from now on. */
  protected onSent(): void {}
  /** More may be under way again after a `write` that returned false. */
  protected onWritable(): void {}
  /** The response's head, with the whole body or its beginning. `body` is only good until the turn ends. */
  protected abstract onResponse(status: number, head: string, body: Buffer, more: boolean): void

  /** A whole response as it lies in the chunk: for those who take it from there without making objects of its parts. */
  protected onWhole(status: number, chunk: Buffer, headStart: number, headEnd: number, end: number): void {
    this.onResponse(status, chunk.toString('latin1', headStart, headEnd), chunk.subarray(headEnd, end), false)
  }

  /** More of the response's body; `consumed` must be called as it is passed on, or the worker will pause. */
  protected abstract onData(chunk: Buffer): void
  protected abstract onEnd(): void
  /** Instead of a response, or instead of the rest of one. */
  protected abstract onFailure(failure: InvocationFailure): void

  /** Sends more of the body. False: enough is under way; wait for `onWritable`. */
  write(chunk: Uint8Array): boolean {
    if (this.state === 'ended' && !this.#isReadOn) return true
    if (this.worker === null) {
      // Its worker died before it began: this goes to the next one, after what was sent to that.
      this.#unconfirmed?.push(chunk)
      return false
    }
    this.bodyAtMs = clock.now()
    this.#sendWindowBytes -= chunk.length
    this.worker.writer.bytes(FRAME.data, this.id, chunk)
    const isCrowded = this.worker.writer.ring?.isCrowded === true
    if (this.#unconfirmed === null) releaseBody(chunk)
    else this.#unconfirmed.push(chunk)
    // What is under way will be granted again: that is when it goes on, however full the ring is then.
    this.#isStopped = isCrowded || this.#sendWindowBytes <= 0
    return !this.#isStopped
  }

  endBody(): void {
    this.#isBodyEnded = true
    this.bodyAtMs = clock.now()
    if (this.worker !== null && (this.state !== 'ended' || this.#isReadOn)) this.worker.writer.empty(FRAME.end, this.id)
    this.#isReadOn = false
  }

  /** It has ended, and its worker still takes its body: `waitUntil` work may be reading it. */
  get isReadOn(): boolean {
    return this.#isReadOn
  }

  /** The rest of a body that is read on does not come: whoever reads it hears of that. */
  breakBody(): void {
    if (!this.#isReadOn) return
    this.#isReadOn = false
    this.worker?.cancel(this)
  }

  /** Response bytes went on their way: the worker may send as many more. */
  consumed(bytes: number): void {
    this.#receiveWindowBytes += bytes
    if (this.worker !== null && this.state === 'answered' && bytes > 0) this.worker.writer.window(this.id, bytes)
  }

  /** The caller left. Harmless after the end. */
  cancel(): void {
    if (this.isCancelled || this.state === 'ended') return
    this.isCancelled = true
    this.owner?.onCancelled(this)
  }

  onExpired(nowMs: number): void {
    this.owner?.onExpired(this, nowMs)
  }

  // From here on: for the worker and the function's pool only.

  sendTo(worker: Worker, nowMs: number, timeLeftMs: number): void {
    this.worker = worker
    this.sentAtMs = nowMs
    this.state = 'sent'
    worker.writer.request(this.id, timeLeftMs, this.isSecure, this.head, this.body, this.hasMore)
    if (!this.hasMore) return
    this.#sendWindowBytes = INITIAL_WINDOW_BYTES - (this.body?.length ?? 0)
    const again = this.#unconfirmed
    this.#unconfirmed = []
    if (again === null) return this.onSent()
    this.#isStopped = false
    for (const chunk of again) this.write(chunk)
    if (this.#isBodyEnded) this.endBody()
    else if (!this.#isStopped) this.onWritable()
  }

  /** A frame from the worker proves that it has begun: nothing will have to be sent again. */
  #confirm(): void {
    if (this.#unconfirmed === null) return
    for (const chunk of this.#unconfirmed) releaseBody(chunk)
    this.#unconfirmed = null
  }

  /** Returns false when the worker granted more than it can have taken. */
  grant(bytes: number): boolean {
    this.#confirm()
    this.#sendWindowBytes += bytes
    if (this.#sendWindowBytes > INITIAL_WINDOW_BYTES) return false
    if (this.#isStopped && this.#sendWindowBytes > 0) {
      this.#isStopped = false
      this.onWritable()
    }
    return true
  }

  /** Its worker could take more of the request's body, and waits for the caller. */
  get isBodyAwaited(): boolean {
    return this.isBodyComing && !this.#isStopped && !this.isCancelled
  }

  get isBodyComing(): boolean {
    return this.hasMore && !this.#isBodyEnded
  }

  /** Its worker has sent as much as it may, and waits for the caller. */
  get isHeldBack(): boolean {
    return this.#receiveWindowBytes <= 0
  }

  /** Returns false when the worker sent more than it was granted. */
  answer(status: number, chunk: Buffer, headStart: number, headEnd: number, end: number, more: boolean): boolean {
    this.#confirm()
    this.state = 'answered'
    if (more) this.#receiveWindowBytes = INITIAL_WINDOW_BYTES - (end - headEnd)
    this.responseBytesLeft -= end - headEnd
    if (this.responseBytesLeft < 0) {
      this.owner?.onTooLarge(this)
      return true
    }
    if (!this.isCancelled) {
      if (more) {
        this.onResponse(status, chunk.toString('latin1', headStart, headEnd), chunk.subarray(headEnd, end), true)
        // After the head was read: it says whether the stream is endless.
        this.owner?.onStreaming(this)
      } else this.onWhole(status, chunk, headStart, headEnd, end)
    }
    return this.#receiveWindowBytes >= 0
  }

  receive(chunk: Buffer): boolean {
    this.#receiveWindowBytes -= chunk.length
    this.responseBytesLeft -= chunk.length
    if (this.activeAtMs > 0) this.activeAtMs = clock.now()
    if (this.responseBytesLeft < 0) {
      this.owner?.onTooLarge(this)
      return true
    }
    if (this.isCancelled) this.consumed(chunk.length)
    else this.onData(chunk)
    return this.#receiveWindowBytes >= 0
  }

  /** Work goes on behind its answer, which is about to end: what is still to come of its body is for that work. */
  readOn(): void {
    this.#isReadOn = this.isBodyComing && !this.isCancelled
  }

  /** Ends it well. The body of a request that nobody read to its end is sent on only after {@link readOn}. */
  finish(): void {
    this.#letGo()
    this.state = 'ended'
    if (!this.isCancelled) this.onEnd()
  }

  /** Its worker is done with it, or gone: nobody takes the rest of its body. */
  stopReading(): void {
    if (!this.#isReadOn) return
    this.#isReadOn = false
    this.onWritable()
  }

  fail(failure: InvocationFailure): void {
    if (this.state === 'ended') return
    this.#letGo()
    this.state = 'ended'
    if (!this.isCancelled) this.onFailure(failure)
  }

  /** Its request's body is not needed any more, by no worker. */
  #letGo(): void {
    this.#confirm()
    if (this.body !== null && typeof this.body !== 'string') releaseBody(this.body)
  }
}
