/** Which format a module is taken for, and what is said when it is none. */
import { expect, test } from 'vitest'
import { CalledFunction } from './called.ts'

test('a module without a mark says what it exports and what it could', async () => {
  const { failure } = await CalledFunction.of({ 'index.mjs': 'export const answer = 42' }).call()
  expect(failure).toMatchObject({ code: 'init-failed' })
  expect(failure!.message).toContain('exports answer (number)')
  expect(failure!.message).toContain('export default { fetch(request, env, ctx) { … } }')
})

test('an unknown format names the ones there are', async () => {
  const { failure } = await CalledFunction.of({ 'index.mjs': 'export default 1' }, { format: 'lamda' }).call()
  expect(failure!.message).toMatch(/Unknown format "lamda" for JavaScript. There are: .*methods, .*fetch, /)
})

test('a marked module answers over HTTP', async () => {
  const called = CalledFunction.of({ 'index.mjs': 'export const POST = async (r) => new Response(await r.text())' })
  expect(await called.text({ method: 'POST', url: '/x', body: 'sent' })).toBe('sent')
  expect((await called.call({ method: 'PUT' })).status).toBe(405)
})
