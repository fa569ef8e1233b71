/**
 * The `url` of a request: what came as target and `Host`, in the form that `new URL` gives. Most targets and hosts are
 * in that form already, and telling so is far cheaper than parsing. It never throws: handlers cannot answer for what
 * strangers send.
 */

/** No dot segments (nor `%2e`), nothing that is to be escaped. */
const PLAIN_TARGET =
  /^\/(?:[A-Za-z0-9_~!$&()*+,;=:@-]|%(?!2[Ee])|\.[A-Za-z0-9_~-]|\/(?![./]))*(?:\?[A-Za-z0-9_~!$&()*+,;=:@%/?.-]*)?$/
const OUTSIDE_ASCII = /[\x80-\xff]/g
/** What would end the host in a URL or stand before it. */
const NO_HOST = /[/?#\\@\s]/
const FALLBACK_HOST = 'localhost'

export function requestUrl(target: string, host: string, isSecure: boolean): string {
  const start = origin(host, isSecure)
  if (PLAIN_TARGET.test(target)) return start + target
  // The wire gives a byte a character: what a browser escapes as UTF-8 came as these very bytes.
  const escaped = target.replace(OUTSIDE_ASCII, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`)
  return new URL(start + (escaped.startsWith('/') ? '' : '/') + escaped).href
}

/** Requests in a row mostly name the same host. */
let latest = { host: '', isSecure: false, origin: `http://${FALLBACK_HOST}` }

function origin(host: string, isSecure: boolean): string {
  if (latest.host !== host || latest.isSecure !== isSecure) {
    latest = { host, isSecure, origin: normalOrigin(host, isSecure) }
  }
  return latest.origin
}

/** A `Host` that is none counts as absent: it must not become a path, a query or credentials. */
function normalOrigin(host: string, isSecure: boolean): string {
  const scheme = isSecure ? 'https' : 'http'
  const url = NO_HOST.test(host) ? null : URL.parse(`${scheme}://${host}`)
  return url?.origin ?? `${scheme}://${FALLBACK_HOST}`
}
