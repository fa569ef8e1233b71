/**
 * What a function is told of a request, as the lines of text that a worker reads: id, method, target, then names and
 * values of headers in turn. To the caller's own it adds who called and how; what callers say of that themselves counts
 * only where a trusted proxy stands between.
 */
import type { Match } from './route-table.ts'
import type { Exchange } from './server/exchange.ts'

export function invocationHead(
  exchange: Exchange,
  match: Match,
  id: string,
  trustProxy: boolean,
  isSecure: boolean,
): string {
  const forwarded = forwardedLines(exchange, match.prefix, trustProxy, isSecure)
  return `${id}\n${exchange.method}\n${match.target}${exchange.headers.text}\nx-request-id\n${id}${forwarded}`
}

function forwardedLines(exchange: Exchange, prefix: string, trustProxy: boolean, isSecure: boolean): string {
  const { headers, remoteAddress } = exchange
  const given = trustProxy ? headers.forwardedFor : null
  const path = prefix === '' ? '' : `\nx-forwarded-prefix\n${prefix}`
  const isHostGiven = trustProxy && headers.forwardedHost !== null
  const host = isHostGiven ? `\nx-forwarded-host\n${headers.forwardedHost}` : ''
  const ofProxies = trustProxy ? headers.ofProxies : ''
  const chain = given === null ? remoteAddress : `${given}, ${remoteAddress}`
  return `\nx-forwarded-for\n${chain}\nx-forwarded-proto\n${isSecure ? 'https' : 'http'}${host}${ofProxies}${path}`
}
