/**
 * Slows down whoever tries tokens. After some failures of one address its tokens are answered one after the other, with a
 * pause before each; a token that has been right before is not slowed, so a guesser keeps nobody out who works already.
 */
import { createHash } from 'node:crypto'

/** So many failures are mistakes of typing. */
const FREE_FAILURES = 5
/** Failures are forgotten after so long without another. */
const FORGOTTEN_MS = 60_000
const PAUSE_MS = 500
/** Of one address; more are refused unlooked at. */
const MOST_WAITING = 20
/** Addresses and tokens that are remembered: strangers choose the addresses. */
const MOST_REMEMBERED = 1_000

export const RETRY_AFTER_S = Math.ceil((MOST_WAITING * PAUSE_MS) / 1000)

interface Address {
  failures: number
  lastMs: number
  waiting: number
  turn: Promise<void>
}

export type Verdict = 'judged' | 'too-many'

export class TokenGuesses {
  readonly #addresses = new Map<string, Address>()
  /** Hashes of tokens that were right. */
  readonly #proven = new Set<string>()
  readonly #pauseMs: number

  constructor(pauseMs = PAUSE_MS) {
    this.#pauseMs = pauseMs
  }

  /** Resolves when a token that was presented may be answered, right or not: both wait the same. */
  async judge(address: string, authorization: string, isRight: boolean): Promise<Verdict> {
    const hash = createHash('sha256').update(authorization).digest('base64')
    if (isRight && this.#proven.has(hash)) return 'judged'
    const known = this.#known(address, performance.now())
    if (known !== undefined && known.failures >= FREE_FAILURES) {
      if (known.waiting >= MOST_WAITING) return 'too-many'
      await this.#takeTurn(known)
    }
    if (isRight) this.#prove(hash)
    else this.#noteFailure(address, performance.now())
    return 'judged'
  }

  #known(address: string, nowMs: number): Address | undefined {
    const known = this.#addresses.get(address)
    if (known === undefined || known.waiting > 0 || nowMs - known.lastMs < FORGOTTEN_MS) return known
    this.#addresses.delete(address)
    return undefined
  }

  async #takeTurn(known: Address): Promise<void> {
    known.waiting++
    const before = known.turn
    const { promise, resolve } = Promise.withResolvers<void>()
    known.turn = promise
    await before
    setTimeout(resolve, this.#pauseMs).unref()
    await promise
    known.waiting--
  }

  #prove(hash: string): void {
    if (this.#proven.size >= MOST_REMEMBERED) this.#proven.clear()
    this.#proven.add(hash)
  }

  #noteFailure(address: string, nowMs: number): void {
    const known = this.#addresses.get(address) ?? { failures: 0, lastMs: 0, waiting: 0, turn: Promise.resolve() }
    // The address that has been quiet for the longest goes first.
    this.#addresses.delete(address)
    if (this.#addresses.size >= MOST_REMEMBERED) this.#addresses.delete(this.#addresses.keys().next().value!)
    known.failures++
    known.lastMs = nowMs
    this.#addresses.set(address, known)
  }
}
