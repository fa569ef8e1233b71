/**
 * Whether the machine has many more threads than a moment ago. One line of /proc tells how many there are, which costs a
 * hundredth of looking at every process: so a tree that grows fast is noticed before the next look at all of them.
 */
import { readFileSync } from 'node:fs'

/** More than the machine's own coming and going. */
const MANY = 32
/** Of a worker that this pool starts: what that adds is no news. */
const THREADS_OF_A_WORKER = 12

export class ThreadGrowth {
  readonly #count: () => number
  /** Without those of this pool's workers. */
  #before = Number.POSITIVE_INFINITY

  constructor(count: () => number = threadsOnMachine) {
    this.#count = count
  }

  /** All processes have just been looked at. */
  settle(workers: number): void {
    this.#before = this.#count() - workers * THREADS_OF_A_WORKER
  }

  hasGrown(workers: number): boolean {
    const now = this.#count() - workers * THREADS_OF_A_WORKER
    if (now < this.#before) this.#before = now
    return now - this.#before >= MANY
  }
}

/** 0 where the system does not tell. */
function threadsOnMachine(): number {
  try {
    return Number(/\d+\/(\d+)/.exec(readFileSync('/proc/loadavg', 'latin1'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
