/** Workers that are forked from one that has booted: whole, apart from each other, and gone with what they came from. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { taskSpec } from '../../warmpool/function-spec.ts'
import type { FunctionDefaults, WarmPool } from '../../warmpool/index.ts'
import { canFork } from '../../warmpool/template/available.ts'
import { collectDeaths, eventually, makePool, nextEvent } from './pool-under-test.ts'
import { childrenOf, isAlive, killAll, readStat, whenGone } from './processes.ts'

const FORKED = new URL('./tasks/forked.mjs', import.meta.url)
const PARENT = new URL('./template-parent.ts', import.meta.url)

interface Itself {
  readonly pid: number
  readonly parent: number
  readonly random: number
  readonly uuid: string
  readonly uptime: number
  readonly name: string
}

/**
 * A pool whose next worker is a forked one: what was awaited while the process that it is forked from booted has booted
 * by itself, and is gone, and so is what was started for whoever comes next.
 */
async function forkedPool(settings: FunctionDefaults, cgroups: 'auto' | 'never' = 'auto'): Promise<WarmPool> {
  const pool = makePool(settings, { cgroups })
  await pool.run(FORKED, { test: 'itself' })
  await eventually(() => pool.status().pool.blanks === 2 && pool.status().pool.starting === 0)
  for (const { pid } of pool.status().functions[0]!.workers) {
    const died = nextEvent(pool, 'death', (death) => death.pid === pid)
    process.kill(pid, 'SIGKILL')
    await died
  }
  return pool
}

/** The next that was forked: on a busy machine a template may not boot in time, and what is awaited boots itself then. */
async function forked(pool: WarmPool): Promise<Itself> {
  for (;;) {
    const itself = (await pool.run(FORKED, { test: 'itself' })) as Itself
    if (isTemplate(itself.parent)) return itself
    killAll([itself.pid])
    await whenGone([itself.pid])
  }
}

const ONE_SHOT = { maxInvocations: 1, startBy: 'fork', concurrency: 1 } as const
const KEPT = { startBy: 'fork', concurrency: 1 } as const

// They take node:ffi, which Node 26 has.
describe.skipIf(!canFork())('a worker that was forked', () => {
  test('is a process of its own, with its own number, name, session, clock and randomness', async () => {
    const pool = await forkedPool(ONE_SHOT)
    const all: Itself[] = []
    for (let call = 0; call < 4; call++) all.push(await forked(pool))
    for (const key of ['pid', 'random', 'uuid', 'name'] as const)
      expect(new Set(all.map((one) => one[key])).size, key).toBe(all.length)
    expect(new Set(all.map(({ parent }) => parent)).size).toBe(1)
    expect(readStat(all[0]!.parent)?.parent).toBe(process.pid)
    await whenGone(all.map(({ pid }) => pid))
  })

  test('leads its session, and bears the number that the parent knows it by', async () => {
    const pool = await forkedPool(KEPT)
    const { pid } = await forked(pool)
    expect(readStat(pid)).toMatchObject({ session: pid, group: pid })
    expect(pool.status().functions[0]!.workers.map((worker) => worker.pid)).toEqual([pid])
  })

  test('has none of its siblings’ descriptors and none of its template’s', async () => {
    const pool = await forkedPool({ ...KEPT, minWorkers: 2, maxWorkers: 2 })
    await pool.warmedUp()
    const both = await Promise.all([1, 2].map(() => pool.run(FORKED, { test: 'descriptors' })))
    const [descriptors, sibling] = both as [string[], string[]]
    const sockets = descriptors.filter((one) => one.includes('socket:'))
    expect(sockets.map((one) => Number(one.split(' ')[0]))).toEqual([1, 2, 3])
    expect(descriptors.filter((one) => one.includes('pidfd') || one.includes('landlock'))).toEqual([])
    expect(descriptors.filter((one) => one.includes('memfd'))).toHaveLength(1)
    const pipes = (list: string[]) => list.flatMap((one) => /pipe:.*/.exec(one)?.[0] ?? [])
    const ofParent = pipes(readdirSync('/proc/self/fd').map(linkOf))
    const shared = pipes(descriptors).filter((pipe) => pipes(sibling).includes(pipe) && !ofParent.includes(pipe))
    expect(sibling).not.toEqual(descriptors)
    expect(shared).toEqual([])
    expect(descriptors.filter((one) => one.includes('eventpoll'))).toHaveLength(1)
  })

  test('has no memory in common with its siblings or its template', async () => {
    const pool = await forkedPool({ ...KEPT, minWorkers: 2, maxWorkers: 2 })
    const { parent } = await forked(pool)
    await pool.warmedUp()
    const family = [parent, ...pool.status().functions[0]!.workers.map(({ pid }) => pid)]
    const shared = family.flatMap((pid) => sharedMemoryOf(pid))
    expect(family).toHaveLength(3)
    expect(shared.filter((one, at) => shared.indexOf(one) !== at)).toEqual([])
  })

  test('draws numbers of its own in every thread and context', async () => {
    const pool = await forkedPool(ONE_SHOT)
    const drawn: number[] = []
    for (let call = 0; call < 3; call++) drawn.push(...((await pool.run(FORKED, { test: 'numbers' })) as number[]))
    expect(drawn).toHaveLength(24)
    expect(new Set(drawn).size).toBe(24)
  })

  test('is known by its name to whoever looks at it from outside', async () => {
    const pool = await forkedPool(KEPT)
    const { pid, name } = await forked(pool)
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
    expect(environment.filter((one) => one.startsWith('WRANGLER_FREE_WORKER'))).toEqual([
      `WRANGLER_FREE_WORKER=${name}`,
    ])
  })

  test('takes along what it has split off, where there are no cgroups', async () => {
    const pool = await forkedPool(KEPT, 'never')
    const { worker, session } = (await pool.run(FORKED, { test: 'split' })) as { worker: number; session: number }
    const left = () => processesOf(session)
    onTestFinished(() => killAll(left()))
    expect(left()).toHaveLength(1)
    process.kill(worker, 'SIGKILL')
    await vi.waitUntil(() => left().length === 0, { timeout: 10_000 })
  })

  for (const [name, expected] of Object.entries({
    pool: true,
    network: 'hello',
    thread: 42,
    child: '42',
    signal: 'SIGUSR2',
    fetch: '/path',
    arguments: ['--disable-sigusr1', '--disable-warning=ExperimentalWarning'],
    wasm: '[object WebAssembly.Module]',
    garbage: 11,
  })) {
    test(`can do what takes threads or an event loop: ${name}`, async () => {
      expect(await (await forkedPool(KEPT)).run(FORKED, { test: name })).toEqual(expected)
    })
  }

  test('waits as long as it was told to', async () => {
    const pool = await forkedPool(ONE_SHOT)
    await pool.run(FORKED, { test: 'itself' })
    // Its template stood still since its boot, and a clock that had stood, too, would ring at once.
    expect(await pool.run(FORKED, { test: 'timer', ms: 50 })).toBeGreaterThanOrEqual(49)
  })

  test('prints to the log', async () => {
    const pool = await forkedPool(ONE_SHOT)
    const lines: string[] = []
    pool.on('log', ({ stream, line }) => lines.push(`${stream}: ${line}`))
    await pool.run(FORKED, { test: 'print' })
    await vi.waitUntil(() => lines.length >= 2)
    expect(lines.sort()).toEqual(['stderr: to stderr', 'stdout: to stdout'])
  })

  test('ends with the code that it was told', async () => {
    const pool = await forkedPool(KEPT)
    const deaths = collectDeaths(pool)
    await expect(pool.run(FORKED, { test: 'exit', code: 7 })).rejects.toMatchObject({ code: 'worker-died' })
    expect(deaths[0]).toMatchObject({ reason: 'crash', exitCode: 7, signal: null })
  })

  test('is replaced after an exception that nobody catches, and says which', async () => {
    const pool = await forkedPool(KEPT)
    const death = nextEvent(pool, 'death')
    const lines: string[] = []
    pool.on('log', ({ line }) => lines.push(line))
    await expect(pool.run(FORKED, { test: 'throw' })).rejects.toMatchObject({ code: 'handler-threw' })
    expect(await death).toMatchObject({ reason: 'unhandled-error', exitCode: 0 })
    expect(lines.join('\n')).toMatch(/TypeError: nobody caught this[\s\S]*forked\.mjs/)
  })

  for (const [how, exitCode] of [
    ['a handler that throws', 7],
    ['what cannot be shown', 1],
  ] as const) {
    test(`ends at once of an exception that nobody catches: ${how}`, async () => {
      const pool = await forkedPool(KEPT)
      const deaths = collectDeaths(pool)
      await expect(pool.run(FORKED, { test: 'throwTwice', how })).rejects.toMatchObject({ code: 'worker-died' })
      expect(deaths[0]).toMatchObject({ reason: 'crash', exitCode, signal: null })
    })
  }

  test('ends of a signal, which is told', async () => {
    const pool = await forkedPool(KEPT)
    const deaths = collectDeaths(pool)
    await expect(pool.run(FORKED, { test: 'abort' })).rejects.toMatchObject({ code: 'worker-died' })
    expect(deaths[0]).toMatchObject({ reason: 'crash', signal: 'SIGABRT' })
  })

  test('goes on when its template is killed, and others come from another', async () => {
    const pool = await forkedPool(KEPT)
    const first = await forked(pool)
    process.kill(first.parent, 'SIGKILL')
    await whenGone([first.parent])
    expect(((await pool.run(FORKED, { test: 'itself' })) as Itself).pid).toBe(first.pid)
    // Those on the shelf outlived it, too.
    for (let next = first; next.parent === first.parent; next = await forked(pool)) {
      const died = nextEvent(pool, 'death', ({ pid }) => pid === next.pid)
      process.kill(next.pid, 'SIGKILL')
      expect(await died).toMatchObject({ reason: 'crash' })
    }
  })

  test('is not waited for when its template stands still', async () => {
    const pool = await forkedPool({ ...ONE_SHOT, bootTimeoutMs: 2_000 })
    const { parent } = await forked(pool)
    process.kill(parent, 'SIGSTOP')
    await Promise.all(Array.from({ length: 4 }, () => pool.run(FORKED, { test: 'itself' })))
    await whenGone([parent])
    await eventually(() => pool.status().pool.starting === 0)
    expect((await forked(pool)).parent).not.toBe(parent)
  })

  test('goes on when its template is given up, with cgroups or without', async () => {
    for (const cgroups of ['auto', 'never'] as const) {
      const pool = await forkedPool({ ...KEPT, bootTimeoutMs: 2_000 }, cgroups)
      const { pid, parent } = await forked(pool)
      await eventually(() => pool.status().pool.blanks === 2)
      process.kill(parent, 'SIGSTOP')
      for (const child of childrenOf(parent)) if (child !== pid) process.kill(child, 'SIGKILL')
      await whenGone([parent])
      expect(((await pool.run(FORKED, { test: 'itself' })) as Itself).pid, cgroups).toBe(pid)
    }
  })

  test('leaves no template behind when no function is forked any more', async () => {
    const pool = await forkedPool(KEPT)
    const { pid, parent } = await forked(pool)
    pool.define({ ...taskSpec('file:///booted.mjs', pool.defaults), settings: { ...pool.defaults, startBy: 'boot' } })
    pool.remove(FORKED.href)
    await whenGone([pid, parent])
  })

  test('is gone when the pool has closed, with its template', async () => {
    const pool = await forkedPool(KEPT)
    const { pid, parent } = await forked(pool)
    await pool.close()
    expect([pid, parent].filter(isAlive)).toEqual([])
    expect(childrenOf(process.pid).filter(isTemplate)).toEqual([])
  })

  test('is gone when the parent was killed, with its template', async () => {
    const parent = spawn(process.execPath, [PARENT.pathname, FORKED.href], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => killAll([parent.pid!]))
    const [line] = (await once(createInterface(parent.stdout), 'line')) as [string]
    const { template, forked } = JSON.parse(line) as { template: number; forked: number[] }
    parent.kill('SIGKILL')
    await whenGone([template, ...forked])
  })
})

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return ''
  }
}

function isTemplate(pid: number): boolean {
  return cmdline(pid).includes('--single-threaded')
}

/** By what it is a part of. */
function sharedMemoryOf(pid: number): string[] {
  const maps = readFileSync(`/proc/${pid}/maps`, 'latin1')
  const found = Array.from(maps.matchAll(/^\S+ ...s \S+ (\S+ \d+)/gm), ([, inode]) => inode!)
  return [...new Set(found)]
}

function processesOf(session: number): number[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return all.map(Number).filter((pid) => isAlive(pid) && readStat(pid)?.session === session)
}

function cmdline(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}
