/**
 * One request on a connection and its response. The request's body comes to the owner as it arrives; the response is
 * sent whole or as a stream, framed as its length and the caller's version ask for. It writes well-formed HTTP whatever
 * it is given as body; its fields must have been checked before. Answers leave in the order of their requests: what is
 * sent before its turn waits in here.
 */
import { STATUS_CODES } from 'node:http'
import { type RequestHeaders, withHost } from '../headers.ts'
import type { Connection } from './connection.ts'
import { dateField } from './date-field.ts'
import type { RequestHead } from './request-head.ts'

/** Instead of an answer: it was refused; or its stream was ended where that is no lie; or it was cut off. */
export type GivenUp = 'refused' | 'ended' | 'cut'

/** Who answers it. */
export interface ExchangeOwner {
  /** It takes the rest of the body though the response was sent. */
  readonly isReadOn?: boolean
  onBody(chunk: Buffer): void
  /** The body has come whole. Not called for a request without one. */
  onBodyEnd(): void
  /** No more of the body came in time, or what came is none: the exchange is to be refused. */
  onBodyBroken(kind: 'late' | 'malformed', detail: string): void
  /** The caller takes more again after a `write` that returned false. */
  onDrain(): void
  /** The server waits for it no longer: it is to be over when this returns. */
  onGivenUp(detail: string): GivenUp
  /** The response was sent whole, or its connection is gone; called once. */
  onClosed(): void
}

/** For an exchange that is answered already: what still comes is read and dropped. */
const NOBODY: ExchangeOwner = {
  onBody() {},
  onBodyEnd() {},
  onBodyBroken() {},
  onDrain() {},
  onGivenUp: () => 'cut',
  onClosed() {},
}

type ResponseState = 'none' | 'streaming' | 'ended'
type Framing = 'none' | 'length' | 'chunked' | 'until-close'

const NULL_BODY_STATUS = new Set([204, 205, 304])
/** Up to here head and body are sent as one text: a vectored write costs three times as much. */
const ONE_PIECE_BYTES = 16 * 1024

export class Exchange {
  owner: ExchangeOwner = NOBODY
  /** The status that was sent; 0 before. */
  status = 0
  isBodyComplete = false
  /** The connection is closed after its response. */
  isLast: boolean
  /** Its fields hold a Date already. */
  hasDate = false
  headers: RequestHeaders
  readonly #head: RequestHead
  readonly #connection: Connection
  #response: ResponseState = 'none'
  #framing: Framing = 'none'
  /** What was sent before its turn came. */
  #waiting: (string | Uint8Array)[] = []

  constructor(connection: Connection, head: RequestHead) {
    this.#connection = connection
    this.#head = head
    this.headers = head.headers
    const { isClose, isKeepAlive } = head.headers
    this.isLast = isClose || (head.version === '1.0' && !isKeepAlive)
  }

  get method(): string {
    return this.#head.method
  }

  get url(): string {
    return this.#head.url
  }

  get version(): '1.0' | '1.1' {
    return this.#head.version
  }

  get remoteAddress(): string {
    return this.#connection.remoteAddress
  }

  get isBegun(): boolean {
    return this.#response !== 'none'
  }

  /** Somebody takes its body: until its response is sent, or as long as its owner reads on. */
  get takesBody(): boolean {
    return !this.isEnded || this.owner.isReadOn === true
  }

  get isEnded(): boolean {
    return this.#response === 'ended'
  }

  /** From now on its `Host` header says so. */
  replaceHost(host: string): void {
    this.headers = withHost(this.headers, host)
  }

  /** A response to it has a body: not to HEAD, and not with every status. */
  sendsBody(status: number): boolean {
    return this.#head.method !== 'HEAD' && !NULL_BODY_STATUS.has(status)
  }

  /** Tells a caller that waits for it to send the body. */
  sendContinue(): void {
    this.#send('HTTP/1.1 100 Continue\r\n\r\n')
  }

  /** The whole response. `fields`: checked lines, each with its CRLF; `length` null leaves content-length out. */
  sendWhole(status: number, fields: string, length: number | null, body: Buffer | null): void {
    const text = this.#headText(status, fields, lengthField(status, length))
    this.#response = 'ended'
    if (body === null || body.length === 0 || !this.sendsBody(status)) this.#send(text)
    else if (body.length <= ONE_PIECE_BYTES) this.#send(text + body.toString('latin1', 0, body.length))
    else {
      this.#connection.cork()
      this.#send(text)
      this.#send(body)
      this.#connection.uncork()
    }
    this.#connection.onAnswered(this)
  }

  /** The head of a response that goes on with `write`, up to `end`. */
  begin(status: number, fields: string, length: number | null): void {
    this.#framing = this.#framingOf(status, length)
    if (this.#framing === 'until-close') this.isLast = true
    const isChunked = this.#framing === 'chunked'
    const framing = isChunked ? 'transfer-encoding: chunked\r\n' : lengthField(status, length)
    this.#response = 'streaming'
    this.#send(this.#headText(status, fields, framing))
  }

  /** False: the caller does not take more for now; wait for `onDrain`. */
  write(chunk: Uint8Array): boolean {
    if (this.#response !== 'streaming' || this.#framing === 'none' || chunk.length === 0) return true
    if (this.#framing !== 'chunked') return this.#send(chunk)
    this.#connection.cork()
    this.#send(`${chunk.length.toString(16)}\r\n`)
    this.#send(chunk)
    const isOpen = this.#send('\r\n')
    this.#connection.uncork()
    return isOpen
  }

  end(): void {
    if (this.#response !== 'streaming') return
    this.#response = 'ended'
    if (this.#framing === 'chunked') this.#send('0\r\n\r\n')
    this.#connection.onAnswered(this)
  }

  /** Cuts the connection: the only way left to say that a response which has begun is not whole. */
  destroy(): void {
    this.#connection.destroy()
  }

  /** Its response will be the connection's last, and nothing that follows is read. */
  refuseRest(): void {
    this.#connection.refuseRest(this)
  }

  /** Stops the caller from sending more of the body. */
  pause(): void {
    this.#connection.pause(this)
  }

  resume(): void {
    this.#connection.resume(this)
  }

  // For the connection only.

  /** Its turn has come: everything sent so far leaves. */
  sendWaiting(): void {
    for (const piece of this.#waiting.splice(0)) this.#connection.write(piece)
    if (this.#response === 'streaming') this.owner.onDrain()
  }

  /** It is over, but for what is still to come of its body where its owner takes that. */
  closed(): void {
    const { owner } = this
    if (owner.isReadOn !== true || this.isBodyComplete) this.owner = NOBODY
    owner.onClosed()
  }

  /** The rest of its body is not read: who takes it after the response hears of that. */
  bodyIsLost(): void {
    if (this.owner.isReadOn) this.owner.onBodyBroken('malformed', 'The rest of its body did not come')
  }

  #framingOf(status: number, length: number | null): Framing {
    if (!this.sendsBody(status)) return 'none'
    if (length !== null) return 'length'
    return this.version === '1.1' ? 'chunked' : 'until-close'
  }

  #headText(status: number, fields: string, framing: string): string {
    this.status = status
    if (this.#connection.isClosing) this.isLast = true
    if (this.isLast) this.#connection.onLast(this)
    const persistence = this.isLast ? 'connection: close\r\n' : this.#connection.keepAliveFields
    return `${statusLine(status)}${fields}${framing}${this.hasDate ? '' : dateField()}${persistence}\r\n`
  }

  /** False: the connection does not take more for now, or it is another's turn. */
  #send(piece: string | Uint8Array): boolean {
    if (this.#connection.isTurnOf(this)) return this.#connection.write(piece)
    this.#waiting.push(piece)
    return false
  }
}

/** 204 and 304 end with their head; a 205 has to say that it has no body (RFC 9112, 6.3). */
function lengthField(status: number, length: number | null): string {
  if (status === 205) return 'content-length: 0\r\n'
  return length === null || NULL_BODY_STATUS.has(status) ? '' : `content-length: ${length}\r\n`
}

const statusLines: string[] = []

function statusLine(status: number): string {
  statusLines[status] ??= `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`
  return statusLines[status]
}
