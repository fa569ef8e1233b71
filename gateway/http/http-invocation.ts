/**
 * One HTTP request as an invocation: it streams the request body in as the worker takes it and the response body out
 * as the caller takes it, verifies what the function says of its length, and answers exactly once, with the function's
 * response or with a problem document.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Invocation, type InvocationFailure } from '../../warmpool/index.ts'
import { type ResponseHead, readResponseHead } from './headers.ts'
import { type Problem, type ProblemCode, problem } from './problem.ts'
import { sendProblem } from './send-problem.ts'

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
  readonly serverTiming: boolean
  readonly bodyBytes: number
  readonly isDraining: boolean
  onOver(summary: ExchangeSummary): void
}

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly edge: Edge
}

const NULL_BODY_STATUS = new Set([204, 205, 304])
/** Up to here a body is sent together with its head. */
const ONE_PIECE_BYTES = 16 * 1024

export class HttpInvocation extends Invocation {
  readonly functionName: string
  readonly invocationId: string
  readonly head: string
  override readonly isSecure: boolean
  readonly #exchange: Exchange
  /** Body bytes that the function has announced and not sent; null when it announced nothing. */
  #owedBytes: number | null = null
  /** Response bytes that were passed on but not granted to the worker, because the caller does not read. */
  #heldBytes = 0
  #receivedBytes = 0
  #failure: InvocationFailure | null = null
  #problem: Problem | null = null
  #isOver = false

  constructor(exchange: Exchange, functionName: string, invocationId: string, head: string, isSecure: boolean) {
    super()
    this.#exchange = exchange
    this.functionName = functionName
    this.invocationId = invocationId
    this.head = head
    this.isSecure = isSecure
  }

  get request(): IncomingMessage {
    return this.#exchange.request
  }

  /** The body came whole before the hand-over. */
  setBody(body: Buffer): void {
    this.body = body.length === 0 ? null : body
  }

  /** The body is streamed from the hand-over on. */
  setStreaming(): void {
    this.hasMore = true
  }

  /** The response is over, one way or the other. */
  onClosed(): void {
    if (this.#isOver) return
    this.#isOver = true
    const { response, edge } = this.#exchange
    if (!response.writableFinished) this.cancel()
    const status = response.headersSent ? response.statusCode : 0
    const tookMs = performance.now() - this.admittedAtMs
    edge.onOver({ invocation: this, status, problem: this.#problem, failure: this.#failure, tookMs })
  }

  /** Ends it with a problem of the caller's making, such as a body over the limit. */
  refuse(code: ProblemCode, detail: string): void {
    this.#answerWith(problem(code, { detail, invocation: this.invocationId }), null)
    this.cancel()
  }

  protected override onSent(): void {
    const { request } = this.#exchange
    request.on('data', (chunk: Buffer) => this.#onBody(chunk))
    request.once('end', () => this.endBody())
  }

  protected override onWritable(): void {
    this.#exchange.request.resume()
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
    const { response } = this.#exchange
    if (this.#owedBytes !== null) {
      this.#owedBytes -= chunk.length
      if (this.#owedBytes < 0) return this.#breakOff('wrong-content-length', 'It sent more than its content-length')
    }
    this.#heldBytes += chunk.length
    if (response.write(chunk)) this.#grantHeld()
  }

  protected override onEnd(): void {
    const { request, response } = this.#exchange
    // What the function did not read must be out of the way of the connection's next request.
    if (!request.complete) request.resume()
    if (response.writableEnded) return
    if (this.#owedBytes !== null && this.#owedBytes > 0 && this.#sendsBody()) {
      return this.#breakOff('wrong-content-length', `It ended ${this.#owedBytes} bytes before its content-length`)
    }
    response.end()
  }

  protected override onFailure(failure: InvocationFailure): void {
    this.#failure = failure
    const { code, message, details } = failure
    if (code === 'cancelled') return
    const kind = code === 'shutdown' ? 'draining' : code
    // What the function threw is for the log; callers get the kind of it and the id to ask for.
    const detail = kind === 'handler-threw' || kind === 'response-aborted' ? HIDDEN : hideFrames(message)
    this.#answerWith(problem(kind, { detail, invocation: this.invocationId }), details.retryAfterMs ?? null)
  }

  #onBody(chunk: Buffer): void {
    const { request, edge } = this.#exchange
    this.#receivedBytes += chunk.length
    if (this.state === 'ended') return
    if (this.#receivedBytes > edge.bodyBytes)
      return this.refuse('body-too-large', `It is longer than ${edge.bodyBytes} bytes`)
    if (!this.write(chunk)) request.pause()
  }

  #sendWhole(status: number, { fields, contentLength }: ResponseHead, body: Buffer): void {
    const { response } = this.#exchange
    const sendsBody = this.#sendsBody() && !NULL_BODY_STATUS.has(status)
    if (sendsBody && contentLength !== null && contentLength !== body.length) {
      return this.#refuseResponse('wrong-content-length', `It announced ${contentLength} bytes and sent ${body.length}`)
    }
    const length = sendsBody ? body.length : NULL_BODY_STATUS.has(status) ? null : contentLength
    response.writeHead(status, this.#fields(fields, length))
    if (!sendsBody || body.length === 0) response.end()
    // Bytes as text, so that node:http sends head and body in one piece: a vectored write costs three times as much.
    else if (body.length <= ONE_PIECE_BYTES) response.end(body.toString('latin1'), 'latin1')
    else response.end(body)
  }

  #beginStream(status: number, { fields, contentLength }: ResponseHead, body: Buffer): void {
    const { response } = this.#exchange
    this.#owedBytes = this.#sendsBody() && !NULL_BODY_STATUS.has(status) ? contentLength : null
    response.writeHead(status, this.#fields(fields, contentLength))
    response.flushHeaders()
    response.on('drain', () => this.#grantHeld())
    if (body.length > 0) this.onData(body)
  }

  #fields(fields: readonly string[], contentLength: number | null): string[] {
    const all = [...fields, 'x-request-id', this.invocationId]
    if (contentLength !== null) all.push('content-length', String(contentLength))
    const { edge } = this.#exchange
    if (edge.serverTiming) all.push('server-timing', this.#timing())
    if (edge.isDraining) all.push('connection', 'close')
    return all
  }

  /** What the call waited for, in milliseconds. */
  #timing(): string {
    const queueMs = this.sentAtMs - this.admittedAtMs
    const runMs = performance.now() - this.sentAtMs
    const load = this.startKind === 'warm' ? '' : `, load;dur=${this.worker!.loadMs.toFixed(2)}`
    return `queue;dur=${queueMs.toFixed(2)}, start;desc="${this.startKind}"${load}, run;dur=${runMs.toFixed(2)}`
  }

  #sendsBody(): boolean {
    return this.#exchange.request.method !== 'HEAD'
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
    this.#exchange.response.destroy()
  }

  #answerWith(found: Problem, retryAfterMs: number | null): void {
    const { response, request, edge } = this.#exchange
    if (this.#problem !== null || response.writableEnded) return
    if (response.headersSent) return this.#breakOff(found.code, found.detail)
    this.#problem = found
    sendProblem(request, response, found, { retryAfterMs, isLast: edge.isDraining })
  }
}

const HIDDEN = 'What it threw is in the log of the gateway, under this invocation id.'

/** A message may hold several lines, of which the first says what happened. */
function hideFrames(message: string): string {
  return message.split('\n', 1)[0]!
}
