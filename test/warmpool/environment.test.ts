/** A changed environment reaches every worker, those that are on their way included. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { taskSpec } from '../../warmpool/function-spec.ts'
import { makeFolder, makePool, nextEvent } from './pool-under-test.ts'

it('never serves with the environment before, not even by a worker that was being loaded with it', async () => {
  const folder = makeFolder()
  const file = join(folder, 'go')
  const module = join(folder, 'loads-slowly.mjs')
  const wait = `while (!existsSync(${JSON.stringify(file)})) await new Promise((resolve) => setTimeout(resolve, 5))`
  const lines = [`import { existsSync } from 'node:fs'`, `console.log('loading')`, wait]
  writeFileSync(module, [...lines, 'export default (input, ctx) => ctx.env.GREETING'].join('\n'))
  const url = pathToFileURL(module).href
  const pool = makePool({ env: { GREETING: 'old' } })
  const isLoading = nextEvent(pool, 'log', ({ line }) => line === 'loading')
  const greeting = pool.run(url)
  await isLoading
  pool.define(taskSpec(url, { ...pool.defaults, env: { GREETING: 'new' } }))
  writeFileSync(file, '')
  expect(await greeting).toBe('new')
})
