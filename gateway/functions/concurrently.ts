/** Runs many small asynchronous jobs a few at a time: thousands of functions must not open thousands of files at once. */

/** Maps `items` with at most `limit` calls of `map` unfinished. Results keep the order; the first failure rejects. */
export async function concurrently<T, R>(
  items: readonly T[],
  limit: number,
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length)
  let next = 0
  const runner = async () => {
    while (next < items.length) {
      const index = next++
      results[index] = await map(items[index] as T)
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, Math.min(limit, items.length)) }, runner))
  return results
}
