/**
 * What is fuzzed: something that takes bytes in pieces, and knows what must be true afterwards. Inputs are pieces for
 * all targets alike, so that one way of making them smaller is enough.
 */
import type { Random } from './random.ts'

export type Input = readonly Buffer[]

export interface Target {
  readonly name: string
  /** Inputs that are tried at the same time. */
  readonly atOnce: number
  start(): Promise<void>
  make(random: Random): Input
  /** What is wrong; null when all holds. */
  check(input: Input): Promise<string | null> | string | null
  /** Called once at the end: what is wrong with all of it together. */
  stop(): Promise<string | null>
}

/** What takes milliseconds on a machine of its own takes seconds beside fifty other processes. */
const LONGEST_MS = 60_000

/** Whatever is hostile, an answer comes within this time; what does not is what is wrong. */
export async function within(what: string, work: Promise<string | null>): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const tooLate = setTimeout(() => resolve(`${what} did not happen within ${LONGEST_MS} ms`), LONGEST_MS)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(tooLate)
  }
}
