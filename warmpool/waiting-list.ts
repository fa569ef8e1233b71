/** Invocations that wait for a worker, oldest first: a list through the invocations themselves, so that leaving is free. */
import type { Invocation } from './invocation.ts'

export class WaitingList {
  #first: Invocation | null = null
  #last: Invocation | null = null
  #length = 0

  get length(): number {
    return this.#length
  }

  push(invocation: Invocation): void {
    invocation.queuePrevious = this.#last
    invocation.queueNext = null
    if (this.#last === null) this.#first = invocation
    else this.#last.queueNext = invocation
    this.#last = invocation
    this.#length++
  }

  /** Back to the front: it has waited before. */
  unshift(invocation: Invocation): void {
    invocation.queueNext = this.#first
    invocation.queuePrevious = null
    if (this.#first === null) this.#last = invocation
    else this.#first.queuePrevious = invocation
    this.#first = invocation
    this.#length++
  }

  shift(): Invocation | null {
    const first = this.#first
    if (first !== null) this.remove(first)
    return first
  }

  /** The invocation must be in this list. */
  remove(invocation: Invocation): void {
    const { queueNext, queuePrevious } = invocation
    if (queuePrevious === null) this.#first = queueNext
    else queuePrevious.queueNext = queueNext
    if (queueNext === null) this.#last = queuePrevious
    else queueNext.queuePrevious = queuePrevious
    invocation.queueNext = null
    invocation.queuePrevious = null
    this.#length--
  }
}
