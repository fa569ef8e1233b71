/** Chance that can be had again: the same seed gives the same numbers on every machine. */

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to `end`, which it never is. */
  below(end: number): number {
    // Mulberry32: 32 bits of state are enough to tell inputs apart.
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end)
  }

  /** One time in so many. */
  once(inSo: number): boolean {
    return this.below(inSo) === 0
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)))
  }
}

/** The bytes with a few of them changed, taken out, doubled, or others put in between. */
export function mutated(bytes: Buffer, random: Random, insertions: readonly string[]): Buffer {
  let result = bytes
  for (let times = random.below(4); times > 0; times--) {
    const at = random.below(result.length + 1)
    const end = Math.min(result.length, at + random.below(12))
    const [before, between, after] = [result.subarray(0, at), result.subarray(at, end), result.subarray(end)]
    const inserted = random.pick([Buffer.from(random.pick(insertions), 'latin1'), random.bytes(1), between, before])
    result = Buffer.concat(random.once(2) ? [before, inserted, after] : [before, between, inserted, after])
  }
  return result
}

/** The same bytes, cut wherever it comes. */
export function cut(bytes: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = []
  const longest = bytes.length > 4096 ? 8192 : random.pick([1, 8, 64, 4096])
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + random.below(longest))
    pieces.push(bytes.subarray(at, end))
    at = end
  }
  return pieces
}
