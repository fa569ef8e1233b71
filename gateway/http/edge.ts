/**
 * Takes requests, refuses what is malformed before a function hears of it, finds the function,
 * and hands the rest to the pool. Read it after route-table.ts and before http-invocation.ts. What HTTP looks like on the
 * wire is server/'s business.
 */
import { clock } from '../../warmpool/index.ts'
import { type Edge, type ExchangeSummary, HttpInvocation } from './http-invocation.ts'
import { type ListenAddress, listen } from './listen.ts'
import { type Problem, type ProblemCode, problem } from './problem.ts'
import { requestId } from './request-id.ts'
import { checkRequestLine } from './request-line.ts'
import type { Match, RouteTable } from './route-table.ts'
import { ALLOWED_METHODS, sendProblem, wholeProblem } from './send-problem.ts'
import type { HttpLimits } from './server/deadlines.ts'
import type { Exchange, GivenUp } from './server/exchange.ts'
import { type ConnectionCounts, HttpServer, type HttpServerOwner } from './server/http-server.ts'

export interface EdgeSettings extends HttpLimits {
  readonly trustProxy: boolean
  readonly serverTiming: boolean
  readonly bodyBytes: number
}

export interface EdgeOwner {
  /** Why a function that has a route cannot take calls right now; null when it can. */
  unavailable(name: string): { readonly code: ProblemCode; readonly detail: string } | null
  invoke(name: string, invocation: HttpInvocation): void
  onOver(summary: ExchangeSummary): void
  /** A request that reaches no function. */
  onRefused(exchange: Exchange, refusal: Problem): void
  /** A connection for which there is no place. */
  onTurnedAway(): void
}

/** Idle connections get so long, after the last call for draining, to send what they were about to. */
const LAST_REQUESTS_MS = 500
const GIVEN_UP = 'The gateway stops, and the time in which it finishes calls (limits.shutdownTimeout) is over.'

export class HttpEdge implements Edge, HttpServerOwner {
  routes: RouteTable
  requestsInFlight = 0
  readonly #owner: EdgeOwner
  readonly #server: HttpServer
  #settings: EdgeSettings
  #onQuiet: (() => void) | null = null
  #hasGivenUp = false

  constructor(owner: EdgeOwner, routes: RouteTable, settings: EdgeSettings) {
    this.#owner = owner
    this.routes = routes
    this.#settings = settings
    this.#server = new HttpServer(this, settings)
  }

  get trustProxy(): boolean {
    return this.#settings.trustProxy
  }

  get serverTiming(): boolean {
    return this.#settings.serverTiming
  }

  get bodyBytes(): number {
    return this.#settings.bodyBytes
  }

  get connections(): ConnectionCounts {
    return this.#server.counts
  }

  retune(settings: EdgeSettings): void {
    this.#settings = settings
    this.#server.limits = settings
  }

  /** Returns the URL at which it answers. Throws AddressInUse. */
  async listen(address: ListenAddress): Promise<string> {
    return listen(
      this.#server.net,
      address,
      'Choose another port with --port N or listen.port in wrangler-free.config.ts; 0 takes any that is free.',
    )
  }

  /** Takes no new connections, answers everything that was sent on those there are, and resolves when all is answered. */
  async drain(): Promise<void> {
    this.#server.beginClosing()
    const lastRequests = new Promise<void>((resolve) => setTimeout(resolve, LAST_REQUESTS_MS))
    await this.#quiet()
    await lastRequests
    await this.#quiet()
    await this.#server.closeIdle()
  }

  /** Waits for no call any longer: who has no answer is told 503 `shutdown`. Returns how many calls ended how. */
  giveUp(): Record<GivenUp, number> {
    this.#hasGivenUp = true
    return this.#server.giveUp(GIVEN_UP)
  }

  /** Connections that are open. */
  get open(): number {
    return this.#server.counts.open
  }

  /** Ends every connection at once. */
  cut(): void {
    this.#server.cut()
  }

  onWhole(invocation: HttpInvocation): void {
    this.#owner.invoke(invocation.functionName, invocation)
  }

  onOver(summary: ExchangeSummary): void {
    this.requestsInFlight--
    this.#owner.onOver(summary)
    if (this.#onQuiet !== null && this.requestsInFlight === 0) this.#onQuiet()
  }

  onRequest(exchange: Exchange): void {
    const { method, url, headers } = exchange
    const isOfServer = method === 'OPTIONS' && url === '*'
    const line = checkRequestLine(method, isOfServer ? '/' : url, exchange.version, headers, this.trustProxy)
    if ('code' in line) return this.#refuse(exchange, line.code, line.detail)
    // RFC 9110, 7.4: whoever asks for https must have got it.
    if (line.isHttps && !this.trustProxy)
      return this.#refuse(
        exchange,
        'malformed-request',
        'Its target is a URL of https, and this connection is not secured',
      )
    // HTTP/1.0 knows no expectations (RFC 9110, 10.1.1).
    const expect = exchange.version === '1.0' ? null : headers.expect
    if (expect !== null && expect !== '100-continue')
      return this.#refuse(exchange, 'expectation-failed', 'Only 100-continue can be met')
    if (isOfServer) return exchange.sendWhole(204, `allow: ${ALLOWED_METHODS}\r\n`, null, null)
    if (line.newHost !== null) exchange.replaceHost(line.newHost)
    const match = this.routes.find(line.host, line.target)
    if (match === null) return this.#refuse(exchange, 'not-found', notFoundDetail(line.target))
    const unavailable = this.#owner.unavailable(match.function)
    if (unavailable !== null) return this.#refuse(exchange, unavailable.code, unavailable.detail)
    if (this.#hasGivenUp) return this.#refuse(exchange, 'shutdown', GIVEN_UP)
    if (headers.contentLength !== null && headers.contentLength > this.bodyBytes) {
      return this.#refuse(exchange, 'body-too-large', `It is longer than ${this.bodyBytes} bytes`)
    }
    if (expect !== null && !exchange.isBodyComplete) exchange.sendContinue()
    this.#dispatch(exchange, match)
  }

  onUnreadable(exchange: Exchange, code: ProblemCode, detail: string): void {
    this.#refuse(exchange, code, detail)
  }

  onTurnedAway(): string {
    this.#owner.onTurnedAway()
    const detail = 'The gateway has as many connections as it takes, and each is in use. Try again in a moment.'
    return wholeProblem(problem('too-many-connections', { detail }))
  }

  #dispatch(exchange: Exchange, match: Match): void {
    const invocation = new HttpInvocation(exchange, this, match)
    this.requestsInFlight++
    invocation.admittedAtMs = clock.now()
    if (!invocation.isGathering) this.#owner.invoke(match.function, invocation)
  }

  #refuse(exchange: Exchange, code: ProblemCode, detail: string): void {
    const invocation = requestId(exchange.headers.requestId)
    const refusal = problem(code, { detail, invocation })
    // Behind a CONNECT comes what is for somebody else.
    const isLast = code === 'malformed-request' || code === 'not-implemented' || exchange.method === 'CONNECT'
    sendProblem(exchange, refusal, { isLast })
    this.#owner.onRefused(exchange, refusal)
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

function notFoundDetail(target: string): string {
  const path = target.split('?', 1)[0]!
  return `No function is mounted at ${path.length > 200 ? `${path.slice(0, 200)}…` : path}.`
}
