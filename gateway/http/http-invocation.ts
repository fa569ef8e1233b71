/**
 * One HTTP request as an invocation: it streams the request body in as the worker takes it and the response body out
 * as the caller takes it, verifies what the function says of its length, and answers exactly once, with the function's
 * response or with a problem document.
 */
import { clock, Invocation, type InvocationFailure, releaseBody } from '../../warmpool/index.ts'
import { type ResponseHead, readResponseHead } from './headers.ts'
import { invocationHead } from './invocation-head.ts'
import { type Problem, type ProblemCode, problem } from './problem.ts'
import { requestId } from './request-id.ts'
import type { Match } from './route-table.ts'
import { sendProblem } from './send-problem.ts'
import type { Exchange, ExchangeOwner, GivenUp } from './server/exchange.ts'

/** What an exchange was, once it is over: for logs and for `dev`. */
export interface ExchangeSummary {
  readonly invocation: HttpInvocation
  /** The status that was sent; 0 when the caller left before one was. */
  readonly status: number
  readonly problem: Problem | null
  readonly failure: InvocationFailure | null
  readonly tookMs: number
}

/** What belongs to the server rather than to one request. */
export interface Edge {
  readonly trustProxy: boolean
  readonly serverTiming: boolean
  readonly bodyBytes: number
  /** Its body has come whole: it may be handed to a worker. */
  onWhole(invocation: HttpInvocation): void
  onOver(summary: ExchangeSummary): void
}

/**
 * How its body travels: there is none; it is gathered before a worker is taken; it flows from the hand-over on, and
 * until then it is kept from coming.
 */
type BodyPath = 'none' | 'gathered' | 'streamed'

/** Bodies of known length up to here are read before a worker is taken, so that a slow caller holds none. */
const WHOLE_BODY_BYTES = 64 * 1024

export class HttpInvocation extends Invocation implements ExchangeOwner {
  readonly functionName: string
  /** Of a deployed function: which it was given to; else 0. */
  version = 0
  readonly invocationId: string
  readonly head: string
  override readonly isSecure: boolean
  readonly exchange: Exchange
  readonly #edge: Edge
  readonly #bodyPath: BodyPath
  #gathered: Buffer[] = []
  /** Body bytes that the function has announced and not sent; null when it announced nothing. */
  #owedBytes: number | null = null
  /** Response bytes that were passed on but not granted to the worker, because the caller does not read. */
  #heldBytes = 0
  #receivedBytes = 0
  #failure: InvocationFailure | null = null
  #problem: Problem | null = null
  /** The whole body came before it was handed over. */
  #hasEndedEarly = false

  constructor(exchange: Exchange, edge: Edge, match: Match) {
    super()
    const { headers } = exchange
    const isSecure = edge.trustProxy && HTTPS_FIRST.test(headers.forwardedProto ?? '')
    const bodyPath = exchange.isBodyComplete ? 'none' : isShort(headers.contentLength) ? 'gathered' : 'streamed'
    this.exchange = exchange
    this.#edge = edge
    this.functionName = match.function
    this.invocationId = requestId(headers.requestId)
    this.isSecure = isSecure
    this.head = invocationHead(exchange, match, this.invocationId, edge.trustProxy, isSecure)
    this.#bodyPath = bodyPath
    this.hasMore = bodyPath === 'streamed'
    exchange.owner = this
  }

  /** Its body is still to come before it may be handed to a worker: `Edge.onWhole` says when. */
  get isGathering(): boolean {
    return this.#bodyPath === 'gathered'
  }

  // What its exchange tells.

  onBody(chunk: Buffer): void {
    if (this.#bodyPath === 'gathered') {
      this.#gathered.push(chunk)
      return
    }
    this.#receivedBytes += chunk.length
    if (this.state === 'ended' && !this.isReadOn) return
    const { bodyBytes } = this.#edge
    if (this.#receivedBytes > bodyBytes && this.isReadOn) return this.breakBody()
    if (this.#receivedBytes > bodyBytes) return this.refuse('body-too-large', `It is longer than ${bodyBytes} bytes`)
    // What comes before the hand-over waits here, and the caller with the rest.
    if (!this.#isHandedOver) this.#gathered.push(chunk)
    if (!this.#isHandedOver || !this.write(chunk)) this.exchange.pause()
  }

  onBodyEnd(): void {
    if (this.#bodyPath === 'gathered') {
      const chunks = this.#gathered
      this.body = joined(chunks)
      if (!this.isCancelled) this.#edge.onWhole(this)
    } else if (this.#isHandedOver) this.endBody()
    else this.#hasEndedEarly = true
  }

  onBodyBroken(kind: 'late' | 'malformed', detail: string): void {
    if (this.isReadOn) return this.breakBody()
    this.refuse(kind === 'late' ? 'request-timeout' : 'malformed-request', detail)
  }

  onDrain(): void {
    this.#grantHeld()
  }

  /** The response is over, one way or the other. */
  onClosed(): void {
    const { exchange } = this
    if (!exchange.isEnded) this.cancel()
    const tookMs = clock.now() - this.admittedAtMs
    this.#edge.onOver({
      invocation: this,
      status: exchange.status,
      problem: this.#problem,
      failure: this.#failure,
      tookMs,
    })
  }

  onGivenUp(detail: string): GivenUp {
    const { exchange } = this
    if (!exchange.isBegun) {
      this.refuse('shutdown', detail)
      return 'refused'
    }
    if (!this.isEndless || this.#owedBytes !== null) {
      this.#breakOff('shutdown', detail)
      return 'cut'
    }
    // Of events each is whole, and their reader comes back for more.
    this.cancel()
    exchange.end()
    return 'ended'
  }

  /** Ends it with a problem of the caller's making, such as a body over the limit. */
  refuse(code: ProblemCode, detail: string): void {
    this.#answerWith(problem(code, { detail, invocation: this.invocationId }), null)
    this.cancel()
  }

  protected override onSent(): void {
    let isOpen = true
    for (const chunk of this.#gathered.splice(0)) isOpen = this.write(chunk)
    if (this.#hasEndedEarly) this.endBody()
    else if (isOpen) this.exchange.resume()
  }

  protected override onWritable(): void {
    this.exchange.resume()
  }

  protected override onResponse(status: number, head: string, body: Buffer, more: boolean): void {
    const read = readResponseHead(head)
    const mistake =
      status < 200 || status > 599
        ? { code: 'not-a-response' as const, detail: `It answered with status ${status}` }
        : read.mistake
    if (mistake !== null) return this.#refuseResponse(mistake.code, mistake.detail)
    if (more) this.#beginStream(status, read, body)
    else this.#sendWhole(status, read, body)
  }

  protected override onData(chunk: Buffer): void {
    if (this.#owedBytes !== null) {
      this.#owedBytes -= chunk.length
      if (this.#owedBytes < 0) return this.#breakOff('wrong-content-length', 'It sent more than its content-length')
    }
    this.#heldBytes += chunk.length
    if (this.exchange.write(chunk)) this.#grantHeld()
  }

  protected override onEnd(): void {
    const { exchange } = this
    if (exchange.isEnded) return
    if (this.#owedBytes !== null && this.#owedBytes > 0) {
      return this.#breakOff('wrong-content-length', `It ended ${this.#owedBytes} bytes before its content-length`)
    }
    exchange.end()
  }

  protected override onFailure(failure: InvocationFailure): void {
    this.#failure = failure
    const { code, message, details } = failure
    if (code === 'cancelled') return
    // What the function threw is for the log; callers get the kind of it and the id to ask for.
    const detail = code === 'handler-threw' || code === 'response-aborted' ? HIDDEN : hideFrames(message)
    this.#answerWith(problem(code, { detail, invocation: this.invocationId }), details.retryAfterMs ?? null)
  }

  #sendWhole(status: number, head: ResponseHead, body: Buffer): void {
    const { exchange } = this
    const { contentLength } = head
    const sendsBody = exchange.sendsBody(status)
    if (sendsBody && contentLength !== null && contentLength !== body.length) {
      return this.#refuseResponse('wrong-content-length', `It announced ${contentLength} bytes and sent ${body.length}`)
    }
    const length = sendsBody ? body.length : this.#isHead() ? contentLength : null
    exchange.hasDate = head.hasDate
    exchange.sendWhole(status, this.#fields(head.text), length, body)
  }

  #beginStream(status: number, head: ResponseHead, body: Buffer): void {
    const { exchange } = this
    this.#owedBytes = exchange.sendsBody(status) ? head.contentLength : null
    this.isEndless = head.isEventStream
    exchange.hasDate = head.hasDate
    exchange.begin(status, this.#fields(head.text), head.contentLength)
    if (body.length > 0) this.onData(body)
  }

  #fields(text: string): string {
    const timing = this.#edge.serverTiming ? `server-timing: ${this.#timing()}\r\n` : ''
    return `${text}x-request-id: ${this.invocationId}\r\n${timing}`
  }

  /** Its worker was in its first second, or was started for it. */
  get isEarly(): boolean {
    const { worker } = this
    return this.startKind !== 'warm' || worker === null || this.sentAtMs - worker.loadedAtMs < EARLY_MS
  }

  /** What the call waited for, in milliseconds. */
  #timing(): string {
    const queueMs = this.sentAtMs - this.admittedAtMs
    const runMs = clock.now() - this.sentAtMs
    const load = this.startKind === 'warm' ? '' : `, load;dur=${this.worker!.loadMs.toFixed(2)}`
    return `queue;dur=${queueMs.toFixed(2)}, start;desc="${this.startKind}"${load}, run;dur=${runMs.toFixed(2)}`
  }

  get #isHandedOver(): boolean {
    return this.sentAtMs > 0
  }

  #isHead(): boolean {
    return this.exchange.method === 'HEAD'
  }

  #grantHeld(): void {
    const held = this.#heldBytes
    this.#heldBytes = 0
    this.consumed(held)
  }

  /** The function's answer cannot be sent, and nothing of it was. */
  #refuseResponse(code: ProblemCode, detail: string): void {
    this.#answerWith(problem(code, { detail, invocation: this.invocationId }), null)
    this.cancel()
  }

  /** The answer is on its way already: cutting the connection is the only way left to say that it is not whole. */
  #breakOff(code: ProblemCode, detail: string): void {
    this.#problem = problem(code, { detail, invocation: this.invocationId })
    this.cancel()
    this.exchange.destroy()
  }

  #answerWith(found: Problem, retryAfterMs: number | null): void {
    const { exchange } = this
    if (this.#problem !== null || exchange.isEnded) return
    if (exchange.isBegun) return this.#breakOff(found.code, found.detail)
    this.#problem = found
    sendProblem(exchange, found, { retryAfterMs })
  }
}

/** The chunks in one piece; they are not to be used any more. */
function joined(chunks: readonly Buffer[]): Buffer {
  if (chunks.length === 1) return chunks[0]!
  const whole = Buffer.concat(chunks)
  for (const chunk of chunks) releaseBody(chunk)
  return whole
}

function isShort(contentLength: number | null): boolean {
  return contentLength !== null && contentLength <= WHOLE_BODY_BYTES
}

/** Each proxy may add to the list; the one nearest to the caller says how that came. */
const HTTPS_FIRST = /^[\t ]*https[\t ]*(?:,|$)/i

/** Until then a worker's code is not compiled, and slower by that. */
const EARLY_MS = 1_000

const HIDDEN = 'What it threw is in the log of the gateway, under this invocation id.'

/** A message may hold several lines, of which the first says what happened. */
function hideFrames(message: string): string {
  return message.split('\n', 1)[0]!
}
