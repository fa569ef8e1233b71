/**
 * How long a connection waits for its caller. What it waits for is not noted as it changes, but looked at a few times a
 * second: a warm request costs nothing here, and no way through a connection can forget to set or to clear a deadline.
 * A wait counts from the first look that found it, so a deadline is up to two looks late and never early. All counts in
 * running time (warmpool/running-clock.ts), and a look comes after what has arrived was read: a stall of the gateway is
 * not its callers' time.
 */

export interface HttpLimits {
  readonly headersBytes: number
  /** For a head, from its first byte to its last; and for a new connection, until that first byte. */
  readonly headersTimeoutMs: number
  /** What a caller has for a body, see BodyTime; and in all for what is left of one that is answered already. */
  readonly bodyTimeoutMs: number
  /** Bytes of a body, or of an answer, that give a second back; 0: any piece gives all of it back. */
  readonly bodyRateBytes: number
  /** What a caller has to take an answer, see TakingTime. */
  readonly writeTimeoutMs: number
  /** For the next piece of an answer, when the caller has closed its sending side and may have left. */
  readonly halfCloseTimeoutMs: number
  /** For a connection without a request. */
  readonly keepAliveTimeoutMs: number
  /** How many connections there may be at once; `Infinity`: as many as the system lets. */
  readonly connections: number
}

/**
 * `rest`: of a body whose answer was given without it. `leaving`: that the caller closes its side after the last answer;
 * closing at once would take that answer out of its hands. `half-closed`: some of the answer, to a caller that has closed
 * its sending side.
 */
export type Awaited = 'nothing' | 'first-request' | 'request' | 'head' | 'body' | 'rest' | 'leaving' | 'half-closed'

const LEAVING_MS = 1_000

export function limitMs(awaited: Awaited, limits: HttpLimits): number {
  switch (awaited) {
    case 'nothing':
    // BodyTime sees to it.
    case 'body':
      return Number.POSITIVE_INFINITY
    case 'first-request':
    case 'head':
      return limits.headersTimeoutMs
    case 'request':
      return limits.keepAliveTimeoutMs
    case 'rest':
      return limits.bodyTimeoutMs
    case 'leaving':
      return LEAVING_MS
    case 'half-closed':
      return limits.halfCloseTimeoutMs
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

  /** For how long the same has been awaited, as far as looks tell. */
  lastedMs(awaited: Awaited, mark: number, nowMs: number): number {
    return awaited === this.#awaited && mark === this.#mark ? nowMs - this.#sinceMs : 0
  }
}

/**
 * The time that a caller has for a body. It begins with all of `bodyTimeoutMs`, waiting uses it up, and what comes gives
 * some of it back, a second for each `bodyRateBytes`, and never more than there was: so a body may come as fast as it
 * likes and pause, and one that trickles is late however it is cut. Time in which the server does not read is nobody's.
 */
export class BodyTime {
  /** Whose body it is. */
  #body: object | null = null
  #leftMs = 0
  #bytes = 0
  #lookedMs = 0

  /** A look. True when it is too late. `bytes`: of this body, so far. */
  isOver(body: object | null, isReading: boolean, bytes: number, nowMs: number, limits: HttpLimits): boolean {
    const waitedMs = isReading ? nowMs - this.#lookedMs : 0
    const came = bytes - this.#bytes
    const { bodyTimeoutMs, bodyRateBytes } = limits
    const isNew = body !== this.#body
    if (isNew) this.#leftMs = bodyTimeoutMs
    else {
      const gainedMs = came === 0 ? 0 : bodyRateBytes === 0 ? bodyTimeoutMs : (came / bodyRateBytes) * 1000
      this.#leftMs = Math.min(bodyTimeoutMs, this.#leftMs - waitedMs + gainedMs)
    }
    this.#body = body
    this.#bytes = bytes
    this.#lookedMs = nowMs
    return body !== null && !isNew && this.#leftMs <= 0
  }
}

/**
 * The time that a caller has to take an answer: as a body's, but for what the caller has taken being asked for a few times
 * in `writeTimeoutMs` only, since asking is a system call.
 */
export class TakingTime {
  #isTaking = false
  #leftMs = 0
  #lookedMs = 0
  #askedMs = 0
  /** What it had taken when that was asked; null: it was not asked yet. */
  #taken: number | null = null

  /** A look. True when it is too late. */
  isOver(isTaking: boolean, taken: () => number, nowMs: number, limits: HttpLimits): boolean {
    const { writeTimeoutMs } = limits
    if (!isTaking || !this.#isTaking) {
      this.#isTaking = isTaking
      this.#leftMs = writeTimeoutMs
      this.#lookedMs = nowMs
      this.#askedMs = nowMs
      this.#taken = null
      return false
    }
    this.#leftMs = Math.min(writeTimeoutMs, this.#leftMs) - (nowMs - this.#lookedMs)
    this.#lookedMs = nowMs
    if (this.#leftMs <= 0 || nowMs - this.#askedMs >= writeTimeoutMs / ASKED_IN_ALL) this.#ask(taken(), nowMs, limits)
    return this.#leftMs <= 0
  }

  #ask(taken: number, nowMs: number, { writeTimeoutMs, bodyRateBytes }: HttpLimits): void {
    const took = this.#taken === null ? 0 : taken - this.#taken
    const gainedMs = took <= 0 ? 0 : bodyRateBytes === 0 ? writeTimeoutMs : (took / bodyRateBytes) * 1000
    this.#leftMs = Math.min(writeTimeoutMs, this.#leftMs + gainedMs)
    this.#taken = taken
    this.#askedMs = nowMs
  }
}

/** How often in `writeTimeoutMs` a caller's system is asked for what it has taken. */
const ASKED_IN_ALL = 4
