/**
 * Answers on connections that node:http has given up: what came is no request that it can read, or one (CONNECT) that
 * it makes no response for. The caller gets a problem document all the same, and no answer that is under way is harmed.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { PROBLEM_CONTENT_TYPE, type ProblemCode, problem, renderProblem } from './problem.ts'
import { ALLOWED_METHODS, isEnding } from './send-problem.ts'

/** How long a caller may take to read the last answer of a connection that is given up. */
const FLUSH_MS = 1_000

/** What node:http could not read as a request. The connection is of no further use. */
export function onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  if (error.code === 'HPE_HEADER_OVERFLOW')
    return refuseRaw(socket, 'headers-too-large', 'Its headers are longer than this server takes')
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return refuseRaw(socket, 'request-timeout', 'Its headers did not come in time')
  // More than the request that was to be the last: that one's answer closes the connection.
  if (error.code === 'HPE_CLOSED_CONNECTION' && messageOf(socket) !== null) return
  const reason = (error as { reason?: string }).reason ?? error.message
  refuseRaw(socket, 'malformed-request', `It is not valid HTTP: ${reason}`)
}

/** Without a ServerResponse: the parser has given this connection up. */
export function refuseRaw(socket: Duplex, code: ProblemCode, detail: string): void {
  const found = problem(code, { detail })
  const body = renderProblem(found)
  const head = [
    `HTTP/1.1 ${found.status} ${found.title}`,
    `content-type: ${PROBLEM_CONTENT_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    ...(code === 'method-not-allowed' ? [`allow: ${ALLOWED_METHODS}`] : []),
  ]
  const message = messageOf(socket)
  // An answer that is being written must not be broken into; one that is whole only has to get out.
  if (message?.headersSent === true) {
    if (message.writableEnded || isEnding(socket)) flush(socket as Socket)
    else socket.destroy()
    return
  }
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/** The answer that a connection is at. node:http has no public way to ask. */
function messageOf(socket: Duplex): ServerResponse | null {
  return (socket as Duplex & { _httpMessage?: ServerResponse | null })._httpMessage ?? null
}

/** Closes a connection once what was written has left, or its caller does not take it. */
function flush(socket: Socket): void {
  socket.setTimeout(FLUSH_MS, () => socket.destroy())
  socket.destroySoon()
}
