import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { type LoadOptions, loadConfig } from '../../../gateway/config/index.ts'
import { DEFAULT_FUNCTION_SETTINGS, DEFAULT_POOL_SETTINGS } from '../../../warmpool/index.ts'
import { loadWritten, tempFolder } from './temp-folder.ts'

test('without a file everything has its default, and paths are in the current folder', async () => {
  const cwd = await tempFolder()
  const { functionSettings, layersOf, runtimeOf, secretsOf, ...config } = await loadConfig({ cwd, env: {} })
  expect(config).toEqual({
    file: null,
    files: [],
    functionsDir: join(cwd, 'functions'),
    stateDir: join(cwd, '.wrangler-free'),
    listen: { host: '127.0.0.1', port: 8787, trustProxy: false, serverTiming: false },
    admin: { host: '127.0.0.1', port: 8788, token: null },
    limits: {
      bodyBytes: 104_857_600,
      headersBytes: 16_384,
      headersTimeoutMs: 10_000,
      bodyTimeoutMs: 30_000,
      bodyRateBytes: 500,
      connections: null,
      writeTimeoutMs: 60_000,
      halfCloseTimeoutMs: 5_000,
      keepAliveTimeoutMs: 65_000,
      shutdownTimeoutMs: 30_000,
      readyTimeoutMs: 30_000,
    },
    deploy: {
      buildMemoryBytes: 1024 ** 3,
      buildTimeoutMs: 60_000,
      keep: 10,
      keepWarmMs: 300_000,
      maxFiles: 20_000,
      maxBytes: 268_435_456,
      preview: 'key',
    },
    pool: DEFAULT_POOL_SETTINGS,
    defaults: DEFAULT_FUNCTION_SETTINGS,
    overrideNames: [],
    routes: [],
    runtimes: {},
    runtimeNames: [],
    secretTable: {},
    secrets: new Map(),
    secretFiles: [],
    secretWarnings: [],
    log: { level: 'info', format: 'auto' },
  })
  expect(layersOf('anything').map(({ written }) => written)).toEqual([{}, {}])
  expect(secretsOf('anything')).toEqual({ values: {}, given: [], missing: [] })
  expect(functionSettings('anything')).toEqual(DEFAULT_FUNCTION_SETTINGS)
  expect(runtimeOf('anything')).toBeNull()
})

test.each([
  ['ts', `export default { listen: { port: 1 as number } } satisfies object`],
  ['mts', `const port: number = 1\nexport default { listen: { port } }`],
  ['js', `export default { listen: { port: 1 } }`],
  ['js', `module.exports = { listen: { port: 1 } }`],
  ['mjs', `export default await Promise.resolve({ listen: { port: 1 } })`],
  ['json', `\uFEFF{ "listen": { "port": 1 } }`],
])('wrangler-free.config.%s is found and read: %s', async (extension, text) => {
  const name = `wrangler-free.config.${extension}`
  const cwd = await tempFolder({ [name]: text })
  const config = await loadConfig({ cwd, env: {} })
  expect(config.listen.port).toBe(1)
  expect(config.file).toBe(join(cwd, name))
  expect(config.files).toEqual([join(cwd, name)])
})

test('relative paths in the file are taken from its folder, those in flags and variables from the current one', async () => {
  const cwd = await tempFolder({
    'deploy/settings.json': '{ "functions": "../src", "state": "./kept" }',
  })
  const load = (more: Partial<LoadOptions>) => loadConfig({ cwd, file: 'deploy/settings.json', env: {}, ...more })
  const byFile = await load({})
  expect([byFile.functionsDir, byFile.stateDir]).toEqual([join(cwd, 'src'), join(cwd, 'deploy/kept')])
  const byOthers = await load({ flags: { functions: 'mine' }, env: { WRANGLER_FREE_STATE: 'yours' } })
  expect([byOthers.functionsDir, byOthers.stateDir]).toEqual([join(cwd, 'mine'), join(cwd, 'yours')])
})

test('a file that leaves the folders out has them beside itself', async () => {
  const cwd = await tempFolder({ 'deploy/settings.json': '{}' })
  const config = await loadConfig({ cwd, file: 'deploy/settings.json', env: {} })
  expect([config.functionsDir, config.stateDir]).toEqual([
    join(cwd, 'deploy/functions'),
    join(cwd, 'deploy/.wrangler-free'),
  ])
})

test('a flag wins over a variable, a variable over the file, the file over the default', async () => {
  const file = { listen: { host: 'file.example', port: 1 }, admin: { port: 1 } }
  const env = { WRANGLER_FREE_PORT: '2', WRANGLER_FREE_ADMIN_PORT: '2' }
  const config = await loadWritten(file, { env, flags: { adminPort: '3' } })
  expect(config.listen).toEqual({ host: 'file.example', port: 2, trustProxy: false, serverTiming: false })
  expect(config.admin.port).toBe(3)
})

test('every flag and every variable reaches its setting', async () => {
  const flags = {
    functions: '/f',
    host: '::1',
    port: 1,
    adminHost: 'localhost',
    adminPort: '2',
    state: '/s',
    logLevel: 'warn',
  }
  const env = {
    WRANGLER_FREE_FUNCTIONS: '/f',
    WRANGLER_FREE_HOST: '::1',
    WRANGLER_FREE_PORT: '1',
    WRANGLER_FREE_ADMIN_HOST: 'localhost',
    WRANGLER_FREE_ADMIN_PORT: '2',
    WRANGLER_FREE_STATE: '/s',
    WRANGLER_FREE_LOG_LEVEL: 'warn',
    WRANGLER_FREE_ADMIN_TOKEN: 'sixteen-letters!',
  }
  for (const config of [await loadWritten({}, { flags }), await loadWritten({}, { env })]) {
    expect(config).toMatchObject({ functionsDir: '/f', stateDir: '/s', log: { level: 'warn' } })
    expect(config.listen).toMatchObject({ host: '::1', port: 1 })
    expect(config.admin).toMatchObject({ host: 'localhost', port: 2 })
  }
  expect((await loadWritten({}, { env })).admin.token).toBe('sixteen-letters!')
})

test('an empty variable counts as not set', async () => {
  expect((await loadWritten({}, { env: { WRANGLER_FREE_PORT: '' } })).listen.port).toBe(8787)
})

test('settings are turned into milliseconds and bytes, and never into Infinity', async () => {
  const config = await loadWritten({
    limits: { body: '3GiB', headers: 8192, bodyTimeout: '250ms' },
    pool: { memory: '10MB' },
    defaults: { timeout: 'never', maxAge: 'never', idleTimeout: 'never', maxInvocations: 'never', bootTimeout: 1500 },
  })
  expect(config.limits).toMatchObject({ bodyBytes: 3 * 2 ** 30, headersBytes: 8192, bodyTimeoutMs: 250 })
  expect(config.pool.memoryBytes).toBe(10_000_000)
  const never = Number.POSITIVE_INFINITY
  expect(config.functionSettings('any')).toMatchObject({
    timeoutMs: never,
    maxAgeMs: never,
    idleTimeoutMs: never,
    maxInvocations: never,
    bootTimeoutMs: 1500,
  })
})

test('an override differs from the defaults only in what it says, in queue and env key by key', async () => {
  const config = await loadWritten({
    defaults: { timeout: '5s', queue: { max: 5 }, env: { A: '1', B: '1' } },
    overrides: { hello: { minWorkers: 2, queue: { timeout: '1s' }, env: { B: '2' } } },
  })
  expect(config.overrideNames).toEqual(['hello'])
  expect(config.functionSettings('hello')).toEqual({
    ...DEFAULT_FUNCTION_SETTINGS,
    minWorkers: 2,
    timeoutMs: 5000,
    queue: { max: 5, timeoutMs: 1000 },
    env: { A: '1', B: '2' },
  })
  expect(config.functionSettings('other')).toEqual({
    ...DEFAULT_FUNCTION_SETTINGS,
    timeoutMs: 5000,
    queue: { max: 5, timeoutMs: 10_000 },
    env: { A: '1', B: '1' },
  })
})

test('a function that is called like a member of every object has the default settings', async () => {
  const config = await loadWritten({ overrides: { hello: { timeout: '1s' } } })
  for (const name of ['constructor', 'toString', '__proto__']) {
    expect(config.functionSettings(name)).toEqual(DEFAULT_FUNCTION_SETTINGS)
  }
})

test('a key that is written as undefined counts as not written', async () => {
  const cwd = await tempFolder({
    'wrangler-free.config.mjs': `export default {
      listen: { port: undefined }, defaults: { timeout: '5s', queue: { max: 5 } }, overrides: { hello: { timeout: undefined, queue: { max: undefined } } },
    }`,
  })
  const config = await loadConfig({ cwd, env: {} })
  expect(config.listen.port).toBe(8787)
  expect(config.functionSettings('hello')).toMatchObject({ timeoutMs: 5000, queue: { max: 5 } })
})

test('a small pool makes the defaults smaller, without a mistake', async () => {
  const config = await loadWritten({ pool: { maxWorkers: 1 } })
  expect(config.pool.blanks).toBe(1)
  expect(config.functionSettings('any').maxWorkers).toBe(1)
})

test('limits and shares are merged key by key, and memory leaves room above what a worker is recycled at', async () => {
  const config = await loadWritten({
    defaults: { limits: { processes: 64, cpuTime: '2s' }, cpu: { nice: 5 } },
    overrides: {
      hello: { memory: '2GiB', limits: { cpuTime: 'never', disk: '5MiB' }, cpu: { cores: [1] } },
      small: { limits: { memory: '100MiB' } },
    },
  })
  const MiB = 1024 * 1024
  expect(config.functionSettings('hello')).toMatchObject({
    limits: { processes: 64, cpuTimeMs: Number.POSITIVE_INFINITY, diskBytes: 5 * MiB, memoryBytes: 4096 * MiB },
    cpu: { nice: 5, cores: [1], weight: 100 },
  })
  expect(config.functionSettings('small').limits).toMatchObject({ memoryBytes: 100 * MiB, cpuTimeMs: 2000 })
  expect(config.functionSettings('other').limits.memoryBytes).toBe(1024 * MiB)
})

test("a function's own file lowers what the operator has written of its limits, and says what nobody has", async () => {
  const config = await loadWritten({
    defaults: { limits: { processes: 64, cpuTime: '2s' } },
    overrides: { hello: { limits: { cpuTime: '5s' } } },
  })
  const own = { limits: { processes: 100, cpuTime: 3_000, openFiles: 8_000 } }
  expect(config.functionSettings('hello', own).limits).toMatchObject({
    processes: 64,
    cpuTimeMs: 3_000,
    openFiles: 8_000,
  })
  const never = { limits: { processes: Number.POSITIVE_INFINITY, cpuTime: Number.POSITIVE_INFINITY } }
  expect(config.functionSettings('any', never).limits).toMatchObject({ processes: 64, cpuTimeMs: 2_000 })
})

test('routes keep their order and say which host they are for', async () => {
  const routes = [
    { path: '/api/*', host: '*.example.com', function: 'api', stripPrefix: true },
    { path: '/users/:id', function: 'users' },
    { path: '/', function: 'home' },
    { path: '/*', function: 'rest' },
  ]
  expect((await loadWritten({ routes })).routes).toEqual([
    routes[0],
    { path: '/users/:id', host: null, function: 'users', stripPrefix: false },
    { path: '/', host: null, function: 'home', stripPrefix: false },
    { path: '/*', host: null, function: 'rest', stripPrefix: false },
  ])
})

test('the configuration is frozen all the way down', async () => {
  const config = await loadWritten({
    overrides: { hello: { env: { A: '1' } } },
    routes: [{ path: '/a', function: 'a' }],
  })
  const parts = [
    config,
    config.files,
    config.listen,
    config.pool,
    config.routes[0],
    config.functionSettings('hello').env,
  ]
  expect(parts.map((part) => Object.isFrozen(part))).toEqual(parts.map(() => true))
})

test('parts of a command that look like paths of the folder are from the file’s folder', async () => {
  const config = await loadWritten({ runtimes: { mine: { command: ['sh', './run.sh', '../up', '-x', 'a/b'] } } })
  const { command } = config.runtimes.mine!
  const folder = dirname(config.file!)
  expect(command).toEqual(['sh', join(folder, 'run.sh'), join(dirname(folder), 'up'), '-x', 'a/b'])
})
