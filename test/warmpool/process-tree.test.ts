/** What a function has started goes with its worker, however it went and however it was hidden. */
import { describe, expect, test } from 'vitest'
import { cFunctions } from '../../warmpool/wire/c-library.ts'
import { eventually, makePool, nextEvent } from './pool-under-test.ts'
import { isAlive, readStat, whenGone } from './processes.ts'

/** Node 26 has it. */
const HAS_FFI = cFunctions({}) !== null

const SPAWNING = new URL('./tasks/spawning.mjs', import.meta.url)

interface Started {
  readonly pid: number
  readonly worker: number
  readonly name: string
}

for (const cgroups of ['auto', 'never'] as const) {
  describe(`with cgroups: ${cgroups}`, () => {
    for (const how of ['child', 'setsid', 'double fork']) {
      test(`a ${how} is gone when its worker has been retired`, async () => {
        const pool = makePool({ maxInvocations: 2 }, { cgroups, blanks: 0 })
        const first = (await pool.run(SPAWNING, { how })) as Started
        expect(isAlive(first.pid)).toBe(true)
        const died = nextEvent(pool, 'death', ({ pid }) => pid === first.worker)
        await pool.run(SPAWNING, { how })
        await died
        await whenGone([first.pid])
      })

      test(`a ${how} is gone when its worker has been killed`, async () => {
        const pool = makePool({}, { cgroups, blanks: 0 })
        const started = (await pool.run(SPAWNING, { how })) as Started
        process.kill(started.worker, 'SIGKILL')
        await whenGone([started.worker, started.pid])
      })
    }

    // Without cgroups it takes the gateway as its orphans' next parent, which node:ffi asks for.
    test.skipIf(cgroups === 'never' && !HAS_FFI)(
      'the pool has closed only when what its functions started is gone',
      async () => {
        const pool = makePool({}, { cgroups, blanks: 0 })
        const started = (await pool.run(SPAWNING, { how: 'double fork' })) as Started
        await pool.close()
        expect(isAlive(started.pid)).toBe(false)
      },
    )

    test('none of them stays as a zombie of this process', async () => {
      const pool = makePool({}, { cgroups, blanks: 0 })
      const started = (await pool.run(SPAWNING, { how: 'double fork' })) as Started
      await pool.close()
      await eventually(() => readStat(started.pid)?.parent !== process.pid)
    })

    test('one that ends while its worker lives is waited for', async () => {
      const pool = makePool({}, { cgroups, blanks: 0 })
      const started = (await pool.run(SPAWNING, { how: 'double fork' })) as Started
      process.kill(started.pid, 'SIGKILL')
      await eventually(() => readStat(started.pid) === null)
    })
  })
}

test('with cgroups, one that hides whose it is goes with its worker', async () => {
  const pool = makePool({}, { blanks: 0 })
  const started = (await pool.run(SPAWNING, { how: 'hidden double fork' })) as Started
  process.kill(started.worker, 'SIGKILL')
  await whenGone([started.pid])
})

describe.skipIf(!HAS_FFI)('without cgroups', () => {
  test('one that bears the name that a neighbour would have is counted as nobody’s, and ended', async () => {
    const pool = makePool({}, { cgroups: 'never', blanks: 0 })
    const neighbour = (await pool.run(SPAWNING, { how: 'child' })) as Started
    const number = Number(neighbour.name.split('.')[3])
    const framing = new URL('?framing', SPAWNING)
    const started = (await pool.run(framing, { how: 'double fork', number })) as Started
    expect(started.worker).not.toBe(neighbour.worker)
    await whenGone([started.pid])
    expect([started.worker, neighbour.worker, neighbour.pid].map(isAlive)).toEqual([true, true, true])
  })

  test('a name cannot be guessed from another', async () => {
    const pool = makePool({}, { cgroups: 'never', blanks: 0 })
    const names: string[] = []
    for (const query of ['?1', '?2']) {
      const { name } = (await pool.run(new URL(query, SPAWNING), { how: 'child' })) as Started
      names.push(name)
    }
    const [first, second] = names.map((name) => name.split('.').at(-1)!) as [string, string]
    expect(first).toMatch(/^[0-9a-f]{24}$/)
    expect(second).toMatch(/^[0-9a-f]{24}$/)
    expect(first).not.toBe(second)
  })
})
