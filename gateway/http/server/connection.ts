/**
 * One connection of a caller: cuts what comes into requests, hands each on as an exchange, and lets the answers leave
 * in the order of the requests. It guarantees that nothing behind a request that it could not read, or behind the last
 * one of the connection, is ever taken for a request; that a caller who is too slow, sends too much or leaves is noticed;
 * and that every exchange is told once when it is over.
 *
 *   head ──▶ body ──▶ head …     full: as many requests wait as may      last: what still comes is read and dropped
 */
import type { Socket } from 'node:net'
import { releaseBody } from '../../../warmpool/index.ts'
import type { ProblemCode } from '../problem.ts'
import { BodyMistake, type BodyReader, ChunkedBody, LengthBody } from './body-reader.ts'
import { Exchange } from './exchange.ts'
import { HeadMistake, HeadReader, mistakeInPart, type RequestHead, UNREADABLE } from './request-head.ts'
import { readIntoSharedBuffer } from './shared-read.ts'

export interface HttpLimits {
  readonly headersBytes: number
  /** For a head, from its first byte to its last. */
  readonly headersTimeoutMs: number
  /** For a connection without a request. */
  readonly keepAliveTimeoutMs: number
  /** Between two pieces of a body, while the server reads. */
  readonly bodyTimeoutMs: number
}

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

type ConnectionState = 'head' | 'body' | 'full' | 'last' | 'closed'

/** Requests of one connection that may wait for their answers. */
const MOST_EXCHANGES = 32
/** Most heads end in here; looking at more at first would cost with every large body. */
const FIRST_LOOK_BYTES = 1024
/** How long, and how much, is still read after the last answer: closing at once would take it out of the caller's hands. */
const LINGER_MS = 1_000
const LINGER_BYTES = 1024 * 1024
/** From this size on memory is given back as soon as it was sent. */
const LARGE_BYTES = 16 * 1024
const CR = 0x0d
const LF = 0x0a

export class Connection {
  readonly remoteAddress: string
  /** When it is too late for what it waits for. */
  deadlineMs: number
  readonly #socket: Socket
  readonly #host: ConnectionHost
  readonly #heads = new HeadReader()
  #state: ConnectionState = 'head'
  /** Bytes that came and were not read: of a head that is not whole, or behind as many requests as may wait. */
  #unread: Buffer | null = null
  /** Unanswered, oldest first. */
  readonly #exchanges: Exchange[] = []
  #receiving: Exchange | null = null
  #body: BodyReader | null = null
  #lingerBytes = LINGER_BYTES
  /** What had not been sent when its time was up before. */
  #leftBytes = 0
  /** Since when there has been a part of a head; 0 when there is none. */
  #partSinceMs = 0

  /** `accepted`: a socket that nothing was read from, and that is paused. */
  constructor(accepted: Socket, host: ConnectionHost, nowMs: number) {
    this.#host = host
    this.remoteAddress = accepted.remoteAddress ?? ''
    this.deadlineMs = nowMs + host.limits.headersTimeoutMs
    const socket = readIntoSharedBuffer(accepted, (bytes) => this.#onBytes(bytes))
    this.#socket = socket
    socket.on('drain', () => this.#onDrain())
    socket.on('end', () => this.#onEnd())
    socket.on('error', () => {})
    socket.on('close', () => this.#onClose())
    socket.resume()
  }

  /** The answer that is being given is to be the last: the server closes, and nothing else waits here. */
  get isClosing(): boolean {
    return this.#host.isClosing && this.#exchanges.length <= 1
  }

  get keepAliveFields(): string {
    return this.#host.keepAliveFields
  }

  /** No request is under way on it, nor the beginning of one. */
  get isIdle(): boolean {
    const isSent = this.#socket.writableLength === 0
    return this.#state === 'head' && this.#exchanges.length === 0 && this.#unread === null && isSent
  }

  isTurnOf(exchange: Exchange): boolean {
    return this.#exchanges[0] === exchange
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
    if (this.#receiving !== exchange) return
    this.#socket.pause()
    // It waits for the server, not for the caller.
    this.deadlineMs = Number.POSITIVE_INFINITY
  }

  resume(exchange: Exchange): void {
    if (this.#receiving !== exchange) return
    this.deadlineMs = performance.now() + this.#host.limits.bodyTimeoutMs
    this.#socket.resume()
  }

  /** The exchange's response is whole, whether or not its turn has come. */
  onAnswered(exchange: Exchange): void {
    if (!this.isTurnOf(exchange)) return
    this.#exchanges.shift()
    exchange.closed()
    if (exchange.isLast) return this.#leave(exchange)
    // What it did not take of its body must be out of the way of the next request.
    if (this.#receiving === exchange) this.resume(exchange)
    const next = this.#exchanges[0]
    if (next !== undefined) {
      next.sendWaiting()
      if (next.isEnded) return this.onAnswered(next)
    } else if (this.#state === 'head' && this.#unread === null) {
      this.deadlineMs = performance.now() + this.#host.limits.keepAliveTimeoutMs
    }
    this.#readOnUnlessFull()
  }

  /** It turned out while answering that this answer is the last: nothing behind it is taken for a request any more. */
  onLast(): void {
    if (this.#state === 'head' || this.#state === 'full') this.#state = 'last'
  }

  /** The response to this exchange is the last: what follows its head is not read as a request. */
  refuseRest(exchange: Exchange): void {
    exchange.isLast = true
    this.#state = 'last'
    this.#receiving = null
    this.deadlineMs = Number.POSITIVE_INFINITY
    this.#socket.resume()
  }

  /** Something was waited for and did not come in time. */
  onLate(): void {
    this.deadlineMs = Number.POSITIVE_INFINITY
    // Answered, and the caller does not send the rest that was to be dropped.
    if (this.#state === 'body' && this.#receiving!.isEnded) this.destroy()
    else if (this.#state === 'body')
      this.#receiving!.owner.onBodyBroken('late', `No more of its body came for ${this.#host.limits.bodyTimeoutMs} ms`)
    else if (this.#state === 'head' && this.#unread !== null)
      this.#refuse('request-timeout', 'Its headers did not come in time')
    else this.#endUnlessSending()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** The chunk's memory is used again for the next read. */
  #onBytes(chunk: Buffer): void {
    const bytes = this.#unread === null ? chunk : Buffer.concat([this.#unread, chunk])
    this.#unread = null
    let at = 0
    while (at < bytes.length) {
      switch (this.#state) {
        case 'head':
          if (this.#isFull) this.#state = 'full'
          else at = this.#readHead(bytes, at)
          break
        case 'body':
          at = this.#readBody(bytes, at)
          break
        case 'full':
          this.#unread = Buffer.from(bytes.subarray(at))
          this.#socket.pause()
          return
        case 'last':
          return this.#drop(bytes.length - at)
        case 'closed':
          return
      }
    }
  }

  #readHead(bytes: Buffer, at: number): number {
    // Empty lines before a request are let pass (RFC 9112, 2.2).
    if (bytes[at] === CR && bytes[at + 1] === LF) return at + 2
    const { headersBytes } = this.#host.limits
    let text = bytes.toString('latin1', at, Math.min(bytes.length, at + FIRST_LOOK_BYTES))
    let end = text.indexOf('\r\n\r\n')
    if (end < 0 && bytes.length - at > FIRST_LOOK_BYTES) {
      text = bytes.toString('latin1', at, Math.min(bytes.length, at + headersBytes + 4))
      end = text.indexOf('\r\n\r\n')
    }
    if (end < 0 ? text.length > headersBytes : end > headersBytes)
      return this.#refuse('headers-too-large', 'Its headers are longer than this server takes')
    if (end < 0) return this.#keepPart(bytes, at, text)
    const head = this.#heads.read(text.slice(0, end))
    if (head instanceof HeadMistake) return this.#refuse('malformed-request', head.detail)
    this.#begin(head)
    return at + end + 4
  }

  #keepPart(bytes: Buffer, at: number, text: string): number {
    const mistake = text === '\r' ? null : mistakeInPart(text)
    if (mistake !== null) return this.#refuse('malformed-request', mistake.detail)
    this.#unread = Buffer.from(bytes.subarray(at))
    // Once, by the first byte: whoever sends one byte after the other gains no time.
    if (this.#partSinceMs === 0) {
      this.#partSinceMs = performance.now()
      this.deadlineMs = this.#partSinceMs + this.#host.limits.headersTimeoutMs
    }
    return bytes.length
  }

  #begin(head: RequestHead): void {
    this.#partSinceMs = 0
    this.deadlineMs = Number.POSITIVE_INFINITY
    const exchange = new Exchange(this, head)
    this.#exchanges.push(exchange)
    const { isChunked, contentLength } = head.headers
    if (isChunked || (contentLength !== null && contentLength > 0)) {
      this.#state = 'body'
      this.#receiving = exchange
      this.#body = isChunked ? new ChunkedBody() : new LengthBody(contentLength!)
      this.deadlineMs = performance.now() + this.#host.limits.bodyTimeoutMs
    } else {
      exchange.isBodyComplete = true
      if (exchange.isLast) this.#state = 'last'
    }
    this.#host.onRequest(exchange)
  }

  #readBody(bytes: Buffer, at: number): number {
    const exchange = this.#receiving!
    const body = this.#body!
    if (this.deadlineMs !== Number.POSITIVE_INFINITY)
      this.deadlineMs = performance.now() + this.#host.limits.bodyTimeoutMs
    let end: number
    try {
      end = body.read(bytes, at, exchange.owner)
    } catch (error) {
      if (!(error instanceof BodyMistake)) throw error
      this.#breakBody(exchange, error.message)
      return bytes.length
    }
    // Its owner may have refused the rest meanwhile.
    if (body.isEnded && this.#receiving === exchange) this.#endBody(exchange)
    return end
  }

  #endBody(exchange: Exchange): void {
    this.#receiving = null
    this.#body = null
    exchange.isBodyComplete = true
    const isWaiting = this.#exchanges.length > 0
    this.#state = exchange.isLast ? 'last' : 'head'
    this.deadlineMs = isWaiting ? Number.POSITIVE_INFINITY : performance.now() + this.#host.limits.keepAliveTimeoutMs
    // Its last piece may have paused it; what comes now is of the next request.
    this.#socket.resume()
    exchange.owner.onBodyEnd()
  }

  /** Where a body is none, there is no telling where the next request begins. */
  #breakBody(exchange: Exchange, detail: string): void {
    if (exchange.isEnded) return this.destroy()
    this.refuseRest(exchange)
    exchange.owner.onBodyBroken('malformed', detail)
  }

  /** What came is no request. It is told so in its turn, and nothing behind it is looked at. */
  #refuse(code: ProblemCode, detail: string): number {
    const exchange = new Exchange(this, UNREADABLE)
    this.#exchanges.push(exchange)
    this.refuseRest(exchange)
    this.#host.onUnreadable(exchange, code, detail)
    return Number.POSITIVE_INFINITY
  }

  /** As many requests wait as may, or the caller does not take its answers. */
  get #isFull(): boolean {
    return this.#exchanges.length >= MOST_EXCHANGES || this.#socket.writableNeedDrain
  }

  #onDrain(): void {
    this.#exchanges[0]?.owner.onDrain()
    this.#readOnUnlessFull()
  }

  #readOnUnlessFull(): void {
    if (this.#state !== 'full' || this.#isFull) return
    this.#state = 'head'
    const held = this.#unread
    this.#unread = null
    this.#socket.resume()
    if (held !== null) this.#onBytes(held)
  }

  /** The last answer was given: sends it off, and stays for a while where the caller has not finished. */
  #leave(exchange: Exchange): void {
    this.#state = 'last'
    this.#receiving = null
    // What was pipelined behind it will not be answered.
    for (const dropped of this.#exchanges.splice(0)) dropped.closed()
    if (exchange.isBodyComplete) return this.#socket.destroySoon()
    this.deadlineMs = performance.now() + LINGER_MS
    this.#socket.resume()
    this.#socket.end()
  }

  #drop(bytes: number): void {
    this.#lingerBytes -= bytes
    if (this.#lingerBytes < 0) this.#socket.pause()
  }

  /** A slow caller gets the time once more for an answer that is on its way; one that takes nothing is cut off. */
  #endUnlessSending(): void {
    const leftBytes = this.#socket.writableLength
    if (leftBytes === 0 || leftBytes === this.#leftBytes) return this.destroy()
    this.#leftBytes = leftBytes
    this.deadlineMs = performance.now() + this.#host.limits.keepAliveTimeoutMs
  }

  /** A caller that closes its side has left: that is how a departure is noticed. */
  #onEnd(): void {
    if (this.#exchanges.length > 0) this.destroy()
    else this.#socket.destroySoon()
  }

  #onClose(): void {
    this.#state = 'closed'
    this.deadlineMs = Number.POSITIVE_INFINITY
    for (const exchange of this.#exchanges.splice(0)) exchange.closed()
    this.#host.onClosed(this)
  }
}
