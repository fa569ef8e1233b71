/**
 * Invocations that wait for a worker, oldest first: a list through the invocations themselves, so that leaving is free
 * wherever one stands. Each waits until its deadline at most; whoever comes out has none any longer.
 */
import type { DeadlineWheel } from './deadline-wheel.ts'
import type { Invocation } from './invocation.ts'

export class WaitingList {
  readonly #wheel: DeadlineWheel
  #first: Invocation | null = null
  #last: Invocation | null = null
  #length = 0

  constructor(wheel: DeadlineWheel) {
    this.#wheel = wheel
  }

  get length(): number {
    return this.#length
  }

  push(invocation: Invocation, untilMs: number): void {
    invocation.queuePrevious = this.#last
    if (this.#last === null) this.#first = invocation
    else this.#last.queueNext = invocation
    this.#last = invocation
    this.#added(invocation, untilMs)
  }

  /** Back to the front: it has waited before. */
  unshift(invocation: Invocation, untilMs: number): void {
    invocation.queueNext = this.#first
    if (this.#first === null) this.#last = invocation
    else this.#first.queuePrevious = invocation
    this.#first = invocation
    this.#added(invocation, untilMs)
  }

  shift(): Invocation | null {
    const first = this.#first
    if (first !== null) this.remove(first)
    return first
  }

  /** All of them, oldest first, taken out one by one: what is done with one may add another. */
  *takeAll(): Generator<Invocation> {
    for (let next = this.shift(); next !== null; next = this.shift()) yield next
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
    this.#wheel.clear(invocation)
  }

  #added(invocation: Invocation, untilMs: number): void {
    invocation.state = 'queued'
    this.#length++
    this.#wheel.set(invocation, untilMs)
  }
}
