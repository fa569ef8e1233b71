/**
 * What a worker may send of its invocations, frame by frame: each ends exactly once, a body comes behind a head and
 * within its window, and nothing comes of what has ended. The pool kills a worker for less.
 */
import { FLAG_MORE, FLAG_PENDING, FRAME, INITIAL_WINDOW_BYTES } from '../../warmpool/wire/frames.ts'
import { Broken, expect } from './expectation.ts'

interface Exchange {
  state: 'sent' | 'answered' | 'settling' | 'ended'
  /** What the worker may still send of its answer's body. */
  receiveWindow: number
  /** Body bytes that were sent and that the worker has not granted again. */
  taken: number
}

export class Exchanges {
  readonly #byId = new Map<number, Exchange>()

  /** A request was sent, with so much of a body that goes on. */
  sent(id: number, bodyBytes: number): void {
    this.#byId.set(id, { state: 'sent', receiveWindow: INITIAL_WINDOW_BYTES, taken: bodyBytes })
  }

  sentData(id: number, bytes: number): void {
    this.#byId.get(id)!.taken += bytes
  }

  granted(id: number, bytes: number): void {
    this.#byId.get(id)!.receiveWindow += bytes
  }

  /** Throws {@link Broken} for a frame that may not come now. */
  check(type: number, id: number, payload: Buffer): void {
    const exchange = this.#byId.get(id)
    expect(exchange !== undefined, `a frame of type ${hex(type)} for invocation ${id}, which was never sent`)
    const { state } = exchange
    expect(state !== 'ended', `a frame of type ${hex(type)} for invocation ${id}, which has ended`)
    switch (type) {
      case FRAME.response:
        expect(state === 'sent', 'a second response')
        return onResponse(exchange, payload)
      case FRAME.data:
        expect(state === 'answered', 'data before a response, or after the end of the body')
        exchange.receiveWindow -= payload.length
        return expect(exchange.receiveWindow >= 0, `${-exchange.receiveWindow} body bytes more than its window`)
      case FRAME.end:
        expect(state === 'answered', 'an end before a response, or a second one')
        exchange.state = payload.length > 0 && (payload[0]! & FLAG_PENDING) !== 0 ? 'settling' : 'ended'
        return
      case FRAME.failed:
        expect(state !== 'settling', 'failed after the answer was whole')
        exchange.state = 'ended'
        return
      case FRAME.settled:
        expect(state === 'settling', 'settled before the answer was whole')
        exchange.state = 'ended'
        return
      case FRAME.window:
        expect(payload.length === 4, `a window of ${payload.length} bytes in place of 4`)
        exchange.taken -= payload.readUInt32LE()
        return expect(exchange.taken >= 0, `it granted ${-exchange.taken} bytes more than it was sent`)
      default:
        throw new Broken(`a frame of type ${hex(type)} with an invocation id, which a worker may not send`)
    }
  }
}

function onResponse(exchange: Exchange, payload: Buffer): void {
  expect(payload.length >= 7, `a response of ${payload.length} bytes, shorter than its fixed part`)
  const headEnd = 7 + payload.readUInt32LE(3)
  expect(payload.length >= headEnd, 'a response whose head is longer than its frame')
  const status = payload.readUInt16LE(1)
  expect(status >= 200 && status <= 599, `status ${status}`)
  const head = payload.toString('latin1', 7, headEnd)
  const lines = head === '' ? 0 : head.split('\n').length
  expect(lines % 2 === 0, `a head of ${lines} lines, which are no names and values in turn`)
  const flags = payload[0]!
  if ((flags & FLAG_MORE) === 0) {
    exchange.state = (flags & FLAG_PENDING) !== 0 ? 'settling' : 'ended'
    return
  }
  exchange.state = 'answered'
  exchange.receiveWindow -= payload.length - headEnd
  expect(exchange.receiveWindow >= 0, 'a response with more body than the window')
}

/** After this frame nothing of its invocation may come. */
export function isLast(type: number, payload: Buffer): boolean {
  if (type === FRAME.failed || type === FRAME.settled) return true
  if (type === FRAME.end) return payload.length === 0 || (payload[0]! & FLAG_PENDING) === 0
  return type === FRAME.response && (payload[0]! & (FLAG_MORE | FLAG_PENDING)) === 0
}

export function hex(type: number): string {
  return `0x${type.toString(16).padStart(2, '0')}`
}
