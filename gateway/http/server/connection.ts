/**
 * One connection of a caller: a reader makes exchanges of what comes, a queue keeps their answers in order, and looks at
 * both notice a caller who sends or takes too slowly. What it owns itself is the socket, and the end of it: the last
 * answer reaches the caller whole whatever the caller still sends, and every exchange is told once when it is over.
 */
import type { Socket } from 'node:net'
import { releaseBody } from '../../../warmpool/index.ts'
import type { ProblemCode } from '../problem.ts'
import { AnswerQueue } from './answer-queue.ts'
import { type Awaited, BodyTime, type HttpLimits, TakingTime, Wait } from './deadlines.ts'
import { Exchange, type GivenUp } from './exchange.ts'
import { type RequestHead, UNREADABLE } from './request-head.ts'
import { RequestReader, type RequestSource } from './request-reader.ts'
import { type Handle, readIntoSharedBuffer } from './shared-read.ts'
import { takenBytes } from './taken-bytes.ts'
import { takePipelined } from './turn-budget.ts'

/** What a connection needs of its server. */
export interface ConnectionHost {
  readonly limits: HttpLimits
  /** Every answer from now on is its connection's last. */
  readonly isClosing: boolean
  readonly keepAliveFields: string
  onRequest(exchange: Exchange): void
  /** What came is no request: the exchange has an empty head and only waits for its refusal. */
  onUnreadable(exchange: Exchange, code: ProblemCode, detail: string): void
  onClosed(connection: Connection): void
}

/** `leaving`: the last answer was given; the connection stays until the caller has it. */
type ConnectionState = 'open' | 'leaving' | 'closed'

/** Requests of one connection that may wait for their answers. */
const MOST_EXCHANGES = 32
/** From this size on memory is given back as soon as it was sent. */
const LARGE_BYTES = 16 * 1024
/** A caller that sends on while it leaves gets its time again with each of so many bytes, up to so many times. */
const DROPPED_BYTES_A_WAIT = 1024 * 1024
const MOST_DROPPED_WAITS = 64
/** A connection that was used keeps its place for so long. */
const KEPT_IDLE_MS = 2_000

export class Connection implements RequestSource {
  readonly remoteAddress: string
  readonly #socket: Socket
  readonly #host: ConnectionHost
  readonly #reader = new RequestReader(this)
  readonly #answers = new AnswerQueue()
  #state: ConnectionState = 'open'
  /** For what the caller is to send, and for what it is to take. */
  readonly #sending = new Wait()
  readonly #taking = new TakingTime()
  readonly #bodyTime = new BodyTime()
  /** What came after the reader had stopped. */
  #droppedBytes = 0
  /** The caller has closed its sending side. Its answers are still sent: it may be waiting for them (RFC 9112, 9.6). */
  #isHalfClosed = false

  /** `accepted`: nothing was read from it yet; a socket is paused. */
  constructor(accepted: Handle | Socket, host: ConnectionHost) {
    this.#host = host
    const socket = readIntoSharedBuffer(accepted, (bytes) => this.#reader.read(bytes))
    this.remoteAddress = socket.remoteAddress ?? ''
    this.#socket = socket
    socket.on('drain', () => this.#onDrain())
    socket.on('end', () => this.#onEnd())
    socket.on('error', () => {})
    socket.on('close', () => this.#onClose())
    socket.resume()
  }

  // For its server.

  /** A few times a second: notices what did not come in time. */
  look(nowMs: number): void {
    const { limits } = this.#host
    const isTaking = this.#socket.writableLength > 0
    if (this.#taking.isOver(isTaking, () => takenBytes(this.#socket), nowMs, limits)) return this.destroy()
    const awaited = this.#awaited(isTaking)
    const { receiving, bodyBytes, progress } = this.#reader
    const body = receiving?.takesBody === true ? receiving : null
    if (this.#bodyTime.isOver(body, awaited === 'body', bodyBytes, nowMs, limits)) return this.#onLate('body')
    const mark = this.#isHalfClosed ? this.#socket.bytesWritten : awaited === 'leaving' ? this.#droppedMark : progress
    if (this.#sending.isOver(awaited, mark, nowMs, limits)) this.#onLate(awaited)
  }

  /** Its server closes: ends it unless a request is under way on it, or the beginning of one, or an answer. */
  closeIfIdle(): void {
    if (this.#state !== 'open' || this.#answers.count > 0 || this.#socket.writableLength > 0) return
    const { awaited } = this.#reader
    if (awaited === 'rest' || awaited === 'body') this.#leave()
    else if (awaited !== 'head') this.destroy()
  }

  /**
   * Another caller needs its place: ends it where no request has ever come on it, or none for a while. One whose caller
   * may be sending the next at this moment would take that request with it. False: it stays.
   */
  giveWay(nowMs: number): boolean {
    const isIdle = this.#state === 'open' && this.#answers.count === 0 && this.#socket.writableLength === 0
    const { awaited, progress } = this.#reader
    if (!isIdle || awaited === 'rest' || awaited === 'body') return false
    if (progress > 0 && this.#sending.lastedMs(awaited, progress, nowMs) < KEPT_IDLE_MS) return false
    this.destroy()
    return true
  }

  /** Its server waits no longer: every request on it is over from now on. Adds how each has ended. */
  giveUp(detail: string, count: Record<GivenUp, number>): void {
    for (const exchange of this.#answers.unanswered) count[exchange.owner.onGivenUp(detail)]++
  }

  destroy(): void {
    this.#socket.destroy()
  }

  // For its exchanges.

  /** The answer that is being given is to be the last: the server closes, and nothing else waits here. */
  get isClosing(): boolean {
    return this.#host.isClosing && this.#answers.count <= 1
  }

  get keepAliveFields(): string {
    return this.#host.keepAliveFields
  }

  isTurnOf(exchange: Exchange): boolean {
    return this.#answers.isTurnOf(exchange)
  }

  write(piece: string | Uint8Array): boolean {
    if (typeof piece === 'string') return this.#socket.write(piece, 'latin1')
    if (piece.length < LARGE_BYTES) return this.#socket.write(piece)
    return this.#socket.write(piece, () => releaseBody(piece))
  }

  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  pause(exchange: Exchange): void {
    if (this.#reader.receiving === exchange) this.#socket.pause()
  }

  resume(exchange: Exchange): void {
    if (this.#reader.receiving === exchange) this.#socket.resume()
  }

  /** The exchange's response is whole, whether or not its turn has come. */
  onAnswered(exchange: Exchange): void {
    if (!this.#answers.isTurnOf(exchange)) return
    if (this.#answers.advance()) return this.#leave()
    // What it did not take of its body must be out of the way of the next request.
    if (this.#reader.receiving?.takesBody === false) this.#socket.resume()
    this.#readOn()
  }

  /** It turned out while answering that this answer is the last: nothing behind it is taken for a request any more. */
  onLast(exchange: Exchange): void {
    if (this.#reader.receiving !== exchange) this.#stopReading()
  }

  /** The response to this exchange is the last: what follows its head is not read as a request. */
  refuseRest(exchange: Exchange): void {
    exchange.isLast = true
    this.#stopReading()
  }

  // For its reader.

  get limits(): HttpLimits {
    return this.#host.limits
  }

  /** As many requests wait as may, or the caller does not take its answers. */
  get isFull(): boolean {
    return this.#answers.count >= MOST_EXCHANGES || this.#socket.writableNeedDrain
  }

  mayBeginAnother(headBytes: number): boolean {
    return takePipelined(headBytes)
  }

  open(head: RequestHead): Exchange {
    const exchange = new Exchange(this, head)
    this.#answers.add(exchange)
    return exchange
  }

  onRequest(exchange: Exchange): void {
    this.#host.onRequest(exchange)
  }

  /** It is told so in its turn. */
  onUnreadable(code: ProblemCode, detail: string): void {
    const exchange = this.open(UNREADABLE)
    this.refuseRest(exchange)
    this.#host.onUnreadable(exchange, code, detail)
  }

  onBodyEnd(exchange: Exchange): void {
    // Its last piece may have paused it; what comes now is of the next request.
    this.#socket.resume()
    exchange.owner.onBodyEnd()
  }

  onBodyMistake(exchange: Exchange, detail: string): void {
    if (exchange.isEnded) {
      exchange.bodyIsLost()
      return this.#endAfter(exchange)
    }
    this.refuseRest(exchange)
    exchange.owner.onBodyBroken('malformed', detail)
  }

  onFull(): void {
    this.#socket.pause()
    // Where nothing is being answered nobody else would go on.
    if (!this.isFull) setImmediate(() => this.#readOn())
  }

  onDropped(bytes: number): void {
    this.#droppedBytes += bytes
    if (this.#droppedBytes > MOST_DROPPED_WAITS * DROPPED_BYTES_A_WAIT) this.#socket.pause()
  }

  /** What its caller owes it, besides taking its answers. */
  #awaited(isTaking: boolean): Awaited {
    const isReading = this.#reader.awaited === 'body'
    if (this.#state !== 'open' && !isReading) return isTaking ? 'nothing' : 'leaving'
    if (this.#isHalfClosed) return isTaking ? 'nothing' : 'half-closed'
    const { awaited } = this.#reader
    // A body that is paused waits for the server, not for the caller.
    if (awaited === 'body' && this.#socket.isPaused()) return 'nothing'
    const isRequest = awaited === 'request' || awaited === 'first-request'
    return isRequest && (isTaking || this.#answers.count > 0) ? 'nothing' : awaited
  }

  get #droppedMark(): number {
    return Math.min(MOST_DROPPED_WAITS, Math.floor(this.#droppedBytes / DROPPED_BYTES_A_WAIT))
  }

  #onLate(awaited: Awaited): void {
    const { receiving } = this.#reader
    if (awaited === 'head') {
      this.#reader.stop()
      this.onUnreadable('request-timeout', 'Its headers did not come in time')
    } else if (awaited === 'body') {
      receiving!.owner.onBodyBroken('late', lateBody(this.limits))
    } else if (awaited === 'rest') this.#endAfter(receiving!)
    else this.destroy()
  }

  /** Its answer was given as if others would follow, and no other can. */
  #endAfter(exchange: Exchange): void {
    this.refuseRest(exchange)
    if (this.#answers.count === 0) this.#leave()
  }

  /** What still comes is read and dropped: an end of the caller is noticed, and no answer lost to unread bytes. */
  #stopReading(): void {
    this.#reader.receiving?.bodyIsLost()
    this.#reader.stop()
    this.#socket.resume()
  }

  #onDrain(): void {
    this.#answers.first?.owner.onDrain()
    this.#readOn()
  }

  #readOn(): void {
    if (this.#reader.state !== 'full' || this.isFull) return
    this.#socket.resume()
    this.#reader.readOn()
    if (this.#isHalfClosed) this.#lastIsIn()
  }

  /** The last answer was given: sends it off, and stays until the caller has closed its side too. */
  #leave(): void {
    if (this.#state !== 'open') return
    this.#state = 'leaving'
    // A body that is read on still comes whole, and nothing behind it.
    if (this.#reader.receiving?.owner.isReadOn === true) this.#reader.receiving.isLast = true
    else this.#stopReading()
    // What was pipelined behind it will not be answered.
    this.#answers.drop()
    this.#socket.end()
  }

  /**
   * The caller closes its side: it sends no more requests, and may wait for its answers or have left. Who has left is
   * noticed by a reset, a failed write, or by `halfCloseTimeoutMs` in which nothing is sent.
   */
  #onEnd(): void {
    if (this.#state !== 'open') return this.#socket.destroySoon()
    this.#isHalfClosed = true
    const { receiving } = this.#reader
    if (receiving !== null) return this.onBodyMistake(receiving, 'Its connection was closed before its body was whole')
    this.#lastIsIn()
  }

  /** Nothing more comes: the newest request is the last, unless some that came are not read yet. */
  #lastIsIn(): void {
    if (this.#reader.state === 'full') return
    const { last } = this.#answers
    if (last === undefined) this.#socket.destroySoon()
    else last.isLast = true
  }

  #onClose(): void {
    this.#state = 'closed'
    this.#reader.receiving?.bodyIsLost()
    this.#reader.stop()
    this.#answers.drop()
    this.#host.onClosed(this)
  }
}

function lateBody({ bodyTimeoutMs, bodyRateBytes }: HttpLimits): string {
  const rate = bodyRateBytes === 0 ? '' : `, or more slowly than ${bodyRateBytes} bytes a second for longer`
  return `Nothing of its body came for ${bodyTimeoutMs} ms${rate}`
}
