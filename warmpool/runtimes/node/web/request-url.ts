/**
 * The `url` of a request: what came as target and `Host`, in the form that `new URL` gives. Most targets and hosts are
 * in that form already, and telling so is far cheaper than parsing. It never throws: handlers cannot answer for what
 * strangers send. A host that is legal in HTTP and not in a URL (`256.256.256.256`, `a%00b`) stays as it came: `new URL`
 * refuses such a `url`, and no other host takes its place.
 */

/** No dot segments (nor `%2e`), nothing that is to be escaped. */
const PLAIN_TARGET =
  /^\/(?:[A-Za-z0-9_~!$&()*+,;=:@-]|%(?!2[Ee])|\.[A-Za-z0-9_~-]|\/(?![./]))*(?:\?[A-Za-z0-9_~!$&()*+,;=:@%/?.-]*)?$/
const OUTSIDE_ASCII = /[\x80-\xff]/g
/** What would end the host in a URL or stand before it. */
const NO_HOST = /[/?#\\@\s]/
const FALLBACK_HOST = 'localhost'
const STAND_IN = 'http://host'
/** Names and addresses as RFC 3986, 3.2.2 has them, with a port. */
const LEGAL_HOST = /^(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+(?::(\d{0,5}))?$/

export function requestUrl(target: string, host: string, isSecure: boolean): string {
  const start = origin(host, isSecure)
  if (PLAIN_TARGET.test(target)) return start + target
  // The wire gives a byte a character: what a browser escapes as UTF-8 came as these very bytes.
  const escaped = target.replace(OUTSIDE_ASCII, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`)
  const { pathname, search, hash } = new URL(STAND_IN + (escaped.startsWith('/') ? '' : '/') + escaped)
  return start + pathname + search + hash
}

/** The same under a host that `new URL` takes, for native objects that are made over it. */
export function parsableUrl(url: string): string {
  return URL.canParse(url) ? url : STAND_IN + url.slice(url.indexOf('/', url.indexOf('://') + 3))
}

/** Requests in a row mostly name the same host. */
let latest = { host: '', isSecure: false, origin: `http://${FALLBACK_HOST}` }

function origin(host: string, isSecure: boolean): string {
  if (latest.host !== host || latest.isSecure !== isSecure) {
    latest = { host, isSecure, origin: normalOrigin(host, isSecure) }
  }
  return latest.origin
}

/** A `Host` that is not legal counts as absent: it must not become a path, a query or credentials. */
function normalOrigin(host: string, isSecure: boolean): string {
  const scheme = isSecure ? 'https' : 'http'
  const url = NO_HOST.test(host) ? null : URL.parse(`${scheme}://${host}`)
  if (url !== null) return url.origin
  const legal = LEGAL_HOST.exec(host)
  return `${scheme}://${legal !== null && Number(legal[1] ?? 0) <= 65_535 ? host.toLowerCase() : FALLBACK_HOST}`
}
