import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { formatConfigError, loadConfig } from '../../../gateway/config/index.ts'
import { loadWritten, mistakesOf, tempFolder } from './temp-folder.ts'

/** Each mistake as one line: path, what was found, suggestion. */
async function linesOf(content: unknown, options = {}): Promise<string[]> {
  const { problems } = await mistakesOf(loadWritten(content, options))
  return problems.map(({ path, found, suggestion }) => [path, found, ...(suggestion ? [suggestion] : [])].join(' | '))
}

test('the text names the file, each place, what was found, what is allowed and what was meant', async () => {
  const error = await mistakesOf(loadWritten({ defaults: { timout: '1s' }, listen: { port: '80a' } }))
  expect(formatConfigError(error)).toBe(
    [
      'wrangler-free.config.json has 2 mistakes:',
      '  listen.port       found "80a"; allowed: whole number from 0 to 65535',
      '  defaults.timout   unknown key; did you mean "timeout"?',
    ].join('\n'),
  )
})

test('all mistakes are reported at once, those between settings too', async () => {
  const content = {
    lissten: {},
    limits: { body: '64K', headersTimeout: '10' },
    admin: { host: '0.0.0.0' },
    pool: 3,
    defaults: { concurrency: 0, maxInvocations: 1.5, timeout: '30d', idempotent: 'yes', queue: { max: -1 } },
    overrides: { hello: { memry: '1GiB', minWorkers: 9 } },
    routes: [{ path: 'api' }, { path: '/a/*/b', function: 'b' }],
    log: { level: 'warning' },
  }
  expect((await linesOf(content)).toSorted()).toEqual([
    'admin.token | nothing',
    'defaults.concurrency | 0',
    'defaults.idempotent | "yes"',
    'defaults.maxInvocations | 1.5',
    'defaults.queue.max | -1',
    'defaults.timeout | "30d"',
    'limits.body | "64K"',
    'limits.headersTimeout | "10"',
    'lissten | unknown key | listen',
    'log.level | "warning" | warn',
    'overrides.hello.memry | unknown key | memory',
    'pool | 3',
    'routes[0].function | nothing',
    'routes[0].path | "api"',
    'routes[1].path | "/a/*/b"',
  ])
})

test('a runtime of one’s own has a name of its own, and an override names one that there is', async () => {
  const own = { command: ['ruby', 'worker.rb'] }
  const overrides = { a: { runtime: 'ruby' }, b: { runtime: 'bun' }, c: { runtime: 'rubi' } }
  expect(await linesOf({ runtimes: { ruby: own, python: own, 'node@20': own }, overrides })).toEqual([
    'runtimes.python | a runtime that is there already',
    'runtimes["node@20"] | a runtime that is there already',
    'overrides.c.runtime | "rubi"',
  ])
  const { problems } = await mistakesOf(loadWritten({ runtimes: { ruby: own }, overrides }))
  expect(problems.map(({ allowed }) => allowed)).toEqual([
    expect.stringMatching(/python, .*ruby; others are added by `runtimes`/),
  ])
})

test('a refused value does not cause further mistakes that only mislead', async () => {
  const content = { admin: { host: '0.0.0.0', token: 'short' }, defaults: { minWorkers: 9, maxWorkers: '10' } }
  expect(await linesOf(content)).toEqual(['admin.token | text of 5 characters', 'defaults.maxWorkers | "10"'])
})

test('an unknown key that resembles nothing is answered with the keys that exist', async () => {
  const error = await mistakesOf(loadWritten({ log: { colour: true } }))
  expect(error.message).toContain('log.colour   unknown key; allowed: level, format')
})

test('a mistake says whether a flag, a variable or the file made it', async () => {
  const options = { flags: { port: '80a' }, env: { WRANGLER_FREE_ADMIN_PORT: '-1', WRANGLER_FREE_LOG_LEVEL: 'wran' } }
  const error = await mistakesOf(loadWritten({ listen: { port: 1, host: '' } }, options))
  expect(error.message).toBe(
    [
      'wrangler-free.config.json has 1 mistake:',
      '  listen.host   found ""; allowed: IP address or host name, without a port',
      'flag --port has 1 mistake:',
      '  listen.port   found "80a"; allowed: whole number from 0 to 65535',
      'variable WRANGLER_FREE_ADMIN_PORT has 1 mistake:',
      '  admin.port   found "-1"; allowed: whole number from 0 to 65535',
      'variable WRANGLER_FREE_LOG_LEVEL has 1 mistake:',
      `  log.level   found "wran"; allowed: 'debug', 'info', 'warn', 'error'; did you mean "warn"?`,
    ].join('\n'),
  )
})

test('an unknown variable with our prefix is a mistake with a suggestion', async () => {
  const error = await mistakesOf(loadWritten({}, { env: { WRANGLER_FREE_PROT: '1', OTHER: 'x' } }))
  expect(error.message).toBe(
    'environment has 1 mistake:\n  WRANGLER_FREE_PROT   unknown variable; did you mean "WRANGLER_FREE_PORT"?',
  )
})

test('an empty path in a flag is refused and does not become the current folder', async () => {
  expect(await linesOf({}, { flags: { functions: '' } })).toEqual(['functions | ""'])
})

test('beyond loopback the admin address needs a token, and who widened it is to blame', async () => {
  const error = await mistakesOf(loadWritten({}, { flags: { adminHost: '0.0.0.0' } }))
  expect(error.problems).toMatchObject([{ path: 'admin.token', found: 'nothing', source: 'flag --admin-host' }])
  for (const host of ['127.0.0.1', '127.8.9.1', '::1', '0:0:0:0:0:0:0:1', 'localhost']) {
    expect((await loadWritten({ admin: { host } })).admin.token).toBeNull()
  }
  for (const host of ['::', '10.0.0.1', '127.0.0.1.example.com', 'localhost.example.com']) {
    expect(await linesOf({ admin: { host } })).toEqual(['admin.token | nothing'])
  }
  expect((await loadWritten({ admin: { host: '::', token: 'sixteen-letters!' } })).admin.host).toBe('::')
})

test('secrets are not printed', async () => {
  const content = { admin: { token: 'hunter2' }, overrides: { hello: { env: { KEY: 123456, 'A=B': 'x' } } } }
  const { message } = await mistakesOf(loadWritten(content))
  expect(message).not.toMatch(/hunter2|123456/)
  expect(message).toContain('admin.token')
  expect(message).toContain('overrides.hello.env.KEY')
  expect(message).toContain('overrides.hello.env["A=B"]')
})

test('a variable that the environment does not have is a mistake and not the text "undefined"', async () => {
  const cwd = await tempFolder({
    'wrangler-free.config.mjs': 'export default { defaults: { env: { KEY: process.env.NOBODY_SETS_THIS } } }',
  })
  const error = await mistakesOf(loadConfig({ cwd, env: {} }))
  expect(error.problems).toMatchObject([{ path: 'defaults.env.KEY', found: 'nothing', allowed: 'text' }])
})

test.each([
  ['minWorkers above maxWorkers', { defaults: { minWorkers: 3, maxWorkers: 2 } }, 'defaults.minWorkers | 3'],
  ['minWorkers above the default maxWorkers', { overrides: { a: { minWorkers: 9 } } }, 'overrides.a.minWorkers | 9'],
  [
    'an override below the minWorkers of the defaults',
    { defaults: { minWorkers: 2 }, overrides: { a: { maxWorkers: 1 } } },
    'overrides.a.maxWorkers | 1',
  ],
  [
    'maxWorkers above the pool',
    { pool: { maxWorkers: 4 }, overrides: { a: { maxWorkers: 5 } } },
    'overrides.a.maxWorkers | 5',
  ],
  [
    'minWorkers that together do not fit the pool',
    { pool: { maxWorkers: 4 }, overrides: { a: { minWorkers: 3 }, b: { minWorkers: 2 } } },
    'overrides | minWorkers that add up to 5',
  ],
  ['more blanks than processes', { pool: { maxWorkers: 1, blanks: 2 } }, 'pool.blanks | 2'],
  ['one port for both addresses', { listen: { port: 9000 }, admin: { port: 9000 } }, 'admin.port | 9000'],
  [
    'a prefix to strip where there is none',
    { routes: [{ path: '/a', function: 'a', stripPrefix: true }] },
    'routes[0].stripPrefix | true',
  ],
  [
    'the same route twice',
    {
      routes: [
        { path: '/a', function: 'a' },
        { path: '/a', function: 'b' },
      ],
    },
    'routes[1].path | "/a"',
  ],
])('%s is a mistake', async (_, content, expected) => {
  expect(await linesOf(content)).toEqual([expected])
})

test('port 0 may be written for both addresses, and a path for two hosts', async () => {
  const routes = [
    { path: '/a', host: 'a.example', function: 'a' },
    { path: '/a', host: 'b.example', function: 'b' },
  ]
  const config = await loadWritten({ listen: { port: 0 }, admin: { port: 0 }, routes })
  expect(config.routes).toHaveLength(2)
})

test('more than one configuration file is a mistake that names them', async () => {
  const cwd = await tempFolder({ 'wrangler-free.config.ts': '', 'wrangler-free.config.json': '' })
  const { message } = await mistakesOf(loadConfig({ cwd, env: {} }))
  expect(message).toContain('wrangler-free.config.ts, wrangler-free.config.json')
  expect(message).toContain('--config')
})

test.each([
  ['missing.ts', 'there is no such file'],
  ['folder.ts', 'it is a folder'],
  ['settings.yaml', 'files of the kind ".yaml" are not read'],
])('the given file %s is answered: %s', async (file, expected) => {
  const cwd = await tempFolder({ 'settings.yaml': 'a: 1' })
  await mkdir(join(cwd, 'folder.ts'))
  const { message } = await mistakesOf(loadConfig({ cwd, file, env: {} }))
  expect(message).toContain(`${file} cannot be used`)
  expect(message).toContain(expected)
})

test.skipIf(process.getuid?.() === 0)('a file that this user may not read is a mistake', async () => {
  const cwd = await tempFolder({ 'wrangler-free.config.json': '{}' })
  await chmod(join(cwd, 'wrangler-free.config.json'), 0)
  expect((await mistakesOf(loadConfig({ cwd, env: {} }))).message).toContain('permissions')
})

test.each([
  ['{ "listen": {\n  "port" 1 } }', ':2:10', '> 2 |   "port" 1 } }'],
  ['{ "listen": ', ':1:13', '> 1 | { "listen":'],
  ["{\n\n'a': 1 }", ':3:1', "> 3 | 'a': 1 }"],
  ['', ':1:1', '> 1 |'],
])('a mistake in JSON is shown at its line and column: %j', async (text, place, line) => {
  const cwd = await tempFolder({ 'wrangler-free.config.json': text })
  const { message } = await mistakesOf(loadConfig({ cwd, env: {} }))
  expect(message).toContain(`wrangler-free.config.json${place} `)
  expect(message).toContain(line)
})

test.each([
  ['wrangler-free.config.json', '[1]', 'it holds no object'],
  ['wrangler-free.config.json', 'null', 'it holds no object'],
  ['wrangler-free.config.mjs', 'export default () => ({})', 'it exports a function'],
  ['wrangler-free.config.mjs', 'export default 1', 'it holds no object'],
  ['wrangler-free.config.mjs', 'export const config = {}', 'it has no default export'],
])('%s with %s is refused: %s', async (name, text, expected) => {
  const cwd = await tempFolder({ [name]: text })
  expect((await mistakesOf(loadConfig({ cwd, env: {} }))).message).toContain(expected)
})

test('the variables of `invoke` and `status` are no settings, and no mistakes', async () => {
  const env = { WRANGLER_FREE_URL: 'http://127.0.0.1:1', WRANGLER_FREE_ADMIN_URL: 'http://127.0.0.1:2' }
  await expect(loadWritten({}, { env })).resolves.toMatchObject({ listen: { port: 8787 } })
})
