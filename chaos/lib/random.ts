/**
 * Chance that can be repeated: the same seed gives the same numbers on every machine. Each strike gets a generator of
 * its own, seeded by the schedule, so that what one strike draws does not depend on when another one drew.
 */

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to, not including, 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number; both ends are possible. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1))
  }

  /** True in `share` of all cases. */
  chance(share: number): boolean {
    return this.next() < share
  }

  pick<T>(values: readonly T[]): T {
    return values[this.between(0, values.length - 1)]!
  }

  shuffled<T>(values: readonly T[]): T[] {
    const rest = [...values]
    return values.map(() => rest.splice(this.between(0, rest.length - 1), 1)[0]!)
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.between(0, 255)))
  }

  /** For a generator of its own. */
  seed(): number {
    return this.between(0, 2 ** 32 - 1)
  }
}
