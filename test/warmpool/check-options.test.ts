import { expect, test } from 'vitest'
import { checkOptions, checkRunOptions, filledIn } from '../../warmpool/check-options.ts'
import { Secret, WarmPool } from '../../warmpool/index.ts'
import { DEFAULT_FUNCTION_SETTINGS, DEFAULT_POOL_SETTINGS } from '../../warmpool/settings.ts'
import { BEHAVE, makePool } from './pool-under-test.ts'

test('takes all that has a default, and a list of hosts', () => {
  expect(() => checkOptions({ ...DEFAULT_POOL_SETTINGS, defaults: DEFAULT_FUNCTION_SETTINGS })).not.toThrow()
  expect(() => checkOptions({ defaults: { network: ['api.example.com', '10.0.0.5:8080'] } })).not.toThrow()
  expect(() => checkOptions({ defaults: { secrets: { KEY: new Secret('value') } } })).not.toThrow()
  expect(() => checkOptions({ defaults: undefined, blanks: undefined })).not.toThrow()
})

test('names every mistake', () => {
  const defaults = { maxInvocation: 1, env: 'A=1', maxWorkers: 0, isolation: ['process'] }
  expect(() => checkOptions({ blanks: -1, defaults })).toThrow(
    /^WarmPool cannot be made: blanks is -1.*; defaults\.maxInvocation is unknown.*; defaults\.env is 'A=1'.*; defaults\.maxWorkers is 0, and must be a whole number from 1, or Infinity; defaults\.isolation is \[ 'process' \], and must be one of 'sandbox', 'process', 'trusted'$/,
  )
})

test.each([
  [null, 'options is null, and must be an object'],
  [[], 'options is [], and must be an object'],
  [{ maxWorkers: '4' }, "maxWorkers is '4', and must be a whole number"],
  [{ maxWorkers: 1.5 }, 'maxWorkers is 1.5, and must be a whole number'],
  [{ memoryBytes: Number.NaN }, 'memoryBytes is NaN, and must be a number from 0'],
  [{ cgroups: 'always' }, "cgroups is 'always', and must be one of 'auto', 'never'"],
  [{ locateRuntime: 'node' }, "locateRuntime is 'node', and must be a function"],
  [{ defaults: null }, 'defaults is null, and must be an object'],
  [{ defaults: { queue: null } }, 'defaults.queue is null, and must be an object'],
  [{ defaults: { queue: { max: -1 } } }, 'defaults.queue.max is -1, and must be a whole number from 0'],
  [{ defaults: { queue: { maximum: 2 } } }, 'defaults.queue.maximum is unknown (there are: max, timeoutMs)'],
  [{ defaults: { limits: { memory: 1 } } }, 'defaults.limits.memory is unknown'],
  [{ defaults: { limits: { cpuTimeMs: '1s' } } }, "defaults.limits.cpuTimeMs is '1s', and must be a number"],
  [{ defaults: { cpu: { nice: 20 } } }, 'defaults.cpu.nice is 20, and must be a whole number from -20 to 19'],
  [{ defaults: { cpu: { cores: [-1] } } }, 'defaults.cpu.cores is [ -1 ], and must be a list of numbers'],
  [{ defaults: { env: { A: 1 } } }, 'defaults.env is { A: 1 }, and must be an object of texts'],
  [{ defaults: { secrets: { A: 'b' } } }, 'defaults.secrets is '],
  [{ defaults: { readable: '/data' } }, "defaults.readable is '/data', and must be a list of texts"],
  [{ defaults: { network: 'some' } }, "defaults.network is 'some', and must be 'all', 'none' or a list"],
  [{ defaults: { startBy: 'spawn' } }, "defaults.startBy is 'spawn', and must be one of 'auto', 'boot', 'fork'"],
  [{ defaults: { idempotent: 'yes' } }, "defaults.idempotent is 'yes', and must be true or false"],
  [{ defaults: { toString: 1 } }, 'defaults.toString is unknown'],
  [{ defaults: { minWorkers: 9 } }, 'defaults.minWorkers is 9, and must be at most maxWorkers, which is 8'],
])('a pool is not made of %o', (options, message) => {
  expect(() => new WarmPool(options as never)).toThrow(TypeError)
  expect(() => new WarmPool(options as never)).toThrow(message)
})

test('what is said of a section completes to all of it, and what is undefined says nothing', () => {
  const { queue, limits, cpu, timeoutMs } = DEFAULT_FUNCTION_SETTINGS
  const filled = filledIn({
    timeoutMs: undefined as never,
    queue: { max: 2 },
    limits: { processes: 3, openFiles: undefined as never },
    cpu: { nice: 1 },
  })
  expect(filled.timeoutMs).toBe(timeoutMs)
  expect(filled.queue).toEqual({ ...queue, max: 2 })
  expect(filled.limits).toEqual({ ...limits, processes: 3 })
  expect(filled.cpu).toEqual({ ...cpu, nice: 1 })
})

test('a pool with a part of a section runs tasks, and closes', async () => {
  const pool = makePool({ queue: { max: 2 } })
  expect(await pool.run(BEHAVE, { do: 'calls' })).toBe(1)
  await pool.close()
})

test.each([
  [{ signal: {} }, 'signal is {}, and must be an AbortSignal'],
  [{ signal: null }, 'signal is null, and must be an AbortSignal'],
  [{ timeout: '1s' }, "timeout is '1s', and must be a number of milliseconds above 0"],
  [{ timeoutMs: 5 }, 'timeoutMs is unknown (there are: signal, timeout)'],
  [null, 'options is null, and must be an object'],
])('a task is not run with %o', async (options, message) => {
  expect(() => checkRunOptions(options)).toThrow(`The task cannot be run: ${message}`)
  const pool = makePool({}, { blanks: 0 })
  await expect(pool.run(BEHAVE, { do: 'calls' }, options as never)).rejects.toThrow(message)
  await pool.close()
})

test('a task is run with options that it may have', async () => {
  const pool = makePool()
  const { signal } = new AbortController()
  expect(await pool.run(BEHAVE, { do: 'calls' }, { signal, timeout: 60_000 })).toBe(1)
  expect(await pool.run(BEHAVE, { do: 'calls' }, {})).toBe(2)
})
