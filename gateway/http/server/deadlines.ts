/**
 * How long a connection waits for its caller. What it waits for is not noted as it changes, but looked at a few times a
 * second: a warm request costs nothing here, and no way through a connection can forget to set or to clear a deadline.
 * A wait counts from the first look that found it, so a deadline is up to two looks late and never early.
 */

export interface HttpLimits {
  readonly headersBytes: number
  /** For a head, from its first byte to its last; and for a new connection, until that first byte. */
  readonly headersTimeoutMs: number
  /** Between two pieces of a body, while the server reads; and in all for what is left of one that is answered already. */
  readonly bodyTimeoutMs: number
  /** Between two pieces of an answer that the caller takes. */
  readonly writeTimeoutMs: number
  /** For a connection without a request. */
  readonly keepAliveTimeoutMs: number
}

/**
 * `rest`: of a body whose answer was given without it. `taking`: that the caller takes what is sent to it. `leaving`:
 * that it closes its side after the last answer; closing at once would take that answer out of its hands.
 */
export type Awaited = 'nothing' | 'first-request' | 'request' | 'head' | 'body' | 'rest' | 'taking' | 'leaving'

const LEAVING_MS = 1_000

export function limitMs(awaited: Awaited, limits: HttpLimits): number {
  switch (awaited) {
    case 'nothing':
      return Number.POSITIVE_INFINITY
    case 'first-request':
    case 'head':
      return limits.headersTimeoutMs
    case 'request':
      return limits.keepAliveTimeoutMs
    case 'body':
    case 'rest':
      return limits.bodyTimeoutMs
    case 'taking':
      return limits.writeTimeoutMs
    case 'leaving':
      return LEAVING_MS
  }
}

/** One direction of a connection, as it was found at the last look. */
export class Wait {
  #awaited: Awaited = 'nothing'
  #mark = 0
  #sinceMs = 0

  /** A look. True when it is too late. `mark` is another number whenever some of what is awaited has come. */
  isOver(awaited: Awaited, mark: number, nowMs: number, limits: HttpLimits): boolean {
    const isSame = awaited === this.#awaited && mark === this.#mark
    if (isSame && nowMs - this.#sinceMs < limitMs(awaited, limits)) return false
    this.#awaited = awaited
    this.#mark = mark
    this.#sinceMs = nowMs
    return isSame
  }
}
