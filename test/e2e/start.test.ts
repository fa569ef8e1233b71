/** A gateway that starts serves at once, whatever is not warm yet or cannot all be warm, and says for whom it waits. */
import { expect, test } from 'vitest'
import { runGateway, startGateway } from './gateway-under-test.ts'

const HELLO = `export default { fetch: () => new Response('hello') }`
/** Loads for ever. */
const HANGS = `await new Promise((resolve) => setTimeout(resolve, 3_600_000)); ${HELLO}`

test('functions that together ask for more workers than the pool has share it: all are served, and one line says so', async () => {
  const names = Array.from({ length: 9 }, (_, n) => `f${n}`)
  const functions = Object.fromEntries(names.map((name) => [name, HELLO]))
  const config = { defaults: { minWorkers: 1 }, pool: { maxWorkers: 4, blanks: 1 } }
  const gateway = await startGateway({ functions, config })
  for (const round of [1, 2])
    for (const name of names) expect((await gateway.fetch(`/${name}`)).status, `${name} in round ${round}`).toBe(200)
  expect((await gateway.status()).pool.workers).toBeLessThanOrEqual(4)
  const told = gateway.log.filter(({ msg }) => msg.includes('ask for'))
  expect(told.map(({ msg }) => msg.replace(/: it shares.*/, ''))).toEqual([
    '9 functions ask for 9 workers that are always warm (minWorkers), and the pool has room for 4 (pool.maxWorkers is 4)',
  ])
})

test('a function that hangs while it loads keeps no other from being served, and is named while it is waited for', async () => {
  const gateway = runGateway(
    {
      functions: { hangs: HANGS, hello: HELLO },
      config: {
        defaults: { minWorkers: 1, bootTimeout: '10m', queue: { timeout: '100ms' } },
        limits: { readyTimeout: '6s' },
      },
    },
    ['--port', '0', '--admin-port', '0'],
  )
  await gateway.answers()
  expect(await gateway.isReady()).toBe(false)
  expect((await gateway.fetch('/hello')).status).toBe(200)
  expect((await gateway.problem('/hangs')).code).toBe('queue-timeout')
  expect(await gateway.isReady()).toBe(false)
  await gateway.logged(({ msg }) => /^waiting for warm workers .* of hangs \(0 of 1, loading for \d+ ms\)$/.test(msg))
  await gateway.ready()
  const { level } = await gateway.logged(({ msg }) => /^ready after 6000 ms, and waiting for .* of hangs/.test(msg))
  expect(level).toBe(40)
})
