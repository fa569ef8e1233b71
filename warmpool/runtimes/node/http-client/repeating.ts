/**
 * Whether a request whose connection was lost before any answer may be sent once more. A lost connection (ECONNRESET,
 * EPIPE) does not prove that the program has not read the request: it may have read it, acted and failed. So a request
 * is repeated where repeating is harmless (RFC 9110, 9.2.2), or where the kernel took none of it. All repetitions of the
 * project are listed in docs/limits.md, "What is repeated".
 */

const IDEMPOTENT_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'])
/** The caller says that the program recognises a repetition (draft-ietf-httpapi-idempotency-key-header). */
const KEY = 'idempotency-key'

/** `lines`: id, method, target, then names (in lower case) and values in turn. `isWritten`: some of it may have left. */
export function mayRepeat(lines: readonly string[], isWritten: boolean): boolean {
  if (!isWritten || IDEMPOTENT_METHODS.has(lines[1]!)) return true
  for (let at = 3; at + 1 < lines.length; at += 2) if (lines[at] === KEY) return true
  return false
}
