/**
 * Sends a problem document. When the request's body has not been read to its end, the answer is the connection's last:
 * there is no telling how much of an unwanted body would still come.
 */
import { METHODS, STATUS_CODES } from 'node:http'
import { PROBLEM_CONTENT_TYPE, type Problem, renderProblem } from './problem.ts'
import { NEVER_PASSED_ON } from './request-line.ts'
import type { Exchange } from './server/exchange.ts'

/** When it is worth another try, where that is not known better. */
const RETRY_AFTER_MS = 1_000

/** The methods that functions may be called with, as an `Allow` header says it; the usual ones first. */
const USUAL_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const OTHER_METHODS = METHODS.filter((method) => !USUAL_METHODS.includes(method) && !NEVER_PASSED_ON.has(method))
export const ALLOWED_METHODS = [...USUAL_METHODS, ...OTHER_METHODS].join(', ')

export interface SendOptions {
  readonly retryAfterMs?: number | null
  /** The connection is to be closed after it. */
  readonly isLast?: boolean
}

/** As bytes of its own, for whoever gets it without having been read. The connection is closed after it. */
export function wholeProblem(problem: Problem): string {
  const body = renderProblem(problem)
  return [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    `content-type: ${PROBLEM_CONTENT_TYPE}`,
    'cache-control: no-store',
    `retry-after: ${RETRY_AFTER_MS / 1000}`,
    `content-length: ${body.length}`,
    'connection: close',
    '',
    body,
  ].join('\r\n')
}

export function sendProblem(exchange: Exchange, problem: Problem, options: SendOptions = {}): void {
  const body = Buffer.from(renderProblem(problem))
  let fields = `content-type: ${PROBLEM_CONTENT_TYPE}\r\ncache-control: no-store\r\n`
  if (problem.invocation !== undefined) fields += `x-request-id: ${problem.invocation}\r\n`
  if (problem.status === 503) fields += `retry-after: ${Math.ceil((options.retryAfterMs ?? RETRY_AFTER_MS) / 1000)}\r\n`
  if (problem.code === 'method-not-allowed' || problem.code === 'not-implemented')
    fields += `allow: ${ALLOWED_METHODS}\r\n`
  if (!exchange.isBodyComplete || options.isLast === true) exchange.refuseRest()
  exchange.sendWhole(problem.status, fields, body.length, body)
}
