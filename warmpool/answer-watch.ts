/**
 * Keeps the event loop awake for a moment after a call was handed over, so that the answer of a fast function finds it
 * turning: being woken takes longer than such a call, and costs as much. For how long, and for whom not, is
 * policy/watching.ts; a watch ends with the answer or with its time, and one at a time is kept.
 */
import { CORES } from './idle-cores.ts'
import { skippedNext, watchUntilMs } from './policy/watching.ts'
import { clock } from './running-clock.ts'

/** One function's record of being watched. */
export class Watched {
  /** Calls that are passed over before the next watch. */
  toSkip = 0
  skipped = 0
}

/** What is waited for: its state leaves `sent` with the answer. */
export interface Awaited {
  readonly state: string
}

export class AnswerWatch {
  readonly #cores: number
  readonly #onTurn = (): void => this.#look()
  #inFlight = 0
  #awaited: Awaited | null = null
  #watched: Watched | null = null
  #untilMs = 0

  constructor(cores: number = CORES) {
    this.#cores = cores
  }

  handedOver(invocation: Awaited, watched: Watched, nowMs: number): void {
    this.#inFlight++
    if (this.#awaited !== null && this.#awaited.state === 'sent') return
    const untilMs = watchUntilMs({ cores: this.#cores, inFlight: this.#inFlight, toSkip: watched.toSkip }, nowMs)
    if (watched.toSkip > 0) watched.toSkip--
    if (untilMs === 0) return
    if (this.#awaited === null) setImmediate(this.#onTurn)
    else this.#ended(true)
    this.#awaited = invocation
    this.#watched = watched
    this.#untilMs = untilMs
  }

  /** Workers hold so many fewer: they have ended them, or died with them. */
  freed(count: number): void {
    this.#inFlight -= count
  }

  #look(): void {
    const isAnswered = this.#awaited!.state !== 'sent'
    if (!isAnswered && clock.now() < this.#untilMs) {
      setImmediate(this.#onTurn)
      return
    }
    this.#ended(isAnswered)
    this.#awaited = null
  }

  #ended(wasAnswered: boolean): void {
    const watched = this.#watched!
    watched.skipped = skippedNext(watched.skipped, wasAnswered)
    watched.toSkip = watched.skipped
  }
}
