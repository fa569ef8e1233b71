import { expect, it } from 'vitest'
import { RuntimeMissing } from '../../warmpool/index.ts'
import { eventually } from '../e2e/processes.ts'
import { CalledFunction } from '../runtimes/node/formats/called.ts'

it('a runtime that is missing is told with the first try, and found once it is there', async () => {
  let tries = 0
  let file: string | null = null
  const locateRuntime = (): string => {
    tries++
    if (file === null) throw new RuntimeMissing('it is not installed')
    return file
  }
  const module = { 'index.mjs': 'export default { fetch: () => new Response("here") }' }
  const called = CalledFunction.of(module, { runtime: 'node@26', locateRuntime })
  const { failure } = await called.call()
  expect(failure).toMatchObject({ code: 'boot-failed', message: expect.stringContaining('it is not installed') })
  expect(tries).toBe(1)
  file = process.execPath
  // Between two tries there is a pause, in which calls are told the same at once.
  await eventually(
    async () => (await called.call()).body.toString() === 'here',
    () => 'an answer',
  )
})
