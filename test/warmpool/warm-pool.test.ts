import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type FunctionSpec, type FunctionStatus, type InvocationFailure, WarmPool } from '../../warmpool/index.ts'
import {
  BEHAVE,
  BROKEN,
  collectDeaths,
  eventually,
  isAlive,
  linesOf,
  makeFolder,
  makePool,
  nextEvent,
} from './pool-under-test.ts'

const behave = (pool: WarmPool, input: object, options = {}): Promise<unknown> => pool.run(BEHAVE, input, options)

const theFunction = (pool: WarmPool): FunctionStatus => pool.status().functions[0]!

/** The failure that a run ends with; a run that succeeds fails the test. */
const failureOf = (run: Promise<unknown>): Promise<InvocationFailure> =>
  run.then(
    (value) => Promise.reject(new Error(`It did not fail: ${JSON.stringify(value)}`)),
    (reason: InvocationFailure) => reason,
  )

const codeOf = async (run: Promise<unknown>): Promise<string> => (await failureOf(run)).code

/** Has a worker warm without a call that could wait for too long on a slow machine. */
const warm = (pool: WarmPool): Promise<boolean> => {
  const as = { format: 'task', handler: null, command: null, runtime: 'node', readable: [] } as const
  const spec = { bundle: BEHAVE, entry: BEHAVE, cwd: null, readable: [] }
  pool.define({ ...spec, ...as, name: BEHAVE, settings: { ...pool.defaults, isolation: 'trusted' } })
  return pool.warmedUp()
}

describe('a module', () => {
  const moduleOf = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`

  it('may be written into its URL', async () => {
    expect(await makePool().run(moduleOf('export default (value) => value + 1'), 1)).toBe(2)
  })

  it('that is written there and throws says what', async () => {
    const thrown = moduleOf('export default () => { throw new TypeError("on purpose") }')
    expect((await failureOf(makePool().run(thrown))).cause).toMatchObject({ message: 'on purpose' })
    const unloadable = await failureOf(makePool().run(moduleOf('throw new Error("at once")')))
    expect([unloadable.code, unloadable.message]).toEqual(['init-failed', expect.stringContaining('at once')])
  })
})

describe('values', () => {
  it.each([
    ['an integer', 41],
    ['a float', -0.5],
    ['a string with all of Unicode', 'é𝄞\u0000\n"'],
    ['null', null],
    ['false', false],
    ['a deep object', { a: [1, { b: 'x' }], empty: {} }],
  ])('carries %s', async (_name, value) => {
    const pool = makePool()
    expect(await behave(pool, { do: 'echo', value })).toEqual(value)
  })

  it('gives undefined back as undefined', async () => {
    expect(await behave(makePool(), { do: 'nothing' })).toBeUndefined()
  })

  it('carries bytes in both directions without base64', async () => {
    const pool = makePool()
    const echo = new URL('./tasks/echo.mjs', import.meta.url)
    const all = Uint8Array.from({ length: 256 }, (_, at) => at)
    expect(await pool.run(echo, all)).toEqual(all)
    expect(await pool.run(echo, all.buffer)).toEqual(all)
    expect(await pool.run(echo, new Uint8Array(0))).toEqual(new Uint8Array(0))
  })

  it.each([4_095, 32_767, 32_768, 300_000, 1_048_576, 2_097_152, 2_097_153])(
    'carries %i bytes, many at once, and gives memory that stays when it is sent on',
    async (length) => {
      const pool = makePool({ concurrency: 16, maxWorkers: 1 })
      const echo = new URL('./tasks/echo.mjs', import.meta.url)
      const sent = Array.from({ length: 12 }, (_, at) => Buffer.alloc(length, `body ${at} `))
      const once = (await Promise.all(sent.map((bytes) => pool.run(echo, bytes)))) as Uint8Array[]
      const twice = (await Promise.all(once.map((bytes) => pool.run(echo, bytes)))) as Uint8Array[]
      for (const [at, bytes] of sent.entries())
        for (const back of [once[at]!, twice[at]!]) expect(Buffer.compare(back, bytes)).toBe(0)
    },
  )

  it.each([5, 5_000, 100_000])('gives %i bytes as an array that fills its buffer, there and back', async (length) => {
    const pool = makePool()
    const own = new URL('./tasks/own-buffer.mjs', import.meta.url)
    expect(await pool.run(own, new Uint8Array(length))).toEqual([0, length])
    const back = (await pool.run(new URL('./tasks/echo.mjs', import.meta.url), new Uint8Array(length))) as Uint8Array
    expect([back.byteOffset, back.buffer.byteLength]).toEqual([0, length])
  })

  it('carries 20 MiB, which is many windows', async () => {
    const bytes = Buffer.alloc(20 * 1024 * 1024)
    for (let at = 0; at < bytes.length; at += 997) bytes[at] = at % 251
    const back = (await makePool().run(new URL('./tasks/echo.mjs', import.meta.url), bytes)) as Uint8Array
    expect(Buffer.compare(Buffer.from(back.buffer, back.byteOffset, back.length), bytes)).toBe(0)
  })

  it('refuses an input that is neither JSON nor bytes', async () => {
    await expect(makePool().run(BEHAVE, () => {})).rejects.toThrow(TypeError)
  })
})

describe('failures', () => {
  it('rejects with what the task threw as the cause', async () => {
    const error = await failureOf(behave(makePool(), { do: 'throw' }))
    expect(error).toMatchObject({ code: 'handler-threw', cause: { name: 'TypeError', message: 'thrown on purpose' } })
    expect(error.details.report!.file).toMatch(/behave\.mjs$/)
    expect(error.details.report!.frame).toContain('> ')
  })

  it.for([
    { maxInvocations: 10_000, during: 'busy' },
    { maxInvocations: 1, during: 'draining' },
  ])('tells that the worker died, how, and during what: $during', async ({ maxInvocations, during }) => {
    const pool = makePool({ maxInvocations })
    const deaths = collectDeaths(pool)
    const error = await failureOf(behave(pool, { do: 'exit', code: 7 }))
    expect(error).toMatchObject({ code: 'worker-died', details: { reason: 'crash', state: during } })
    expect(error.message).toContain('exit code 7')
    expect(deaths).toMatchObject([{ reason: 'crash', exitCode: 7, invocations: 1 }])
    expect(await behave(pool, { do: 'echo', value: 1 })).toBe(1)
  })

  it('ends a task that runs past its time-out, and its process', async () => {
    const pool = makePool({ timeoutMs: 200 })
    for (const manner of ['hang', 'spin']) {
      const death = nextEvent(pool, 'death')
      await expect(behave(pool, { do: manner })).rejects.toMatchObject({ code: 'timeout' })
      expect(await death).toMatchObject({ reason: 'timeout' })
    }
  })

  it('takes a time-out for one run alone', async () => {
    await expect(behave(makePool(), { do: 'hang' }, { timeout: 100 })).rejects.toMatchObject({ code: 'timeout' })
  })

  it('says at once that a module cannot be loaded, with place and frame, and tries again later', async () => {
    const pool = makePool()
    const error = await failureOf(pool.run(BROKEN, 1))
    expect(error).toMatchObject({ code: 'init-failed', details: { report: { line: 1 } } })
    expect(error.details.report!.frame).toContain('broken on purpose')
    expect(await codeOf(pool.run(BROKEN, 1))).toBe('init-failed')
    expect(theFunction(pool).unavailable).toMatchObject({ code: 'init-failed' })
  })

  it.for([10_000, 1])(
    'pauses a function whose workers crash one after the other, of %d calls each',
    async (maxInvocations) => {
      const pool = makePool({ maxInvocations })
      const codes: string[] = []
      // A one-shot worker that was loaded before the last one crashed still has its turn.
      while (codes.at(-1) !== 'crash-loop' && codes.length < 8)
        codes.push(await codeOf(behave(pool, { do: 'exit', code: 1 })))
      expect(codes.slice(0, 5)).toEqual(Array(5).fill('worker-died'))
      expect(codes.at(-1)).toBe('crash-loop')
    },
  )

  it('gives up a worker that closes its channel or sends garbage, and goes on', async () => {
    const pool = makePool()
    expect(await codeOf(behave(pool, { do: 'close-wire' }))).toBe('worker-died')
    expect(await codeOf(behave(pool, { do: 'garbage' }))).toBe('worker-broke-protocol')
    expect(await behave(pool, { do: 'echo', value: 'on' })).toBe('on')
  })

  it('rejects with an AbortError when the signal aborts, and the task hears of it', async () => {
    const file = join(makeFolder(), 'marks')
    const pool = makePool()
    const controller = new AbortController()
    const run = behave(pool, { do: 'until-aborted', file }, { signal: controller.signal })
    await eventually(() => linesOf(file).length === 1)
    controller.abort()
    await expect(run).rejects.toMatchObject({ name: 'AbortError' })
    await eventually(() => linesOf(file).includes('aborted'))
    await expect(behave(pool, { do: 'pid' }, { signal: controller.signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
  })
})

describe('a queue', () => {
  it('refuses what it has no room for, and ends what waits too long', async () => {
    const pool = makePool({
      minWorkers: 1,
      concurrency: 1,
      maxWorkers: 1,
      queue: { max: 1, timeoutMs: 500 },
      timeoutMs: 2_000,
    })
    await warm(pool)
    const running = codeOf(behave(pool, { do: 'hang' }))
    const waiting = codeOf(behave(pool, { do: 'pid' }))
    const refused = codeOf(behave(pool, { do: 'pid' }))
    expect(theFunction(pool).queue).toBe(1)
    expect(await refused).toBe('queue-full')
    expect(await waiting).toBe('queue-timeout')
    expect(await running).toBe('timeout')
  })

  it('starts as many workers as a burst fills, not one for each of it', async () => {
    const pool = makePool({ concurrency: 16, maxWorkers: 32 })
    let loaded = 0
    pool.on('loaded', () => loaded++)
    await Promise.all(Array.from({ length: 50 }, (_, value) => behave(pool, { do: 'echo', value })))
    expect(loaded).toBeLessThanOrEqual(4)
  })

  it('never runs more than concurrency at once in one worker', async () => {
    const pool = makePool({ concurrency: 2, maxWorkers: 2, timeoutMs: 2_000 })
    const runs = Array.from({ length: 6 }, () => codeOf(behave(pool, { do: 'hang' })))
    await eventually(() => theFunction(pool).workers.filter(({ state }) => state === 'busy').length === 2)
    expect(theFunction(pool).workers.map(({ inFlight }) => inFlight)).toEqual([2, 2])
    expect(theFunction(pool).queue).toBe(2)
    await Promise.all(runs)
  })
})

describe('recycling', () => {
  it('gives every call a fresh process when a budget is one invocation', async () => {
    const pool = makePool({ maxInvocations: 1 })
    const pids: unknown[] = []
    for (let call = 0; call < 8; call++) pids.push(await behave(pool, { do: 'pid' }))
    expect(new Set(pids).size).toBe(8)
    expect(await Promise.all(Array.from({ length: 6 }, () => behave(pool, { do: 'calls' })))).toEqual([
      1, 1, 1, 1, 1, 1,
    ])
  })

  it('has a successor of a one-shot worker warm while it runs, for the next call', async () => {
    const pool = makePool({ maxInvocations: 1 })
    await behave(pool, { do: 'pid' })
    for (let call = 0; call < 3; call++) {
      await eventually(() => theFunction(pool).workers.some(({ state }) => state === 'ready'))
      expect(await behave(pool, { do: 'calls' })).toBe(1)
    }
    expect(theFunction(pool).starts).toMatchObject({ warm: 3 })
  })

  it('lets the successor of a one-shot worker go when nobody has called for a while', async () => {
    const pool = makePool({ maxInvocations: 1, idleTimeoutMs: 2_000 }, { blanks: 3 })
    await behave(pool, { do: 'pid' })
    // One for the call and one for its successor, which would come too late if it had to boot on a busy machine.
    await eventually(() => pool.status().pool.blanks === 3 && theFunction(pool).workers.length === 0)
    const idle = nextEvent(pool, 'death', ({ reason }) => reason === 'idle')
    await behave(pool, { do: 'pid' })
    await idle
    await eventually(() => theFunction(pool).workers.length === 0)
  })

  it('renews a worker by its age once after its last call, and not for ever', async () => {
    const pool = makePool({ maxAgeMs: 500, idleTimeoutMs: 600_000 })
    const deaths = collectDeaths(pool)
    await behave(pool, { do: 'pid' })
    await eventually(() => theFunction(pool).workers.length === 0)
    const reasons = deaths.filter((death) => death.function !== null).map(({ reason }) => reason)
    expect(reasons.length).toBeLessThanOrEqual(2)
    expect(new Set(reasons)).toEqual(new Set(['age']))
  })

  it('runs no more one-shot calls at once than a function may have workers', async () => {
    const pool = makePool({ maxInvocations: 1, maxWorkers: 2 })
    const sleep = new URL('./tasks/sleep.mjs', import.meta.url).href
    let most = 0
    pool.on('loaded', () => {
      const running = theFunction(pool).workers.filter(({ state, inFlight }) => state !== 'draining' || inFlight > 0)
      most = Math.max(most, running.length)
    })
    await Promise.all(Array.from({ length: 8 }, () => pool.run(sleep, 50)))
    expect(most).toBeLessThanOrEqual(2)
  })

  it('has the replacement warm before the old worker goes: after the first, no call finds a cold or blank start', async () => {
    const pool = makePool({ maxInvocations: 10, minWorkers: 1 })
    const recycled = new Set<number>()
    pool.on('recycle', ({ pid }) => recycled.add(pid))
    await behave(pool, { do: 'pid' })
    while (recycled.size < 4) expect(await behave(pool, { do: 'echo', value: 1 })).toBe(1)
    const { starts, errors } = theFunction(pool)
    expect(starts.cold + starts.blank).toBe(1)
    expect(errors).toBe(0)
  })

  it('replaces a worker that outgrew its memory', async () => {
    const pool = makePool({ memoryBytes: 160 * 1024 * 1024 })
    const death = nextEvent(pool, 'death')
    await behave(pool, { do: 'allocate', bytes: 256 * 1024 * 1024 })
    expect(await death).toMatchObject({ reason: 'memory' })
  })

  it('replaces a worker that is too old', async () => {
    const pool = makePool({ maxAgeMs: 300 })
    const death = nextEvent(pool, 'death')
    await behave(pool, { do: 'pid' })
    expect(await death).toMatchObject({ reason: 'age' })
  })

  it('retires what idles, down to the minimum', async () => {
    const sleep = new URL('./tasks/sleep.mjs', import.meta.url).href
    const pool = makePool({ idleTimeoutMs: 100, minWorkers: 1, concurrency: 1, maxWorkers: 3 })
    const deaths = collectDeaths(pool)
    let loaded = 0
    pool.on('loaded', () => loaded++)
    // As many calls as it takes until three workers had work at the same time.
    const callUntilThree = async (): Promise<void> => {
      while (loaded < 3) await pool.run(sleep, 20)
    }
    await Promise.all([callUntilThree(), callUntilThree(), callUntilThree()])
    await eventually(() => theFunction(pool).workers.length === 1)
    expect(deaths.map(({ reason }) => reason)).toEqual(['idle', 'idle'])
  })

  it('lets work given to waitUntil finish before it recycles', async () => {
    const file = join(makeFolder(), 'marks')
    const pool = makePool({ maxInvocations: 1 })
    const death = nextEvent(pool, 'death')
    await behave(pool, { do: 'wait-until', file })
    expect(await death).toMatchObject({ reason: 'invocations', exitCode: 0 })
    expect(linesOf(file)).toEqual(['late'])
  })

  it('kills what a worker has started together with it', async () => {
    const pool = makePool({ maxInvocations: 1 })
    const death = nextEvent(pool, 'death')
    const child = (await behave(pool, { do: 'leave-child' })) as number
    await death
    await eventually(() => !isAlive(child))
  })
})

describe('one budget for all functions', () => {
  const other = new URL('./tasks/echo.mjs', import.meta.url).href

  it('evicts an idle worker of one function for another that has none', async () => {
    const pool = makePool({}, { maxWorkers: 1, blanks: 0 })
    const deaths = collectDeaths(pool)
    expect(await behave(pool, { do: 'echo', value: 1 })).toBe(1)
    expect(await pool.run(other, 2)).toBe(2)
    expect(deaths).toMatchObject([{ function: BEHAVE, reason: 'evicted' }])
    expect(pool.status().pool.workers).toBe(1)
  })

  it('takes a worker from whoever has the most when another function has none and everything is busy', async () => {
    const pool = makePool(
      { concurrency: 1, maxWorkers: 2, queue: { max: 1000, timeoutMs: 60_000 } },
      { maxWorkers: 2, blanks: 0 },
    )
    const sleep = new URL('./tasks/sleep.mjs', import.meta.url).href
    let isOver = false
    const hog = async (): Promise<void> => {
      while (!isOver) await pool.run(sleep, 20)
    }
    const hogs = [hog(), hog(), hog(), hog()]
    await eventually(() => theFunction(pool).workers.filter(({ state }) => state === 'busy').length === 2)
    expect(await pool.run(other, 'served')).toBe('served')
    isOver = true
    await Promise.all(hogs)
  })

  /** The same module under another name: another function. */
  const echoes = (...names: string[]) => names.map((name) => `${other}?${name}`)

  it('lets an idle worker go in time, so that a blank stands ready where functions do not fit', async () => {
    const pool = makePool({}, { maxWorkers: 4, blanks: 2 })
    const deaths = collectDeaths(pool)
    const early = echoes('a', 'b', 'c', 'd')
    const newcomers = echoes('e', 'f')
    for (const url of [...early, ...newcomers]) await pool.run(url, 1)
    // Two made room for the newcomers, the third for whoever comes next.
    await eventually(() => deaths.length === 3)
    expect(deaths.map(({ reason }) => reason)).toEqual(['evicted', 'evicted', 'evicted'])
    expect(early).toContain(deaths[2]!.function)
    await eventually(() => pool.status().pool.blanks === 1)

    const late = `${other}?late`
    await pool.run(late, 1)
    const { starts } = pool.status().functions.find(({ name }) => name === late)!
    expect(starts).toEqual({ warm: 0, blank: 1, cold: 0 })
    expect(pool.status().pool).toMatchObject({ workers: 4, blanks: 0 })
  })

  it('lets no idle worker go for a blank while its functions fit', async () => {
    const pool = makePool({}, { maxWorkers: 3, blanks: 2 })
    const deaths = collectDeaths(pool)
    for (const url of echoes('a', 'b', 'c')) await pool.run(url, 1)
    // Long enough for a worker to be let go, and looked at several times.
    const ages = () => pool.status().functions.flatMap(({ workers }) => workers.map(({ ageMs }) => ageMs))
    await eventually(() => Math.min(...ages()) > 3_500)
    expect(deaths).toEqual([])
    expect(pool.status().pool).toMatchObject({ workers: 3, blanks: 0 })
  })

  it('runs on no more processes than allowed, whatever is asked', async () => {
    const pool = makePool({ concurrency: 1, maxWorkers: 8 }, { maxWorkers: 3, blanks: 2 })
    let most = 0
    pool.on('start', () => {
      most = Math.max(most, pool.status().pool.workers)
    })
    await Promise.all(Array.from({ length: 40 }, (_, value) => behave(pool, { do: 'echo', value })))
    expect(most).toBeLessThanOrEqual(3)
  })
})

describe('what a dead worker never began', () => {
  it('is run by another, and what it had begun is not', async () => {
    const file = join(makeFolder(), 'marks')
    const pool = makePool({ concurrency: 8, maxWorkers: 1 })
    const pid = (await behave(pool, { do: 'pid' })) as number
    const hanging = codeOf(behave(pool, { do: 'mark-and-hang', file, value: 'begun' }))
    await eventually(() => linesOf(file).length === 1)
    process.kill(pid, 'SIGSTOP')
    const unseen = [1, 2, 3].map((value) => behave(pool, { do: 'mark', file, value }))
    await eventually(() => theFunction(pool).workers[0]!.inFlight === 4)
    // One turn, so that their frames are in the stopped worker's socket.
    await new Promise((resolve) => setImmediate(resolve))
    process.kill(pid, 'SIGKILL')
    expect(await hanging).toBe('worker-died')
    expect(new Set(await Promise.all(unseen))).not.toContain(pid)
    expect(linesOf(file).map((line) => line.split(' ')[0])).toEqual(['begun', '1', '2', '3'])
  })

  it.each([1_048_576, 5_000_000])('is run by another with the whole of its %i bytes', async (length) => {
    const pool = makePool({ concurrency: 8, maxWorkers: 1 })
    const echo = new URL('./tasks/echo.mjs', import.meta.url)
    await pool.run(echo, 'warm')
    const { pid } = theFunction(pool).workers[0]!
    process.kill(pid, 'SIGSTOP')
    const sent = [1, 2, 3].map((value) => Buffer.alloc(length, value))
    const runs = sent.map((bytes) => pool.run(echo, bytes))
    await eventually(() => theFunction(pool).workers[0]!.inFlight === 3)
    await new Promise((resolve) => setImmediate(resolve))
    process.kill(pid, 'SIGKILL')
    for (const [at, back] of (await Promise.all(runs)).entries())
      expect(Buffer.compare(back as Uint8Array, sent[at]!)).toBe(0)
  })

  it('is run again even if it had begun, where the function is idempotent', async () => {
    const file = join(makeFolder(), 'marks')
    const pool = makePool({ idempotent: true, concurrency: 1, timeoutMs: 1_000 })
    const run = codeOf(behave(pool, { do: 'mark-and-hang', file, value: 'run' }))
    await eventually(() => linesOf(file).length === 1)
    process.kill(theFunction(pool).workers[0]!.pid, 'SIGKILL')
    await eventually(() => linesOf(file).length === 2)
    expect(await run).toBe('timeout')
  })

  it('gives up a stopped worker that begins nothing, and runs the call elsewhere', async () => {
    const pool = makePool({ timeoutMs: 400 })
    const pid = (await behave(pool, { do: 'pid' })) as number
    process.kill(pid, 'SIGSTOP')
    const death = nextEvent(pool, 'death')
    expect(await behave(pool, { do: 'echo', value: 'answered' })).toBe('answered')
    expect(await death).toMatchObject({ pid, reason: 'unresponsive' })
  })
})

describe('mistakes of the program', () => {
  it.each([[{ timeout: '300ms' }], [{ timeout: Number.NaN }], [{ timeout: -1 }]])(
    'refuses to run with %j',
    async (options) => {
      await expect(behave(makePool(), { do: 'pid' }, options)).rejects.toThrow(TypeError)
    },
  )

  it.each(['/tmp/task.mjs', './task.mjs', 'http://127.0.0.1/task.mjs'])(
    'refuses the module %s at once',
    async (url) => {
      const pool = makePool()
      await expect(pool.run(url)).rejects.toThrow(/file URL/)
      expect(pool.status().functions).toEqual([])
    },
  )

  it('names every mistake in the options', () => {
    const options = { maxWorkrs: 3, maxWorkers: 0, defaults: { timeout: '30s', queue: { max: 'x' } } }
    expect(() => new WarmPool(options as object)).toThrow(
      /maxWorkrs.*maxWorkers is 0.*defaults\.timeout .*defaults\.queue\.max/,
    )
  })
})

describe('closing', () => {
  it('finishes what was admitted, takes nothing new, and leaves no process', async () => {
    const file = join(makeFolder(), 'marks')
    const pool = makePool({ concurrency: 1, maxWorkers: 1 })
    const runs = [1, 2, 3].map((value) => behave(pool, { do: 'mark', file, value }))
    const closed = pool.close()
    await expect(behave(pool, { do: 'pid' })).rejects.toMatchObject({ code: 'shutdown' })
    await Promise.all(runs)
    await closed
    expect(linesOf(file)).toHaveLength(3)
    expect(pool.status().pool.workers).toBe(0)
  })

  it('ends what is not finished within the grace period, and tells its caller', async () => {
    const pool = makePool()
    const run = codeOf(behave(pool, { do: 'spin' }))
    await eventually(() => theFunction(pool).workers[0]?.state === 'busy')
    await pool.close(100)
    expect(await run).toBe('worker-died')
  })
})

it('takes the same bundle, to be run in another way, for a new one, and new settings alone for none', async () => {
  const pool = makePool()
  await warm(pool)
  const as = { format: 'task', handler: null, command: null, runtime: 'node', readable: [] } as const
  const spec = { name: BEHAVE, bundle: BEHAVE, entry: BEHAVE, cwd: null, settings: pool.defaults, ...as }
  const versionOnce = (change: Partial<FunctionSpec>): number => {
    pool.define({ ...spec, ...change })
    return theFunction(pool).version
  }
  expect(versionOnce({ settings: { ...pool.defaults, maxInvocations: 7 } })).toBe(1)
  expect(versionOnce({ cwd: '/' })).toBe(2)
  expect(versionOnce({ cwd: '/', runtime: 'node@99' })).toBe(3)
})

it('shows a function only the environment that it was given', async () => {
  process.env.GATEWAY_SECRET = 'secret'
  const pool = makePool({ env: { GREETING: 'hi' } })
  expect(await behave(pool, { do: 'env', name: 'GREETING' })).toEqual({ mine: 'hi', process: 'hi' })
  expect(await behave(pool, { do: 'env', name: 'GATEWAY_SECRET' })).toEqual({ mine: null, process: null })
})

it('reproduces the auto-scaling log of the study: 5 start, 3 stop, 2 stay, 3 new start, 5 stop', async () => {
  const waitFor = new URL('./tasks/wait-for.mjs', import.meta.url).href
  const folder = makeFolder()
  const settings = {
    minWorkers: 2,
    maxWorkers: 5,
    idleTimeoutMs: 300,
    concurrency: 1,
    queue: { max: 1000, timeoutMs: 60_000 },
  }
  const pool = makePool(settings, { blanks: 0 })
  let loaded = 0
  const deaths = collectDeaths(pool)
  pool.on('loaded', () => loaded++)
  // A hundred tasks that end once as many workers have been loaded as the log says.
  const hundredUntil = async (workers: number): Promise<void> => {
    const file = join(folder, String(workers))
    const runs = Array.from({ length: 100 }, () => pool.run(waitFor, file))
    await eventually(() => loaded === workers)
    writeFileSync(file, '')
    await Promise.all(runs)
    expect(loaded).toBe(workers)
  }
  await hundredUntil(5)
  await eventually(() => pool.status().functions[0]!.workers.length === 2)
  expect(deaths.map(({ reason }) => reason)).toEqual(['idle', 'idle', 'idle'])
  await hundredUntil(8)
  await pool.close()
  expect(deaths).toHaveLength(8)
})
