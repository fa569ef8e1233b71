/** Where secrets are looked for, who is given them, and that no message about them holds a value. */
import { execFileSync } from 'node:child_process'
import { chmod, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { type Config, loadConfig, sameConfig } from '../../../gateway/config/index.ts'
import { loadWritten, mistakesOf, tempFolder } from './temp-folder.ts'

const VALUE = 'marker-4711'

/** What a function receives, in clear. */
function valuesOf(config: Config, name: string, asked?: readonly string[]): Record<string, string> {
  const { secrets } = config.functionSettings(name, asked === undefined ? undefined : { secrets: [...asked] })
  return Object.fromEntries(Object.entries(secrets).map(([key, secret]) => [key, secret.reveal()]))
}

/** A folder with a secret in a file, and what `overrides.fn.secrets.KEY` is in it. */
async function withFile(content: string | Uint8Array, mode = 0o600): Promise<Config> {
  const config = JSON.stringify({ overrides: { fn: { secrets: { KEY: { file: 'key' } } } } })
  const cwd = await tempFolder({ 'wrangler-free.config.json': config })
  await writeFile(join(cwd, 'key'), content)
  await chmod(join(cwd, 'key'), mode)
  return loadConfig({ cwd, env: {} })
}

test("is taken from the gateway's environment, for the one function", async () => {
  const written = { overrides: { fn: { secrets: { KEY: { env: 'PROD_KEY' } } } } }
  const config = await loadWritten(written, { env: { PROD_KEY: VALUE } })
  expect(valuesOf(config, 'fn')).toEqual({ KEY: VALUE })
  expect(valuesOf(config, 'other')).toEqual({})
  expect(inspect(config, { depth: 9 }) + JSON.stringify(config.functionSettings('fn'))).not.toContain(VALUE)
})

test('is taken from a file without the newline at its end', async () => {
  expect(valuesOf(await withFile(`${VALUE}\n`), 'fn')).toEqual({ KEY: VALUE })
  expect(valuesOf(await withFile(`a\r\n\r\n`), 'fn')).toEqual({ KEY: 'a\r\n' })
})

test('is taken from the table under another name', async () => {
  const written = { secrets: { LIVE: { env: 'X' } }, overrides: { fn: { secrets: { KEY: { from: 'LIVE' } } } } }
  expect(valuesOf(await loadWritten(written, { env: { X: VALUE } }), 'fn')).toEqual({ KEY: VALUE })
})

test('a function may ask for what the table gives to it', async () => {
  const written = { secrets: { KEY: { env: 'X', functions: ['fn'] }, ALL: { env: 'X', functions: ['*'] } } }
  const config = await loadWritten(written, { env: { X: VALUE } })
  expect(valuesOf(config, 'fn', ['KEY', 'ALL'])).toEqual({ KEY: VALUE, ALL: VALUE })
  expect(valuesOf(config, 'fn', ['ALL'])).toEqual({ ALL: VALUE })
  expect(valuesOf(config, 'fn')).toEqual({})
})

test('a function does not get what it asks for and is not given', async () => {
  const config = await loadWritten({ secrets: { KEY: { env: 'X', functions: ['fn'] } } }, { env: { X: VALUE } })
  expect(valuesOf(config, 'thief', ['KEY', 'X', 'constructor'])).toEqual({})
  expect(config.secretsOf('thief', { secrets: ['KEY', 'constructor'] }).missing).toEqual([
    'The secret "KEY" is asked for in the function.json of "thief", and the configuration does not give it to this function: add "thief" to secrets.KEY.functions.',
    'The secret "constructor" is asked for in the function.json of "thief", and the configuration has none of that name: add it to secrets.',
  ])
})

test.each([
  ['is not set', {}],
  ['is empty', { X: '' }],
  ['holds a NUL byte', { X: `${VALUE}\0` }],
])('says where it was looked for when a variable %s', async (why, env) => {
  const config = await loadWritten({ overrides: { fn: { secrets: { KEY: { env: 'X' } } } } }, { env })
  const [message] = config.secretsOf('fn').missing
  expect(message).toContain('The secret "KEY" was looked for in the gateway\'s environment variable X, which')
  expect(message).toContain(why)
  expect(message).not.toContain(VALUE)
})

test.each([
  ['which others than its owner may use (mode 0604): chmod 600 it', VALUE, 0o604],
  ['which others than its owner may use (mode 0620): chmod 600 it', VALUE, 0o620],
  ['which is empty', '\n', 0o600],
  ['which is not text in UTF-8', Buffer.from([0xff, 0xfe, 0x41]), 0o600],
  ['which holds more than the 65536 bytes', 'x'.repeat(65_537), 0o600],
] as const)('refuses a file %s', async (why, content, mode) => {
  const config = await withFile(content, mode)
  expect(valuesOf(config, 'fn')).toEqual({})
  expect(config.secretsOf('fn').missing.join()).toMatch(/^The secret "KEY" was looked for in the file \/.*\/key, which/)
  expect(config.secretsOf('fn').missing.join()).toContain(why)
})

test('takes a file that its group may read, with a warning', async () => {
  const config = await withFile(VALUE, 0o640)
  expect(valuesOf(config, 'fn')).toEqual({ KEY: VALUE })
  expect(config.secretWarnings).toEqual([expect.stringContaining('its group may read it (mode 0640): chmod 600 it')])
})

test('does not wait for a pipe that nobody writes to', async () => {
  const cwd = await tempFolder({ 'wrangler-free.config.json': '{"defaults":{"secrets":{"KEY":{"file":"pipe"}}}}' })
  execFileSync('mkfifo', ['-m', '600', join(cwd, 'pipe')])
  const config = await loadConfig({ cwd, env: {} })
  expect(config.secretsOf('fn').missing.join()).toContain('which is no regular file')
})

test('refuses a file that would be copied with a function, behind a link too', async () => {
  const written = { defaults: { secrets: { A: { file: 'functions/fn/key' }, B: { file: 'link' } } } }
  const config = JSON.stringify(written)
  const cwd = await tempFolder({ 'wrangler-free.config.json': config, 'functions/fn/key': VALUE })
  await chmod(join(cwd, 'functions/fn/key'), 0o600)
  await symlink('functions/fn/key', join(cwd, 'link'))
  const { missing } = (await loadConfig({ cwd, env: {} })).secretsOf('fn')
  expect(missing).toHaveLength(2)
  for (const message of missing) expect(message).toContain(`which lies in ${join(cwd, 'functions')}`)
})

test('a new value is another configuration, and one that has gone stays with a warning', async () => {
  const cwd = await tempFolder({ 'wrangler-free.config.json': '{"defaults":{"secrets":{"KEY":{"file":"key"}}}}' })
  const write = (text: string) => writeFile(join(cwd, 'key'), text, { mode: 0o600 })
  await write('first')
  const first = await loadConfig({ cwd, env: {} })
  await write('second')
  const second = await loadConfig({ cwd, env: {}, previous: first })
  expect(valuesOf(second, 'fn')).toEqual({ KEY: 'second' })
  expect(sameConfig(first, second)).toBe(false)
  expect(sameConfig(second, await loadConfig({ cwd, env: {} }))).toBe(true)
  await rm(join(cwd, 'key'))
  const third = await loadConfig({ cwd, env: {}, previous: second })
  expect(valuesOf(third, 'fn')).toEqual({ KEY: 'second' })
  expect(third.secretWarnings.join()).toContain('which does not exist: its last value stays')
  expect(sameConfig(second, third)).toBe(false)
})

test('what is written where a place belongs is refused, and not repeated', async () => {
  const secrets = { A: VALUE, B: { env: `${VALUE} x` }, C: {}, D: { env: 'X', file: 'x' } }
  const error = await mistakesOf(loadWritten({ secrets: { F: VALUE }, overrides: { fn: { secrets } } }))
  expect(error.problems.map(({ path }) => path).sort()).toEqual([
    'overrides.fn.secrets.A',
    'overrides.fn.secrets.B.env',
    'overrides.fn.secrets.C',
    'overrides.fn.secrets.D',
    'secrets.F',
  ])
  expect(error.message).not.toMatch(/marker.4711/)
})

test('a name that the table does not have is refused, and not repeated', async () => {
  const loading = loadWritten({ secrets: { KEY: { env: 'X' } }, defaults: { secrets: { A: { from: 'marker_4711' } } } })
  const error = await mistakesOf(loading)
  expect(error.message).toMatch(
    /defaults\.secrets\.A\.from +found text of 11 characters; allowed: a name in secrets: KEY/,
  )
  expect(error.message).not.toContain('marker')
})

test('who receives what is part of the configuration', async () => {
  const cwd = await tempFolder()
  const load = async (content: object): Promise<Config> => {
    await writeFile(join(cwd, 'wrangler-free.config.json'), JSON.stringify(content))
    return loadConfig({ cwd, env: { X: VALUE, Y: VALUE } })
  }
  const table = { A: { env: 'X' }, B: { env: 'Y' } }
  const from = (name: string) => load({ secrets: table, overrides: { fn: { secrets: { KEY: { from: name } } } } })
  const granted = (functions: string[]) => load({ secrets: { A: { env: 'X', functions } } })
  expect(sameConfig(await from('A'), await from('A'))).toBe(true)
  expect(sameConfig(await from('A'), await from('B'))).toBe(false)
  expect(sameConfig(await granted([]), await granted(['fn']))).toBe(false)
})
