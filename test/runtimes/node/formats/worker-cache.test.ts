/** The bounds of the cache that Workers' `caches` is here. */
import { expect, test } from 'vitest'
import { MOST_BYTES, MOST_ENTRY_BYTES, WorkerCache } from '../../../../warmpool/runtimes/node/formats/worker-cache.ts'

const response = (text: string, headers = {}) => new Response(text, { headers })
const found = async (cache: WorkerCache, url: string) => (await cache.match(url, false)?.text()) ?? null

test('an entry lives as long as its Cache-Control says', async () => {
  let nowMs = 0
  const cache = new WorkerCache(() => nowMs)
  await cache.put('http://x/a', response('a', { 'cache-control': 'max-age=1, s-maxage=10' }))
  await cache.put('http://x/b', response('b', { expires: new Date(5_000).toUTCString() }))
  await cache.put('http://x/c', response('c'))
  nowMs = 4_999
  expect([await found(cache, 'http://x/a'), await found(cache, 'http://x/b')]).toEqual(['a', 'b'])
  nowMs = 10_000
  expect([await found(cache, 'http://x/a'), await found(cache, 'http://x/b')]).toEqual([null, null])
  expect(await found(cache, 'http://x/c')).toBe('c')
})

test('what is not to be kept is not', async () => {
  const cache = new WorkerCache()
  for (const headers of [{ 'cache-control': 'no-store' }, { 'cache-control': 'private' }, { 'set-cookie': 'a=b' }]) {
    await cache.put('http://x/', response('a', headers))
    expect(await found(cache, 'http://x/')).toBeNull()
  }
  await cache.put('http://x/', response('a'.repeat(MOST_ENTRY_BYTES)))
  expect(await found(cache, 'http://x/')).toBeNull()
})

test('what the API forbids throws', async () => {
  const cache = new WorkerCache()
  const post = new Request('http://x/', { method: 'POST' })
  await expect(cache.put(post, response(''))).rejects.toThrow('GET requests only')
  await expect(cache.put('http://x/', new Response('', { status: 206 }))).rejects.toThrow('206')
  await expect(cache.put('http://x/', response('', { vary: '*' }))).rejects.toThrow('Vary')
  expect(cache.match(post, false)).toBeUndefined()
})

test('a full cache lets go of what was put first', async () => {
  const cache = new WorkerCache()
  const half = 'a'.repeat(MOST_ENTRY_BYTES / 2)
  const fitting = Math.floor(MOST_BYTES / (MOST_ENTRY_BYTES / 2)) - 1
  for (let at = 0; at <= fitting; at++) await cache.put(`http://x/${at}`, response(half))
  expect(await found(cache, 'http://x/0')).toBeNull()
  expect(await found(cache, 'http://x/1')).toBe(half)
  expect(await found(cache, `http://x/${fitting}`)).toBe(half)
})
