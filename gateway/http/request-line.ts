/**
 * The part of a request that names what it wants, checked before a function hears of it: one usable Host, a target in
 * a form that this server answers, a method that it passes on.
 */
import { isIPv6 } from 'node:net'
import type { RequestHeaders } from './headers.ts'
import { normalTarget } from './target-path.ts'

export interface RequestLine {
  /** Path and query; the path in its normal form. */
  readonly target: string
  /** Lower-case, without a port; empty when an HTTP/1.0 caller named none. */
  readonly host: string
  /** What takes the place of the `Host` header, as the target or a trusted proxy says; null where that stays. */
  readonly newHost: string | null
  /** Its target says https: only a proxy in front can have secured the connection. */
  readonly isHttps: boolean
}

export type Refusal =
  | { readonly code: 'malformed-request'; readonly detail: string }
  | { readonly code: 'method-not-allowed'; readonly detail: string }
  | { readonly code: 'not-implemented'; readonly detail: string }

/** Registered names, IPv4, and IPv6 in brackets, with an optional port. */
const HOST = /^(?:(?:[a-z0-9._~!$&'()*+,;=-]|%[0-9a-f]{2})+|\[[0-9a-f:.]+\])(?::\d{0,5})?$/i

/** The default ports of http and https, which a host need not say. */
const DEFAULT_PORT = { http: ':80', https: ':443' }

/** What reaches a function's `new Request` must be allowed there; these never are. */
export const NEVER_PASSED_ON = new Set(['CONNECT', 'TRACE', 'TRACK'])

export function checkRequestLine(
  method: string,
  url: string,
  version: string,
  headers: RequestHeaders,
  trustProxy = false,
): RequestLine | Refusal {
  if (NEVER_PASSED_ON.has(method)) return { code: 'method-not-allowed', detail: `${method} is not passed on` }
  if (version !== '1.1' && version !== '1.0') return malformed('Its version is neither HTTP/1.1 nor HTTP/1.0')
  if (headers.hostCount > 1) return malformed('It has more than one Host header')
  if (headers.hostCount === 1 ? !isHost(headers.host!) : version === '1.1')
    return malformed('Its Host header is missing or not a host')
  if (headers.hasBadLength) return malformed('Its content-length is no number, or is said twice')
  if (headers.isChunked && version === '1.0') return malformed('HTTP/1.0 has no transfer-encoding')
  if (headers.isChunked && headers.contentLength !== null)
    return malformed('It has both a content-length and a transfer-encoding')
  if (headers.hasBadCoding) return malformed('Its transfer-encoding is not chunked, once and at the end')
  if (headers.hasOtherCoding)
    return { code: 'not-implemented', detail: 'It has a transfer-encoding before chunked, and none is undone here' }
  const form = targetForm(url)
  if (form === null) return malformed('Its target is neither a path nor a URL')
  // The target's host takes the place of the Host header (RFC 9112, 3.2.2), and a trusted proxy knows better than both.
  if (form.authority !== null && !isHost(form.authority)) return malformed('Its target names no host')
  const forwarded = trustProxy ? first(headers.forwardedHost) : null
  if (forwarded !== null && !isHost(forwarded)) return malformed('Its x-forwarded-host is not a host')
  const newHost = forwarded ?? form.authority
  const host = withoutPort((newHost ?? headers.host ?? '').toLowerCase())
  return { target: normalTarget(form.target), host, newHost, isHttps: form.isHttps }
}

/** Of a list to which each proxy adds: what the one nearest to the caller said. */
function first(list: string | null): string | null {
  return list === null ? null : list.split(',', 1)[0]!.trim() || null
}

/** Requests in a row mostly name the same host. */
let latestHost = ''

function isHost(host: string): boolean {
  if (host === latestHost && host !== '') return true
  if (!isWellFormed(host)) return false
  latestHost = host
  return true
}

function isWellFormed(host: string): boolean {
  if (!HOST.test(host)) return false
  const port = /:(\d+)$/.exec(host)
  if (port !== null && Number(port[1]) > 65_535) return false
  return !host.startsWith('[') || isIPv6(host.slice(1, host.indexOf(']')))
}

function malformed(detail: string): Refusal {
  return { code: 'malformed-request', detail }
}

interface TargetForm {
  readonly target: string
  readonly authority: string | null
  readonly isHttps: boolean
}

/** A path, or `http://host/path`, which is allowed towards servers too (RFC 9112, 3.2.2). */
function targetForm(url: string): TargetForm | null {
  if (url.startsWith('/')) return url.includes('#') ? null : { target: url, authority: null, isHttps: false }
  const absolute = /^http(s?):\/\/([^/?#@]+)([/?][^#]*)?$/i.exec(url)
  if (absolute === null) return null
  const rest = absolute[3] ?? '/'
  const isHttps = absolute[1] !== ''
  const authority = withoutEnd(absolute[2]!, isHttps ? DEFAULT_PORT.https : DEFAULT_PORT.http)
  return { target: rest.startsWith('?') ? `/${rest}` : rest, authority, isHttps }
}

function withoutEnd(text: string, end: string): string {
  return text.endsWith(end) ? text.slice(0, -end.length) : text
}

function withoutPort(host: string): string {
  const at = host.lastIndexOf(':')
  return at > host.lastIndexOf(']') ? host.slice(0, at) : host
}
