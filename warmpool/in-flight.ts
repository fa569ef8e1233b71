/**
 * The invocations that one worker holds, and the frames that speak of them. It guarantees that each ends exactly once
 * and that only legal sequences reach it: a head, then body within its window, then an end. Whatever else a worker
 * sends throws {@link ProtocolError}, and the worker is given up.
 */
import { InvocationFailure } from './failure.ts'
import type { Invocation } from './invocation.ts'
import type { Redaction } from './redaction.ts'
import { ById } from './wire/by-id.ts'
import { FLAG_MORE, FLAG_PENDING, FRAME, type FrameType, ProtocolError, RESPONSE_PREFIX_BYTES } from './wire/frames.ts'
import type { Failed } from './wire/messages.ts'
import { parseMessage } from './wire/messages.ts'

/** Called when the worker is done with an invocation and its slot is free. */
type OnFreed = (invocation: Invocation, failure: InvocationFailure | null) => void

const FAILED_CODES = [
  'handler-threw',
  'not-a-response',
  'response-headers-too-large',
  'response-aborted',
  'cancelled',
] as const

export class InFlight {
  readonly #invocations = new ById<Invocation>()
  /** Ended for their callers but not for the worker: timed out, and not to be waited for. */
  readonly #abandoned = new Set<Invocation>()
  readonly #onFreed: OnFreed

  /** Takes the function's secrets out of its errors; null: it has none. */
  redaction: Redaction | null = null

  constructor(onFreed: OnFreed) {
    this.#onFreed = onFreed
  }

  /** Abandoned ones included: they take up a slot as long as the worker has not ended them. */
  get size(): number {
    return this.#invocations.size
  }

  get hasAbandoned(): boolean {
    return this.#abandoned.size > 0
  }

  /** Nothing is left that is worth waiting for. */
  get isDrained(): boolean {
    return this.#invocations.size === this.#abandoned.size
  }

  add(id: number, invocation: Invocation): void {
    invocation.id = id
    this.#invocations.add(invocation)
  }

  has(invocation: Invocation): boolean {
    return this.#invocations.get(invocation.id) === invocation
  }

  abandon(invocation: Invocation): void {
    this.#abandoned.add(invocation)
  }

  /** Takes all of them out, in the order in which they were handed over. */
  takeAll(): Invocation[] {
    return this.#invocations.takeAll()
  }

  onFrame(type: FrameType, id: number, chunk: Buffer, start: number, end: number): void {
    const invocation = this.#invocations.get(id)
    if (invocation === undefined) {
      throw new ProtocolError(`a frame of type ${type} for invocation ${id}, which is not there`)
    }
    switch (type) {
      case FRAME.response:
        return this.#onResponse(invocation, chunk, start, end)
      case FRAME.data:
        return onData(invocation, chunk, start, end)
      case FRAME.end:
        if (invocation.state === 'sent') throw new ProtocolError('an end without a head')
        return this.#onEnded(invocation, end > start && (chunk[start]! & FLAG_PENDING) !== 0)
      case FRAME.failed:
        return this.#onFailed(invocation, parseMessage<Failed>(chunk, start, end))
      case FRAME.settled:
        if (invocation.state !== 'ended') throw new ProtocolError('settled before it ended')
        return this.#free(invocation, null)
      case FRAME.window:
        if (end - start !== 4) throw new ProtocolError('a window of the wrong size')
        if ((invocation.state !== 'ended' || invocation.isReadOn) && !invocation.grant(chunk.readUInt32LE(start)))
          throw new ProtocolError('a larger window than it had taken')
        return
      default:
        throw new ProtocolError(`unknown frame type ${type}`)
    }
  }

  #onResponse(invocation: Invocation, chunk: Buffer, start: number, end: number): void {
    if (invocation.state === 'answered') throw new ProtocolError('a second head')
    const headStart = start + RESPONSE_PREFIX_BYTES
    if (end < headStart) throw new ProtocolError('a response without a head')
    const headEnd = headStart + chunk.readUInt32LE(start + 3)
    if (headEnd > end) throw new ProtocolError('a head longer than its frame')
    const flags = chunk[start]!
    const more = (flags & FLAG_MORE) !== 0
    if (!more && (flags & FLAG_PENDING) !== 0 && invocation.state !== 'ended') invocation.readOn()
    if (invocation.state !== 'ended') {
      const isWithin = invocation.answer(chunk.readUInt16LE(start + 1), chunk, headStart, headEnd, end, more)
      if (!isWithin) throw new ProtocolError('more body than a window')
    }
    if (!more) this.#onEnded(invocation, (flags & FLAG_PENDING) !== 0)
  }

  #onEnded(invocation: Invocation, pending: boolean): void {
    if (!pending) return this.#free(invocation, null)
    if (invocation.state === 'ended') return
    invocation.readOn()
    invocation.finish()
  }

  #onFailed(invocation: Invocation, failed: Failed): void {
    const code = FAILED_CODES.find((known) => known === failed.code) ?? 'handler-threw'
    const report = this.redaction?.report(failed) ?? failed
    this.#free(invocation, new InvocationFailure(code, String(report.message), { report }))
  }

  #free(invocation: Invocation, failure: InvocationFailure | null): void {
    this.#invocations.delete(invocation)
    if (this.#abandoned.size > 0) this.#abandoned.delete(invocation)
    if (failure === null) {
      if (invocation.state !== 'ended') invocation.finish()
      else invocation.stopReading()
    } else invocation.fail(failure)
    this.#onFreed(invocation, failure)
  }
}

function onData(invocation: Invocation, chunk: Buffer, start: number, end: number): void {
  if (invocation.state === 'ended') return
  if (invocation.state !== 'answered') throw new ProtocolError('a body without a head')
  if (!invocation.receive(chunk.subarray(start, end))) throw new ProtocolError('more body than it was granted')
}
