/** Several functions in a pool that is too small for them, with real workers: what a flood on one leaves to the others. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { FunctionStatus, WarmPool } from '../../warmpool/index.ts'
import { BEHAVE, eventually, makePool } from './pool-under-test.ts'

const SLEEP = new URL('./tasks/sleep.mjs', import.meta.url).href
const PATIENT = { concurrency: 1, queue: { max: 1000, timeoutMs: 60_000 } }

/** Asks for as much as there is, until the test is over. */
class Flood {
  readonly #lanes: Promise<void>[]
  #isOver = false
  calls = 0

  constructor(pool: WarmPool, url: string, inFlight = 12) {
    this.#lanes = Array.from({ length: inFlight }, async () => {
      for (; !this.#isOver; this.calls++) await pool.run(url, 10)
    })
    floods.push(this)
  }

  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#lanes)
  }

  /** Some more of its calls were answered. */
  goesOn(): Promise<void> {
    const before = this.calls
    return eventually(() => this.calls >= before + 5)
  }
}

const floods: Flood[] = []

afterEach(async () => {
  for (const flood of floods.splice(0)) await flood.end()
})

function statusOf(pool: WarmPool, url: string): FunctionStatus {
  return pool.status().functions.find(({ name }) => name === url)!
}

function servingOf(pool: WarmPool, url: string): number {
  return statusOf(pool, url).workers.filter(({ state }) => state === 'ready' || state === 'busy').length
}

it('gives a function without a worker its first, although another could use all there are', async () => {
  const pool = makePool({ ...PATIENT, maxWorkers: 8 }, { maxWorkers: 2, blanks: 0 })
  const flood = new Flood(pool, SLEEP)
  await eventually(() => servingOf(pool, SLEEP) === 2)
  expect(await pool.run(BEHAVE, { do: 'echo', value: 'served' })).toBe('served')
  await flood.goesOn()
})

it('shares the workers evenly between two floods, whichever came first', async () => {
  const pool = makePool({ ...PATIENT, maxWorkers: 8 }, { maxWorkers: 4, blanks: 0 })
  const first = new Flood(pool, SLEEP)
  await eventually(() => servingOf(pool, SLEEP) === 4)
  const late = `${SLEEP}?late`
  const second = new Flood(pool, late)
  await eventually(() => servingOf(pool, late) === 2 && servingOf(pool, SLEEP) === 2)
  await first.goesOn()
  await second.goesOn()
  expect([servingOf(pool, SLEEP), servingOf(pool, late)]).toEqual([2, 2])
})

it('does not let a flood take the only worker of a function that is called now and then', async () => {
  const pool = makePool({ ...PATIENT, maxWorkers: 8 }, { maxWorkers: 2, blanks: 0 })
  const pid = await pool.run(BEHAVE, { do: 'pid' })
  const flood = new Flood(pool, SLEEP)
  for (let times = 0; times < 10; times++) {
    await flood.goesOn()
    expect(await pool.run(BEHAVE, { do: 'pid' })).toBe(pid)
  }
})

it('gives a function its minimum out of what a flood has taken, although nobody waits for it, and keeps it there', async () => {
  const pool = makePool({ ...PATIENT, maxWorkers: 8 }, { maxWorkers: 3, blanks: 0 })
  const flood = new Flood(pool, SLEEP)
  await eventually(() => servingOf(pool, SLEEP) === 3)
  const quiet = `${SLEEP}?quiet`
  const as = { cwd: null, format: 'task', handler: null, command: null, runtime: 'node', readable: [] } as const
  const settings = { ...pool.defaults, minWorkers: 2, isolation: 'trusted' } as const
  pool.define({ name: quiet, bundle: quiet, entry: quiet, ...as, settings })
  await eventually(() => servingOf(pool, quiet) === 2)
  process.kill(statusOf(pool, quiet).workers[0]!.pid, 'SIGKILL')
  await eventually(() => servingOf(pool, quiet) === 1)
  await eventually(() => servingOf(pool, quiet) === 2)
  await flood.goesOn()
  expect(servingOf(pool, SLEEP)).toBe(1)
})

/** What its cgroup says, as a weight; null: there is none that could. */
function weightOf(pid: number | 'self'): number | null {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'latin1').split('\n')
  const ofCpu = lines.find((line) => line.split(':')[1]!.split(',').includes('cpu'))?.split(':')[2]
  const mount = /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup \S+ (?:\S+,)*cpu(?:,|$)/m.exec(
    readFileSync('/proc/self/mountinfo', 'utf8'),
  )
  if (ofCpu === undefined || mount === null) return null
  return (Number(readFileSync(join(mount[1]!, ofCpu, 'cpu.shares'), 'latin1')) * 100) / 1024
}

// Version 1 only: here the kernel's own numbers are looked at.
it.runIf(process.getuid?.() === 0 && weightOf('self') !== null)(
  'gives a function its share of the processors and no more for having many workers',
  async () => {
    const pool = makePool({ ...PATIENT, maxWorkers: 8, cpu: { weight: 200 } }, { maxWorkers: 5, blanks: 0 })
    expect(await pool.run(BEHAVE, { do: 'echo', value: 'served' })).toBe('served')
    const weights = (url: string): number[] => statusOf(pool, url).workers.map(({ pid }) => Math.round(weightOf(pid)!))
    const flood = new Flood(pool, SLEEP)
    await eventually(() => weights(SLEEP).join() === '50,50,50,50')
    await eventually(() => weights(BEHAVE).join() === '200')
    await flood.end()
    await eventually(() => weights(SLEEP).every((weight) => weight === 200))
  },
)
