/**
 * Sends a problem document. When the request's body has not been read to its end, the answer is sent first and the
 * connection is closed after a while of reading on: closing at once would reset it under the caller's hands, and the
 * caller would never see the answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { PROBLEM_CONTENT_TYPE, type Problem, renderProblem } from './problem.ts'

/** How long, and how much of it, an unwanted body is still read. */
const LINGER_MS = 1_000
const LINGER_BYTES = 1024 * 1024

/** When it is worth another try, where that is not known better. */
const RETRY_AFTER_MS = 1_000

/** The methods that functions may be called with, as an `Allow` header says it. */
export const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

/** Connections of which the last answer was a problem that closes them. */
const ending = new WeakSet<Duplex>()

/** What still comes on this connection may not be acted on: its last answer has been given (RFC 9112, 9.6). */
export function isEnding(socket: Duplex): boolean {
  return ending.has(socket)
}

export interface SendOptions {
  readonly retryAfterMs?: number | null
  /** The connection is to be closed after it. */
  readonly isLast?: boolean
}

export function sendProblem(
  request: IncomingMessage,
  response: ServerResponse,
  problem: Problem,
  options: SendOptions = {},
): void {
  const body = Buffer.from(renderProblem(problem))
  const fields = [
    'content-type',
    PROBLEM_CONTENT_TYPE,
    'content-length',
    String(body.length),
    'cache-control',
    'no-store',
  ]
  if (problem.invocation !== undefined) fields.push('x-request-id', problem.invocation)
  if (problem.status === 503)
    fields.push('retry-after', String(Math.ceil((options.retryAfterMs ?? RETRY_AFTER_MS) / 1000)))
  if (problem.code === 'method-not-allowed') fields.push('allow', ALLOWED_METHODS)
  // node:http completes even a request without a body only after it was told of it.
  const isRead = request.complete || !announcesBody(request)
  if (!isRead || options.isLast === true) {
    fields.push('connection', 'close')
    ending.add(request.socket)
  }
  response.writeHead(problem.status, fields)
  if (isRead) response.end(body)
  else {
    response.write(body)
    readOn(request, () => response.end())
  }
}

function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

function readOn(request: IncomingMessage, done: () => void): void {
  let left = LINGER_BYTES
  const timer = setTimeout(done, LINGER_MS)
  const finish = (): void => {
    clearTimeout(timer)
    done()
  }
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) finish()
  })
  request.once('end', finish)
  request.once('close', finish)
  request.resume()
}
