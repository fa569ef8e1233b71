/**
 * The public HTTP server: takes requests, refuses what is malformed before a function hears of it, finds the function,
 * and hands the rest to the pool. Read it after route-table.ts and before http-invocation.ts. It runs on node:http
 * itself: every layer in between costs a tenth of what a warm call may cost (docs/architecture.md).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Server as NetServer } from 'node:net'
import { type RequestHeaders, readRequestHeaders } from './headers.ts'
import { type Edge, type ExchangeSummary, HttpInvocation } from './http-invocation.ts'
import { type ListenAddress, listen } from './listen.ts'
import { type Problem, type ProblemCode, problem } from './problem.ts'
import { requestId } from './request-id.ts'
import { checkRequestLine } from './request-line.ts'
import type { Match, RouteTable } from './route-table.ts'
import { ALLOWED_METHODS, isEnding, sendProblem } from './send-problem.ts'
import { onClientError, refuseRaw } from './unreadable.ts'

export interface EdgeSettings {
  readonly trustProxy: boolean
  readonly serverTiming: boolean
  readonly bodyBytes: number
  readonly headersBytes: number
  readonly headersTimeoutMs: number
  readonly bodyTimeoutMs: number
  readonly keepAliveTimeoutMs: number
}

export interface EdgeOwner {
  /** Why a function that has a route cannot take calls right now; null when it can. */
  unavailable(name: string): { readonly code: ProblemCode; readonly detail: string } | null
  invoke(name: string, invocation: HttpInvocation): void
  onOver(summary: ExchangeSummary): void
  /** A request that reaches no function. */
  onRefused(request: IncomingMessage, refusal: Problem): void
}

/** Bodies of known length up to here are read before a worker is taken, so that a slow caller holds none. */
const WHOLE_BODY_BYTES = 64 * 1024
/** Idle connections get so long, after the last call for draining, to send what they were about to. */
const LAST_REQUESTS_MS = 500

const INVOCATION = Symbol('invocation')

type Carrier = { [INVOCATION]?: HttpInvocation }

export class HttpEdge implements Edge {
  routes: RouteTable
  requestsInFlight = 0
  isDraining = false
  readonly #owner: EdgeOwner
  readonly #server: Server
  #settings: EdgeSettings
  #onQuiet: (() => void) | null = null

  constructor(owner: EdgeOwner, routes: RouteTable, settings: EdgeSettings) {
    this.#owner = owner
    this.routes = routes
    this.#settings = settings
    this.#server = createServer({
      maxHeaderSize: settings.headersBytes,
      // Coarser than this, the time-outs below would be.
      connectionsCheckingInterval: 1_000,
      requestTimeout: 0,
      // Its own refusal is no problem document; checkRequestLine refuses the same.
      requireHostHeader: false,
      highWaterMark: 64 * 1024,
    })
    this.#server.maxHeadersCount = 0
    this.#applyTimeouts()
    this.#server.on('request', (request, response) => this.#onRequest(request, response))
    this.#server.on('checkContinue', (request, response) => this.#onRequest(request, response, true))
    this.#server.on('checkExpectation', (request, response) =>
      this.#refuse(request, response, 'expectation-failed', 'Only 100-continue can be met'),
    )
    this.#server.on('clientError', onClientError)
    this.#server.on('connect', (_request, socket) =>
      refuseRaw(socket, 'method-not-allowed', 'CONNECT is not passed on'),
    )
  }

  get serverTiming(): boolean {
    return this.#settings.serverTiming
  }

  get bodyBytes(): number {
    return this.#settings.bodyBytes
  }

  retune(settings: EdgeSettings): void {
    this.#settings = settings
    this.#applyTimeouts()
  }

  /** Returns the URL at which it answers. Throws AddressInUse. */
  async listen(address: ListenAddress): Promise<string> {
    return listen(
      this.#server,
      address,
      'Choose another port with --port N or listen.port in wrangler-free.config.ts; 0 takes any that is free.',
    )
  }

  /** Takes no new connections, answers everything that was sent on those there are, and resolves when all is answered. */
  async drain(): Promise<void> {
    this.isDraining = true
    const closed = new Promise<void>((resolve) => {
      // Not http's own close: it would cut idle connections on which a request may be under way already.
      NetServer.prototype.close.call(this.#server, () => resolve())
    })
    const lastRequests = new Promise<void>((resolve) => setTimeout(resolve, LAST_REQUESTS_MS))
    await this.#quiet()
    await lastRequests
    await this.#quiet()
    const closeIdle = setInterval(() => this.#server.closeIdleConnections(), 50)
    this.#server.closeIdleConnections()
    await closed
    clearInterval(closeIdle)
    this.#server.close()
  }

  /** Ends every connection at once. */
  cut(): void {
    this.#server.closeAllConnections()
  }

  onOver(summary: ExchangeSummary): void {
    this.requestsInFlight--
    this.#owner.onOver(summary)
    if (this.#onQuiet !== null && this.requestsInFlight === 0) this.#onQuiet()
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, expectsContinue = false): void {
    // node:http goes on reading after an answer that closes the connection.
    if (isEnding(request.socket)) return
    const headers = readRequestHeaders(request.rawHeaders)
    const method = request.method!
    const isOfServer = method === 'OPTIONS' && request.url === '*'
    const line = checkRequestLine(method, isOfServer ? '/' : request.url!, request.httpVersion, headers)
    if ('code' in line) return this.#refuse(request, response, line.code, line.detail)
    if (isOfServer) return answerServerOptions(response)
    const match = this.routes.find(line.host, line.target)
    if (match === null) return this.#refuse(request, response, 'not-found', notFoundDetail(line.target))
    const unavailable = this.#owner.unavailable(match.function)
    if (unavailable !== null) return this.#refuse(request, response, unavailable.code, unavailable.detail)
    if (headers.contentLength !== null && headers.contentLength > this.bodyBytes) {
      return this.#refuse(request, response, 'body-too-large', `It is longer than ${this.bodyBytes} bytes`)
    }
    if (expectsContinue) response.writeContinue()
    this.#dispatch(request, response, headers, match)
  }

  #dispatch(request: IncomingMessage, response: ServerResponse, headers: RequestHeaders, match: Match): void {
    const id = requestId(headers.requestId)
    const isSecure = this.#settings.trustProxy && headers.forwardedProto === 'https'
    const forwarded = this.#forwarded(request, headers, isSecure, match.prefix)
    const head = `${id}\n${request.method}\n${match.target}${headers.text}\nx-request-id\n${id}${forwarded}`
    const invocation = new HttpInvocation({ request, response, edge: this }, match.function, id, head, isSecure)
    this.requestsInFlight++
    invocation.admittedAtMs = performance.now()
    ;(response as Carrier)[INVOCATION] = invocation
    response.on('close', onResponseClosed)
    if (!headers.isChunked && (headers.contentLength ?? 0) === 0) return this.#owner.invoke(match.function, invocation)
    this.#watchBody(request, invocation)
    if (headers.contentLength !== null && headers.contentLength <= WHOLE_BODY_BYTES)
      this.#readWhole(request, invocation)
    else {
      invocation.setStreaming()
      this.#owner.invoke(match.function, invocation)
    }
  }

  #readWhole(request: IncomingMessage, invocation: HttpInvocation): void {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.once('end', () => {
      invocation.setBody(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))
      if (!invocation.isCancelled) this.#owner.invoke(invocation.functionName, invocation)
    })
  }

  /** Cuts off a caller that stops sending its body, unless it waits for the function to read on. */
  #watchBody(request: IncomingMessage, invocation: HttpInvocation): void {
    const { socket } = request
    const { bodyTimeoutMs } = this.#settings
    const onIdle = (): void => {
      // It waits for the function, not for the caller.
      if (request.isPaused() || request.readableFlowing !== true) return void socket.setTimeout(bodyTimeoutMs)
      invocation.refuse('request-timeout', `No more of its body came for ${bodyTimeoutMs} ms`)
    }
    socket.setTimeout(bodyTimeoutMs)
    // The request's own event, while it is incomplete: where nobody listens to that, node:http cuts the connection.
    request.on('timeout', onIdle)
    request.once('close', () => socket.setTimeout(0))
  }

  #forwarded(request: IncomingMessage, headers: RequestHeaders, isSecure: boolean, prefix: string): string {
    const peer = request.socket.remoteAddress ?? ''
    const given = this.#settings.trustProxy ? headers.forwardedFor : null
    const path = prefix === '' ? '' : `\nx-forwarded-prefix\n${prefix}`
    const isHostGiven = this.#settings.trustProxy && headers.forwardedHost !== null
    const host = isHostGiven ? `\nx-forwarded-host\n${headers.forwardedHost}` : ''
    const chain = given === null ? peer : `${given}, ${peer}`
    return `\nx-forwarded-for\n${chain}\nx-forwarded-proto\n${isSecure ? 'https' : 'http'}${host}${path}`
  }

  #refuse(request: IncomingMessage, response: ServerResponse, code: ProblemCode, detail: string): void {
    const invocation = requestId(readRequestHeaders(request.rawHeaders).requestId)
    const isLast = this.isDraining || code === 'malformed-request'
    const refusal = problem(code, { detail, invocation })
    sendProblem(request, response, refusal, { isLast })
    this.#owner.onRefused(request, refusal)
  }

  #applyTimeouts(): void {
    this.#server.headersTimeout = this.#settings.headersTimeoutMs
    this.#server.keepAliveTimeout = this.#settings.keepAliveTimeoutMs
  }

  #quiet(): Promise<void> {
    if (this.requestsInFlight === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onQuiet = () => {
        this.#onQuiet = null
        resolve()
      }
    })
  }
}

/** Shared by all responses, so that none needs a closure. */
function onResponseClosed(this: ServerResponse): void {
  ;(this as Carrier)[INVOCATION]?.onClosed()
}

function answerServerOptions(response: ServerResponse): void {
  response.writeHead(204, ['allow', ALLOWED_METHODS])
  response.end()
}

function notFoundDetail(target: string): string {
  const path = target.split('?', 1)[0]!
  return `No function is mounted at ${path.length > 200 ? `${path.slice(0, 200)}…` : path}.`
}
