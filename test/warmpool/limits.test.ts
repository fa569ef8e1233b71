/** What a worker and everything it has started may use, with the kernel's help and without: the same ends. */
import { randomUUID } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { FunctionDefaults, WarmPool } from '../../warmpool/index.ts'
import { variableOf } from '../../warmpool/resources/process-table.ts'
import { cFunctions } from '../../warmpool/wire/c-library.ts'
import { eventually, makeFolder, makePool, nextEvent } from './pool-under-test.ts'

/** Node 26 has it: what the kernel is asked to keep, it is asked by node:ffi. */
const HAS_FFI = cFunctions({}) !== null

/** Processes that were started with this variable. */
function withVariable(name: string, value: string): number[] {
  const pids = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
  return pids.filter((pid) => variableOf(pid, name) === value)
}

const GREEDY = new URL('./tasks/greedy.mjs', import.meta.url)
const GREEDY_AT_LOAD = new URL('./tasks/greedy-at-load.mjs', import.meta.url)
const MiB = 1024 * 1024

for (const cgroups of ['auto', 'never'] as const) {
  const poolWith = (limits: FunctionDefaults['limits'], more: FunctionDefaults = {}): WarmPool =>
    makePool({ concurrency: 1, ...more, limits: { ...limits } }, { cgroups, blanks: 0 })

  describe(`with cgroups: ${cgroups}`, () => {
    for (const where of ['buffers', 'heap', 'child']) {
      test(`memory in ${where} beyond the limit ends the worker, and its caller is told`, async () => {
        const pool = poolWith({ memoryBytes: 160 * MiB })
        const died = nextEvent(pool, 'death')
        await expect(pool.run(GREEDY, { do: where, bytes: 400 * MiB })).rejects.toMatchObject({ code: 'out-of-memory' })
        expect(await died).toMatchObject({ reason: 'out-of-memory', during: 'busy' })
        expect(await pool.run(GREEDY, { do: 'echo', value: 'next' })).toBe('next')
      })
    }

    test('a worker that is being replaced for its memory, and goes on to take more, is ended for that', async () => {
      const pool = poolWith({ memoryBytes: 220 * MiB }, { memoryBytes: 120 * MiB })
      const file = join(makeFolder(), 'go')
      const held = pool
        .run(GREEDY, { do: 'again', bytes: 130 * MiB, file, more: 300 * MiB })
        .catch((error) => error.code)
      const { reason, pid } = await nextEvent(pool, 'recycle')
      expect(reason).toBe('memory')
      await eventually(() =>
        pool.status().functions[0]!.workers.some((one) => one.pid === pid && one.state === 'draining'),
      )
      writeFileSync(file, '')
      expect(await held).toBe('out-of-memory')
    })

    test('a leak costs no call: its worker is replaced before the limit, and takes nothing that could reach it', async () => {
      const memoryBytes = 140 * MiB
      const pool = makePool(
        { concurrency: 16, memoryBytes, limits: { memoryBytes: 220 * MiB } },
        { cgroups, blanks: 1 },
      )
      const reasons = new Set<string>()
      pool.on('death', ({ reason }) => reasons.add(reason))
      const pids = new Set<unknown>()
      let calls = 0
      const failures: unknown[] = []
      const caller = async (): Promise<void> => {
        while (calls++ < 600)
          await pool.run(GREEDY, { do: 'leaks', bytes: MiB }).then(
            (pid) => pids.add(pid),
            (error: Error) => failures.push(error.message),
          )
      }
      await Promise.all(Array.from({ length: 8 }, caller))
      expect(failures).toEqual([])
      expect(pids.size).toBeGreaterThan(3)
      expect(reasons).toEqual(new Set(['memory']))
    })

    test('memory within the limit is left alone', async () => {
      const pool = poolWith({ memoryBytes: 400 * MiB })
      const died = nextEvent(pool, 'death')
      expect(await pool.run(GREEDY, { do: 'holds', bytes: 150 * MiB })).toBe(150 * MiB)
      await eventually(() => pool.status().pool.memoryBytes > 150 * MiB)
      await pool.close()
      expect((await died).reason).toBe('shutdown')
    })

    test('more processes than it may have end it', async () => {
      const pool = poolWith({ processes: 32 })
      const forks = pool.run(GREEDY, { do: 'forks', count: 48 })
      await expect(forks).rejects.toMatchObject({ code: 'too-many-processes' })
      expect(await pool.run(GREEDY, { do: 'echo', value: 'next' })).toBe('next')
    })

    test('processes that start processes, in sessions of their own, are all gone with it', async () => {
      const token = randomUUID()
      const pool = poolWith({ processes: 32 })
      const forest = pool.run(GREEDY, { do: 'forest', token })
      await expect(forest).rejects.toMatchObject({ code: 'too-many-processes' })
      await eventually(() => withVariable('FOREST', token).length === 0)
    })

    for (const spin of ['spin', 'spinSoftly']) {
      test(`processor time is limited (${spin})`, async () => {
        const pool = poolWith({ cpuTimeMs: 300 })
        await expect(pool.run(GREEDY, { do: spin, ms: 20_000 })).rejects.toMatchObject({ code: 'out-of-cpu-time' })
      })
    }

    test('processor time of calls that are answered is forgotten', async () => {
      const pool = poolWith({ cpuTimeMs: 2_500 })
      const death = nextEvent(pool, 'death')
      for (let times = 0; times < 4; times++) await pool.run(GREEDY, { do: 'spinSoftly', ms: 900 })
      await pool.close()
      expect((await death).reason).toBe('shutdown')
    })

    test('a worker that runs out of memory while it loads makes its function unavailable', async () => {
      const pool = poolWith({ memoryBytes: 160 * MiB })
      await expect(pool.run(GREEDY_AT_LOAD)).rejects.toMatchObject({ code: 'init-failed' })
    })
  })
}

test.skipIf(!HAS_FFI)(
  'a worker has the processors and the urgency that it is given, and what it starts has them, too',
  async () => {
    const pool = makePool({ cpu: { cores: [0], nice: 5 } })
    const unkept: string[] = []
    pool.on('unkept', ({ settings }) => unkept.push(...settings))
    const said = (await pool.run(GREEDY, { do: 'childStatus' })) as string
    expect(/^Cpus_allowed_list:\s*(.*)$/m.exec(said)![1]).toBe('0')
    expect(said.split('\n').at(-1)).toBe('5')
    expect(unkept).toEqual([])
  },
)

test.each([
  [{}, 1],
  [{ nice: 0 }, 0],
  [{ nice: 11 }, 11],
])('a worker and its children stand behind the pool’s process: %o', async (cpu, nice) => {
  const pool = makePool({ cpu })
  const said = (await pool.run(GREEDY, { do: 'childStatus' })) as string
  expect(said.split('\n').at(-1)).toBe(String(nice))
})

test('what this system does not let anybody keep is told', async () => {
  const pool = makePool({ cpu: { weight: 50 } }, { cgroups: 'never', blanks: 0 })
  const unkept = nextEvent(pool, 'unkept')
  await pool.run(GREEDY, { do: 'echo', value: 1 })
  const withoutFfi = ['limits.openFiles', 'limits.disk', 'cpu.weight']
  expect((await unkept).settings.toSorted()).toEqual(HAS_FFI ? ['cpu.weight'] : withoutFfi.toSorted())
})

test('a full heap is told as what it is; the words alone are not', async () => {
  const pool = makePool({})
  await expect(pool.run(GREEDY, { do: 'fullHeap', aborts: true })).rejects.toMatchObject({ code: 'out-of-memory' })
  expect(await pool.run(GREEDY, { do: 'fullHeap', aborts: false })).toBe('alive')
  process.kill(pool.status().functions[0]!.workers[0]!.pid, 'SIGKILL')
  expect(await nextEvent(pool, 'death')).toMatchObject({ reason: 'crash' })
})

test.skipIf(!HAS_FFI)('descriptors beyond the limit are refused to the function, and to nobody else', async () => {
  const pool = makePool({ limits: { openFiles: 64 } })
  const tried = (await pool.run(GREEDY, { do: 'openFiles', count: 100 })) as { opened: number; code: string }
  expect(tried.code).toBe('EMFILE')
  expect(tried.opened).toBeLessThan(64)
  expect(await pool.run(GREEDY, { do: 'echo', value: 'still there' })).toBe('still there')
})

test.skipIf(!HAS_FFI)('a file longer than the limit cannot be written', async () => {
  const pool = makePool({ limits: { diskBytes: 4 * MiB } })
  expect(await pool.run(GREEDY, { do: 'longFile', bytes: 8 * MiB })).toBe('EFBIG')
  expect(await pool.run(GREEDY, { do: 'longFile', bytes: 3 * MiB })).toBe(null)
})

test('output beyond the limit is dropped, and a line says so', async () => {
  const pool = makePool({ limits: { logBytes: 10_000 } })
  let kept = 0
  pool.on('log', ({ line }) => {
    kept += line.length + 1
  })
  const dropped = nextEvent(pool, 'log', ({ line }) => line.startsWith('…'))
  await pool.run(GREEDY, { do: 'print', bytes: 200_000 })
  await pool.close()
  expect((await dropped).line).toMatch(/^… \(\d+ bytes of output dropped: more than 10000 a second\)$/)
  expect(kept).toBeLessThan(20_000)
})

test('a result longer than the limit is refused', async () => {
  const pool = makePool({ limits: { responseBytes: 1_000_000 } })
  expect(await pool.run(GREEDY, { do: 'answer', bytes: 1_000_000 })).toHaveLength(1_000_000)
  await expect(pool.run(GREEDY, { do: 'answer', bytes: 1_000_001 })).rejects.toMatchObject({
    code: 'response-too-large',
  })
  await expect(pool.run(GREEDY, { do: 'answer', bytes: 9_000_000 })).rejects.toMatchObject({
    code: 'response-too-large',
  })
  expect(await pool.run(GREEDY, { do: 'echo', value: 'still there' })).toBe('still there')
})
