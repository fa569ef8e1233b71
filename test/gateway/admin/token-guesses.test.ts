import { expect, it } from 'vitest'
import { createAdminApp } from '../../../gateway/admin/app.ts'
import { TokenGuesses } from '../../../gateway/admin/token-guesses.ts'
import { SAMPLE_STATUS, sourceOf } from './sample-source.ts'

/** What comes of it, in the order in which it comes. */
function judge(guesses: TokenGuesses, order: string[]) {
  return async (name: string, isRight = false, address = '192.0.2.1') => {
    const verdict = await guesses.judge(address, name, isRight)
    order.push(verdict === 'judged' ? name : `${name}: ${verdict}`)
  }
}

it('lets a few mistakes pass, and takes further tokens of that address one after the other', async () => {
  const order: string[] = []
  const one = judge(new TokenGuesses(10), order)
  for (const name of ['1', '2', '3', '4', '5']) await one(name)
  const slow = [one('6'), one('7'), one('right', true)]
  await one('of another address', false, '192.0.2.2')
  await Promise.all(slow)
  expect(order).toEqual(['1', '2', '3', '4', '5', 'of another address', '6', '7', 'right'])
})

it('does not slow down a token that was right before, whoever else guesses', async () => {
  const order: string[] = []
  const one = judge(new TokenGuesses(10), order)
  await one('mine', true)
  for (const name of ['1', '2', '3', '4', '5']) await one(name)
  const slow = one('6')
  await one('mine', true)
  await slow
  expect(order.slice(-2)).toEqual(['mine', '6'])
})

it('refuses more of one address than may wait', async () => {
  const order: string[] = []
  const one = judge(new TokenGuesses(1), order)
  for (const name of ['1', '2', '3', '4', '5']) await one(name)
  await Promise.all(Array.from({ length: 21 }, (_, at) => one(`guess ${at}`)))
  expect(order.slice(5, 6)).toEqual(['guess 20: too-many'])
  expect(order).toHaveLength(26)
})

it('remembers a bounded number of addresses', async () => {
  const order: string[] = []
  const one = judge(new TokenGuesses(10), order)
  for (const name of ['1', '2', '3', '4', '5']) await one(name)
  for (let at = 0; at < 1_000; at++) await one('other', false, `198.51.100.${at}`)
  const again = one('forgotten')
  await one('next')
  expect(order.slice(-2)).toEqual(['forgotten', 'next'])
  await again
})

it('holds for the admin address: the sixth wrong token waits, and one that was right does not', async () => {
  const app = createAdminApp(sourceOf(SAMPLE_STATUS))
  const ask = async (token: string) =>
    (await app.request('/v1/status', { headers: { authorization: `Bearer ${token}` } })).status
  expect(await ask('s3cret')).toBe(200)
  for (let at = 0; at < 5; at++) expect(await ask(`wrong ${at}`)).toBe(401)
  const order: number[] = []
  const slow = ask('wrong').then((status) => order.push(status))
  order.push(await ask('s3cret'))
  await slow
  expect(order).toEqual([200, 401])
})
