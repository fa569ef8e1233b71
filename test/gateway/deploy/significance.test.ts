import { expect, it } from 'vitest'
import { chanceOfMore, chanceOfShare } from '../../../gateway/deploy/significance.ts'

/** Values of R: fisher.test(matrix(c(a, n - a, b, m - b), 2), alternative = "greater"). */
it.each([
  [3, 4, 1, 4, 0.24285714],
  [10, 10, 0, 10, 5.412544e-6],
  [2, 50, 10, 1_000, 0.10668],
  [0, 50, 10, 1_000, 1],
  [51, 100, 50, 100, 0.5],
])("Fisher's exact test: %i of %i against %i of %i", (a, n, b, m, p) => {
  expect(chanceOfMore({ hits: a, calls: n }, { hits: b, calls: m })).toBeCloseTo(p, p < 0.001 ? 10 : 2)
})

it('is quick for millions of calls', () => {
  const p = chanceOfMore({ hits: 12_000, calls: 1_000_000 }, { hits: 10_000, calls: 1_000_000 })
  expect(p).toBeLessThan(1e-20)
  expect(chanceOfMore({ hits: 10_001, calls: 1_000_000 }, { hits: 10_000, calls: 1_000_000 })).toBeCloseTo(0.5, 1)
})

/** Values of R: binom.test(k, n, share, alternative = "greater"). */
it.each([
  [1, 1, 0.5, 0.5],
  [10, 10, 0.5, 0.0009765625],
  [3, 50, 0.02, 0.0784],
  [0, 50, 0.02, 1],
  [5, 50, 0, 0],
])('the exact binomial test: %i of %i for %f', (hits, calls, share, p) => {
  expect(chanceOfShare({ hits, calls }, share)).toBeCloseTo(p, 3)
})
