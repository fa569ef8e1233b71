/** A function of `(req, res)` as a handler: each call gets its pair, and what is thrown ends it truthfully. */
import type { Call } from '../call.ts'
import type { Handler } from '../formats/format.ts'
import { Exchange } from './exchange.ts'
import { NodeRequest } from './request.ts'
import { NodeResponse } from './response.ts'

export type Listener = (req: NodeRequest, res: NodeResponse) => unknown
export type Middleware = (req: NodeRequest, res: NodeResponse, next: (error?: unknown) => void) => unknown

export function serve(listener: Listener): Handler {
  return (call) => {
    const exchange = open(call)
    try {
      watch(exchange, listener(exchange.request, exchange.response))
    } catch (error) {
      exchange.fail(error)
    }
  }
}

/** The same for one that hands on what it does not answer. */
export function serveMiddleware(middleware: Middleware): Handler {
  return (call) => {
    const exchange = open(call)
    try {
      watch(
        exchange,
        middleware(exchange.request, exchange.response, (error) => handedOn(exchange, error)),
      )
    } catch (error) {
      exchange.fail(error)
    }
  }
}

function open(call: Call): Exchange {
  const exchange = new Exchange(call)
  exchange.response = new NodeResponse(exchange, new NodeRequest(exchange))
  call.follow(exchange)
  return exchange
}

/** What it returns counts only as a promise that may be rejected. */
function watch(exchange: Exchange, result: unknown): void {
  if (typeof (result as PromiseLike<unknown> | null)?.then !== 'function') return
  ;(result as PromiseLike<unknown>).then(undefined, (error: unknown) => exchange.fail(error))
}

/** Nothing stands behind a function: what it does not answer is not there. */
function handedOn(exchange: Exchange, error: unknown): void {
  if (error !== undefined && error !== null) return exchange.fail(error)
  const { request, response } = exchange
  if (response.headersSent) return
  response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' })
  response.end(`Cannot ${request.method} ${request.url}\n`)
}
