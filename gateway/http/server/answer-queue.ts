/**
 * The order of answers on one connection: that of its requests. An exchange is in here from its head to the end of its
 * answer; only the oldest may send, and what the others have answered meanwhile leaves as their turn comes. Every
 * exchange is told once that it is over, whether it was answered or dropped.
 */
import type { Exchange } from './exchange.ts'

export class AnswerQueue {
  /** Not answered to the end, oldest first. */
  readonly #open: Exchange[] = []

  get count(): number {
    return this.#open.length
  }

  get first(): Exchange | undefined {
    return this.#open[0]
  }

  /** Oldest first. */
  get unanswered(): Exchange[] {
    return this.#open.filter((exchange) => !exchange.isEnded)
  }

  get last(): Exchange | undefined {
    return this.#open.at(-1)
  }

  isTurnOf(exchange: Exchange): boolean {
    return this.#open[0] === exchange
  }

  add(exchange: Exchange): void {
    this.#open.push(exchange)
  }

  /** The oldest is answered: lets those behind it send. True when an answer was the connection's last. */
  advance(): boolean {
    while (this.#open[0]?.isEnded === true) {
      const answered = this.#open.shift()!
      answered.closed()
      if (answered.isLast) return true
      // May answer it to the end, and come back in here for it.
      this.#open[0]?.sendWaiting()
    }
    return false
  }

  /** None of those that are left will be answered. */
  drop(): void {
    for (const exchange of this.#open.splice(0)) exchange.closed()
  }
}
