/**
 * How likely it is that a difference came by chance: exact tests for shares, without tables or approximations, so that
 * they hold for few calls, too.
 */

/**
 * Fisher's exact test, one-sided: the chance of at least so many `hits` of `calls` on the first side, were the share of
 * hits the same on both.
 */
export function chanceOfMore(
  first: { readonly hits: number; readonly calls: number },
  second: { readonly hits: number; readonly calls: number },
): number {
  const calls = first.calls + second.calls
  const hits = first.hits + second.hits
  const misses = calls - hits
  const most = Math.min(hits, first.calls)
  const term = Math.exp(
    logChoices(hits, first.hits) + logChoices(misses, first.calls - first.hits) - logChoices(calls, first.calls),
  )
  return tail(term, first.hits, most, (x) => {
    return ((hits - x) * (first.calls - x)) / ((x + 1) * (misses - first.calls + x + 1))
  })
}

/** Exact binomial test, one-sided: the chance of at least so many `hits` of `calls`, were their share `share`. */
export function chanceOfShare(
  { hits, calls }: { readonly hits: number; readonly calls: number },
  share: number,
): number {
  if (hits === 0 || share >= 1) return 1
  if (share <= 0) return 0
  const term = Math.exp(logChoices(calls, hits) + hits * Math.log(share) + (calls - hits) * Math.log1p(-share))
  return tail(term, hits, calls, (x) => ((calls - x) / (x + 1)) * (share / (1 - share)))
}

/** The sum of `term` and those behind it, each the one before times `ratio`. */
function tail(term: number, from: number, to: number, ratio: (x: number) => number): number {
  let sum = term
  for (let x = from; x < to; x++) {
    term *= ratio(x)
    sum += term
    if (term < sum * 1e-12 && ratio(x) < 1) break
  }
  return Math.min(1, sum)
}

function logChoices(of: number, chosen: number): number {
  return logFactorial(of) - logFactorial(chosen) - logFactorial(of - chosen)
}

/** Stirling's series from 20 on, where it is exact to ten digits. */
function logFactorial(n: number): number {
  if (n < 20) {
    let product = 1
    for (let factor = 2; factor <= n; factor++) product *= factor
    return Math.log(product)
  }
  return n * Math.log(n) - n + Math.log(2 * Math.PI * n) / 2 + 1 / (12 * n) - 1 / (360 * n ** 3)
}
