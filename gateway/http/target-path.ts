/**
 * Paths in one form, so that routes and functions cannot understand the same request differently: without dot segments
 * (RFC 3986, 6.2.2.3), without escapes of characters that need none (6.2.2.2), the other escapes in capitals (6.2.2.1),
 * `\` as `/` and everything else as `new URL` has it. Escapes of reserved characters such as `%2F` stay: `a%2Fb` is one
 * segment. The query stays byte for byte.
 */

/** Most paths: nothing escaped, no segment that begins with a dot, nothing that `new URL` changes. */
const NORMAL = /^\/(?!\.)(?:[A-Za-z0-9_~.!$&'()*+,;=:@-]|\/(?!\.))*(?:\?|$)/
const ESCAPE = /%[0-9A-Fa-f]{2}/g
const UNRESERVED = /^[A-Za-z0-9_~.-]$/
/** What precedes an escape that must stay: decoded, it would complete another escape. */
const OPEN_ESCAPE = /%[0-9A-Fa-f]?$/

/** `target`: a path that begins with `/`, and perhaps a query. */
export function normalTarget(target: string): string {
  if (NORMAL.test(target)) return target
  const queryAt = target.indexOf('?')
  const path = queryAt < 0 ? target : target.slice(0, queryAt)
  const query = queryAt < 0 ? '' : target.slice(queryAt)
  return new URL(`http://host${path}`).pathname.replace(ESCAPE, normalEscape) + query
}

function normalEscape(escaped: string, at: number, path: string): string {
  const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
  const isPlain = UNRESERVED.test(character) && !OPEN_ESCAPE.test(path.slice(Math.max(0, at - 2), at))
  return isPlain ? character : escaped.toUpperCase()
}
