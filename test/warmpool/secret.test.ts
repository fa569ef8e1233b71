/** A secret reaches the code that it is for, and shows nowhere else: not where it is printed, nor where it is thrown. */
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { redactionOf } from '../../warmpool/redaction.ts'
import { Secret, sameSecrets, withSecrets } from '../../warmpool/secret.ts'
import { makePool, nextEvent } from './pool-under-test.ts'

const VALUE = 'marker "1" /+?& ends'

test('is not printed by accident', () => {
  const secret = new Secret(VALUE)
  const shown = [String(secret), `${secret}`, JSON.stringify({ secret }), inspect({ secret }, { showHidden: true })]
  for (const text of [...shown, inspect(secret)]) expect(text).not.toContain('marker')
  expect(JSON.stringify({ secret })).toBe('{"secret":"(secret)"}')
  expect(secret.reveal()).toBe(VALUE)
})

test('two are the same when their values are, by name', () => {
  const a = { KEY: new Secret('one') }
  expect(sameSecrets(a, { KEY: new Secret('one') })).toBe(true)
  expect(sameSecrets(a, { KEY: new Secret('two') })).toBe(false)
  expect(sameSecrets(a, { OTHER: new Secret('one') })).toBe(false)
  expect(sameSecrets(a, {})).toBe(false)
})

test('wins over a variable of the same name', () => {
  expect(withSecrets({ KEY: 'plain', A: 'b' }, { KEY: new Secret('hidden') })).toEqual({ KEY: 'hidden', A: 'b' })
})

test.each([
  ['as it is', `key is ${VALUE}!`],
  ['in JSON', JSON.stringify({ key: VALUE })],
  ['in a URL', `https://host/?key=${encodeURIComponent(VALUE)}`],
  ['in base64', `Basic ${Buffer.from(VALUE).toString('base64')}`],
])('is taken out of a text %s', (_how, text) => {
  const redacted = redactionOf({ KEY: new Secret(VALUE) })!.text(text)
  expect(redacted).toContain('(secret KEY)')
  expect(redacted).not.toMatch(/marker|bWFya2Vy/)
})

test('is taken out of lines where it has several', () => {
  const redaction = redactionOf({ PEM: new Secret('first line\nsecond line\n') })!
  expect(redaction.text("'first line\\n' +")).toBe("'(secret PEM)\\n' +")
  expect(redaction.text('  second line')).toBe('  (secret PEM)')
})

test('is not looked for where it is too short to be told from other text', () => {
  expect(redactionOf({ FLAG: new Secret('true') })).toBeNull()
})

const LEAKY = new URL('./tasks/leaky.mjs', import.meta.url)

test('its task has it, and neither its log nor its errors do', async () => {
  const pool = makePool({ secrets: { KEY: new Secret(VALUE) } })
  const printed = nextEvent(pool, 'log')
  expect(await pool.run(LEAKY, 'print')).toBe(VALUE)
  expect((await printed).line).toBe('the key: (secret KEY)')
  const failure = await pool.run(LEAKY, 'throw').catch((error: Error) => error)
  expect(inspect(failure, { depth: 9 })).toContain('refused: (secret KEY)')
  expect(inspect(failure, { depth: 9 })).not.toContain('marker')
  expect(JSON.stringify(pool.status())).not.toContain('marker')
})

test('nor does what says why it cannot be loaded', async () => {
  const pool = makePool({ env: { BREAK: 'yes' }, secrets: { KEY: new Secret(VALUE) } })
  const failure = await pool.run(LEAKY).catch((error: Error) => error)
  expect(inspect(failure, { depth: 9 })).toContain('bad key (secret KEY)')
  expect(inspect(failure, { depth: 9 })).not.toContain('marker')
})
