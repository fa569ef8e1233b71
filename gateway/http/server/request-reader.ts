/**
 * Requests out of a connection's bytes: cuts what comes into heads and bodies, wherever it is split, and hands each on
 * as an exchange. It guarantees that nothing behind a request that it could not read, or behind the last one of the
 * connection, is ever taken for a request.
 *
 *   head ──▶ body ──▶ head …     full: no more requests are taken for now     stopped: what still comes is dropped
 */
import type { ProblemCode } from '../problem.ts'
import { BodyMistake, type BodyReader, ChunkedBody, LengthBody } from './body-reader.ts'
import type { Awaited, HttpLimits } from './deadlines.ts'
import type { Exchange } from './exchange.ts'
import { HeadMistake, HeadReader, mistakeInPart, type RequestHead } from './request-head.ts'

/** Whose requests they are. */
export interface RequestSource {
  readonly limits: HttpLimits
  /** As many requests wait for their answers as may. */
  readonly isFull: boolean
  /** Whether a request that came behind another with the same read begins in this turn of the event loop. */
  mayBeginAnother(headBytes: number): boolean
  /** An exchange for this head, in the order of the requests; `onRequest` follows when it can be answered. */
  open(head: RequestHead): Exchange
  onRequest(exchange: Exchange): void
  /** What came is no request. The reader has stopped. */
  onUnreadable(code: ProblemCode, detail: string): void
  onBodyEnd(exchange: Exchange): void
  /** Where a body is none, there is no telling where the next request begins. */
  onBodyMistake(exchange: Exchange, detail: string): void
  /** The reader waits until `readOn`. */
  onFull(): void
  /** These came after it had stopped. */
  onDropped(bytes: number): void
}

export type ReaderState = 'head' | 'body' | 'full' | 'stopped'

/** Most heads end in here; looking at more at first would cost with every large body. */
const FIRST_LOOK_BYTES = 1024
const CR = 0x0d
const LF = 0x0a
const HEAD_END = '\r\n\r\n'

export class RequestReader {
  state: ReaderState = 'head'
  /** The exchange whose body is being read. */
  receiving: Exchange | null = null
  /**
   * Counts whole heads and pieces of bodies. A part of a head counts for nothing, nor what is left of a body that was
   * answered without it: they get no more time by coming in small pieces.
   */
  progress = 0
  /** Of the body that is being received, as they came: sizes of chunks included. */
  bodyBytes = 0
  readonly #source: RequestSource
  readonly #heads = new HeadReader()
  #body: BodyReader | null = null
  /** Bytes that came and were not read: of a head that is not whole, or behind as many requests as may wait. */
  #unread: Buffer | null = null

  constructor(source: RequestSource) {
    this.#source = source
  }

  /** What the caller owes it. */
  get awaited(): Awaited {
    if (this.state === 'body') return this.receiving!.takesBody ? 'body' : 'rest'
    if (this.state !== 'head') return 'nothing'
    if (this.#unread !== null) return 'head'
    return this.progress === 0 ? 'first-request' : 'request'
  }

  /** The chunk's memory is used again for the next read. */
  read(chunk: Buffer): void {
    const bytes = this.#unread === null ? chunk : Buffer.concat([this.#unread, chunk])
    this.#unread = null
    let at = 0
    let headBytes = 0
    while (at < bytes.length) {
      switch (this.state) {
        case 'head': {
          // The first of a read is free: only what is sent behind another request waits for its turn.
          if (this.#source.isFull || (headBytes > 0 && !this.#source.mayBeginAnother(headBytes))) this.state = 'full'
          else {
            const next = this.#readHead(bytes, at)
            headBytes = next - at
            at = next
          }
          break
        }
        case 'body':
          at = this.#readBody(bytes, at)
          break
        case 'full':
          this.#unread = Buffer.from(bytes.subarray(at))
          return this.#source.onFull()
        case 'stopped':
          return this.#source.onDropped(bytes.length - at)
      }
    }
  }

  /** There may be room for more requests: reads what it kept. */
  readOn(): void {
    if (this.state !== 'full' || this.#source.isFull) return
    this.state = 'head'
    const kept = this.#unread
    this.#unread = null
    if (kept !== null) this.read(kept)
  }

  /** Takes nothing for a request any more, nor for a part of the one that is being received. */
  stop(): void {
    this.state = 'stopped'
    this.receiving = null
    this.#body = null
    this.#unread = null
  }

  #readHead(bytes: Buffer, at: number): number {
    // Empty lines before a request are let pass (RFC 9112, 2.2).
    if (bytes[at] === CR && bytes[at + 1] === LF) return at + 2
    const { headersBytes } = this.#source.limits
    let text = bytes.toString('latin1', at, Math.min(bytes.length, at + FIRST_LOOK_BYTES))
    let end = text.indexOf(HEAD_END)
    if (end < 0 && bytes.length - at > FIRST_LOOK_BYTES) {
      text = bytes.toString('latin1', at, Math.min(bytes.length, at + headersBytes + HEAD_END.length))
      end = text.indexOf(HEAD_END)
    }
    const headBytes = end < 0 ? text.length - bytesOfEnd(text) : end
    if (headBytes > headersBytes) return this.#refuseLong(text.slice(0, headersBytes))
    if (end < 0) return this.#keepPart(bytes, at, text.slice(0, headersBytes))
    const head = this.#heads.read(text.slice(0, end))
    if (head instanceof HeadMistake) return this.#refuse(head.code, head.detail)
    this.#begin(head)
    return at + end + HEAD_END.length
  }

  #keepPart(bytes: Buffer, at: number, text: string): number {
    const mistake = text === '\r' ? null : mistakeInPart(text)
    if (mistake !== null) return this.#refuse(mistake.code, mistake.detail)
    this.#unread = Buffer.from(bytes.subarray(at))
    return bytes.length
  }

  /** What is no request at all is told so, as it would be had it come in pieces. */
  #refuseLong(text: string): number {
    const mistake = mistakeInPart(text)
    if (mistake !== null) return this.#refuse(mistake.code, mistake.detail)
    if (text.includes('\r\n')) return this.#refuse('headers-too-large', 'Its headers are longer than this server takes')
    // A method that is longer than any (RFC 9112, 3), or else the target is what takes the room.
    if (!text.includes(' ')) return this.#refuse('not-implemented', 'Its method is longer than any')
    return this.#refuse('target-too-long', 'Its target is longer than this server takes')
  }

  #begin(head: RequestHead): void {
    this.progress++
    const exchange = this.#source.open(head)
    const { isChunked, contentLength } = head.headers
    if (isChunked || (contentLength !== null && contentLength > 0)) {
      this.state = 'body'
      this.receiving = exchange
      this.bodyBytes = 0
      this.#body = isChunked ? new ChunkedBody() : new LengthBody(contentLength!)
    } else {
      exchange.isBodyComplete = true
      if (exchange.isLast) this.state = 'stopped'
    }
    this.#source.onRequest(exchange)
  }

  #readBody(bytes: Buffer, at: number): number {
    const exchange = this.receiving!
    if (exchange.takesBody) this.progress++
    const body = this.#body!
    let end: number
    try {
      end = body.read(bytes, at, exchange.owner)
    } catch (error) {
      if (!(error instanceof BodyMistake)) throw error
      // Its owner may have refused the rest already, when this piece was too much: then it does not matter what it is.
      if (this.receiving === exchange) this.#source.onBodyMistake(exchange, error.message)
      return bytes.length
    }
    this.bodyBytes += end - at
    if (body.isEnded && this.receiving === exchange) this.#endBody(exchange)
    return end
  }

  #endBody(exchange: Exchange): void {
    this.receiving = null
    this.#body = null
    exchange.isBodyComplete = true
    this.state = exchange.isLast ? 'stopped' : 'head'
    this.#source.onBodyEnd(exchange)
  }

  /** Nothing behind it is looked at. */
  #refuse(code: ProblemCode, detail: string): number {
    this.stop()
    this.#source.onUnreadable(code, detail)
    return Number.POSITIVE_INFINITY
  }
}

/** How much of what ends a head has come at the end of this: those bytes are not the head's. */
function bytesOfEnd(text: string): number {
  for (let bytes = HEAD_END.length - 1; bytes > 0; bytes--) if (text.endsWith(HEAD_END.slice(0, bytes))) return bytes
  return 0
}
