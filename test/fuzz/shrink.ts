/**
 * A smaller input that fails as well: halves are left out first, then ever smaller parts, of the list of pieces and
 * then of each piece's bytes, for as long as that makes it smaller and there is time.
 */
import type { Input } from './target.ts'

export async function shrink(input: Input, fails: (input: Input) => Promise<boolean>, untilMs: number): Promise<Input> {
  const inOne = [Buffer.concat(input)]
  // What fails only because of where it was cut stays cut.
  let smallest = (await fails(inOne)) ? inOne : await fewer(input, fails, untilMs)
  for (let at = 0; at < smallest.length; at++) {
    const withBytes = (bytes: readonly number[]): Input => smallest.toSpliced(at, 1, Buffer.from(bytes))
    smallest = withBytes(await fewer([...smallest[at]!], (bytes) => fails(withBytes(bytes)), untilMs))
  }
  return smallest
}

/** Delta debugging: leaves out what the failure does not need. */
async function fewer<T>(
  all: readonly T[],
  fails: (parts: readonly T[]) => Promise<boolean>,
  untilMs: number,
): Promise<readonly T[]> {
  let kept = all
  for (let size = Math.ceil(all.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kept.length && performance.now() < untilMs; ) {
      const without = kept.toSpliced(at, size)
      if (without.length > 0 && (await fails(without))) kept = without
      else at += size
    }
  }
  return kept
}
