/** A function of `(req, res)` as a handler: each call gets its pair, and what is thrown ends it truthfully. */
import type { Call } from '../call.ts'
import type { Handler } from '../formats/format.ts'
import { UnreadableBody } from './body-parsing.ts'
import { Exchange } from './exchange.ts'
import { NodeRequest } from './request.ts'
import { NodeResponse } from './response.ts'

const PLAIN = { 'content-type': 'text/plain; charset=utf-8' }

type Pair<Req, Res> = Exchange & { readonly request: Req; readonly response: Res }

export type Listener = (req: NodeRequest, res: NodeResponse) => unknown
export type Middleware = (req: NodeRequest, res: NodeResponse, next: (error?: unknown) => void) => unknown

export function serve(listener: Listener): Handler {
  return (call) => giveTo(listener, openAs(call, NodeRequest, NodeResponse))
}

/** The same for one that hands on what it does not answer. */
export function serveMiddleware(middleware: Middleware): Handler {
  return (call) => {
    const exchange = openAs(call, NodeRequest, NodeResponse)
    giveTo((req, res) => middleware(req, res, (error) => handedOn(exchange, error)), exchange)
  }
}

/** The pair of a call, of classes that may know more than Node's. */
export function openAs<Req extends NodeRequest, Res extends NodeResponse>(
  call: Call,
  Request: new (exchange: Exchange) => Req,
  Response: new (exchange: Exchange, request: NodeRequest) => Res,
): Pair<Req, Res> {
  const exchange = new Exchange(call)
  exchange.request = new Request(exchange)
  exchange.response = new Response(exchange, exchange.request)
  call.answerer = exchange
  return exchange as Pair<Req, Res>
}

/** What the listener returns counts only as a promise that may be rejected. */
export function giveTo<Req extends NodeRequest, Res extends NodeResponse>(
  listener: (req: Req, res: Res) => unknown,
  exchange: Pair<Req, Res>,
): void {
  try {
    const result = listener(exchange.request, exchange.response)
    if (typeof (result as PromiseLike<unknown> | null)?.then === 'function')
      (result as PromiseLike<unknown>).then(undefined, (error: unknown) => failed(exchange, error))
  } catch (error) {
    failed(exchange, error)
  }
}

function failed(exchange: Exchange, error: unknown): void {
  if (!(error instanceof UnreadableBody) || exchange.response.headersSent) return exchange.fail(error)
  exchange.response.writeHead(400, PLAIN).end(`${error.message}\n`)
}

/** Nothing stands behind a function: what it does not answer is not there. */
export function handedOn(exchange: Exchange, error: unknown): void {
  if (error !== undefined && error !== null) return exchange.fail(error)
  const { request, response } = exchange
  if (response.headersSent) return
  response.writeHead(404, PLAIN).end(`Cannot ${request.method} ${request.url}\n`)
}
