/**
 * The part of a request that names what it wants, checked before a function hears of it: one usable Host, a target in
 * a form that this server answers, a method that it passes on.
 */
import type { RequestHeaders } from './headers.ts'

export interface RequestLine {
  /** Path and query. */
  readonly target: string
  /** Lower-case, without a port; empty when an HTTP/1.0 caller named none. */
  readonly host: string
  /** Its target says https: only a proxy in front can have secured the connection. */
  readonly isHttps: boolean
}

export type Refusal =
  | { readonly code: 'malformed-request'; readonly detail: string }
  | { readonly code: 'method-not-allowed'; readonly detail: string }
  | { readonly code: 'not-implemented'; readonly detail: string }

/** Registered names, IPv4, and IPv6 in brackets, with an optional port. */
const HOST = /^(?:(?:[a-z0-9._~!$&'()*+,;=-]|%[0-9a-f]{2})+|\[[0-9a-f:.]+\])(?::\d{0,5})?$/i

/** What reaches a function's `new Request` must be allowed there; these never are. */
const NEVER_PASSED_ON = new Set(['CONNECT', 'TRACE', 'TRACK'])

export function checkRequestLine(
  method: string,
  url: string,
  version: string,
  headers: RequestHeaders,
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
  const host = (headers.host ?? form.authority ?? '').toLowerCase()
  if (headers.host === null && form.authority !== null && !isHost(host)) return malformed('Its target names no host')
  // Which of the two a function would believe is nothing to leave open.
  if (form.authority !== null && form.authority.toLowerCase() !== host)
    return malformed('Its target and its Host header name different hosts')
  return { target: form.target, host: withoutPort(host), isHttps: form.isHttps }
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
  const port = /:(\d+)$/.exec(host)
  return HOST.test(host) && (port === null || Number(port[1]) <= 65_535)
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
  return { target: rest.startsWith('?') ? `/${rest}` : rest, authority: absolute[2]!, isHttps: absolute[1] !== '' }
}

function withoutPort(host: string): string {
  const at = host.lastIndexOf(':')
  return at > host.lastIndexOf(']') ? host.slice(0, at) : host
}
