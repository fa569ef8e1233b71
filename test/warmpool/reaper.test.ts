import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { childrenOf, isAlive, killAll, readStat, whenGone } from './processes.ts'
import type { Answer, Order } from './reaper-parent.ts'

const SCRIPT = new URL('./reaper-parent.ts', import.meta.url)

/** Above the highest number that Linux gives to a process: killing such a group hits nobody. */
const NOBODY = 4_194_305

class Parent {
  readonly #child: ChildProcess
  readonly #started: number[] = []

  constructor() {
    this.#child = fork(SCRIPT, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] })
    onTestFinished(() => killAll([this.pid, ...this.#started]))
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Leader and child of a group that the reaper was told. */
  async startGroup(): Promise<[number, number]> {
    const { pids } = await this.tell({ start: true })
    this.#started.push(...pids)
    return [pids[0]!, pids[1]!]
  }

  async tell(order: Order): Promise<Answer> {
    const answered = once(this.#child, 'message')
    this.#child.send(order)
    const [answer] = (await answered) as [Answer]
    return answer
  }

  async kill(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  async exit(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.send({ exit: true } satisfies Order)
    await exited
  }

  async leaveByItself(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.send({ letGo: true } satisfies Order)
    await exited
  }

  get reapers(): number[] {
    return childrenOf(this.pid).filter(isReaper)
  }

  /** The one reaper, once it runs; `other` than the one given. */
  async reaper(other = 0): Promise<number> {
    return vi.waitUntil(() => this.reapers.find((pid) => pid !== other), { timeout: 30_000, interval: 5 })
  }
}

function isReaper(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('kill -s KILL')
  } catch {
    return false
  }
}

describe('when the process that registered groups is killed with SIGKILL', () => {
  test('every member of every group dies, children of children included, and the reaper with them', async () => {
    const parent = new Parent()
    const groups = [await parent.startGroup(), await parent.startGroup(), await parent.startGroup()]
    const pids = groups.flat()
    expect(pids.map(isAlive)).toEqual(pids.map(() => true))
    const reaper = await parent.reaper()
    await parent.kill()
    await whenGone([...pids, reaper])
  })

  test('a group that was forgotten is left alone', async () => {
    const parent = new Parent()
    const kept = await parent.startGroup()
    const forgotten = await parent.startGroup()
    await parent.tell({ forget: [forgotten[0]] })
    const last = await parent.startGroup()
    const reaper = await parent.reaper()
    await parent.kill()
    await whenGone([...kept, ...last, reaper])
    expect(forgotten.map(isAlive)).toEqual([true, true])
  })

  test('none is missed among a hundred that came and went', async () => {
    const parent = new Parent()
    const first = await parent.startGroup()
    const others = Array.from({ length: 100 }, (_, at) => NOBODY + at)
    await parent.tell({ register: others })
    const middle = await parent.startGroup()
    await parent.tell({ forget: others.filter((pid) => pid % 2 === 0) })
    const last = await parent.startGroup()
    const reaper = await parent.reaper()
    await parent.kill()
    await whenGone([...first, ...middle, ...last, reaper])
  })

  test('a group whose number is the beginning or the end of a forgotten one still dies', async () => {
    const parent = new Parent()
    const group = await parent.startGroup()
    const lookalikes = [`1${group[0]}`, `${group[0]}1`, `${group[0]}${group[0]}`].map(
      (number) => 10_000_000 + Number(number),
    )
    await parent.tell({ register: [...lookalikes, Number(`9${String(group[0]).padStart(7, '0')}`)] })
    await parent.tell({ forget: [...lookalikes, Number(`9${String(group[0]).padStart(7, '0')}`)] })
    await parent.kill()
    await whenGone(group)
  })
})

test('a process that exits without cleaning up leaves no group behind either', async () => {
  const parent = new Parent()
  const group = await parent.startGroup()
  const reaper = await parent.reaper()
  await parent.exit()
  await whenGone([...group, reaper])
})

test('neither a registered group nor the reaper keeps the process from ending', async () => {
  const parent = new Parent()
  const group = await parent.startGroup()
  await parent.leaveByItself()
  await whenGone(group)
})

describe('the reaper', () => {
  test('is one for all groups, in a session of its own', async () => {
    const parent = new Parent()
    await parent.startGroup()
    await parent.startGroup()
    const reaper = await parent.reaper()
    expect(parent.reapers).toEqual([reaper])
    expect(readStat(reaper)).toMatchObject({ parent: parent.pid, group: reaper, session: reaper })
  })

  test('is there while there are groups, and goes with the last', async () => {
    const parent = new Parent()
    await parent.tell({ register: [NOBODY, NOBODY + 1] })
    const reaper = await parent.reaper()
    await parent.tell({ forget: [NOBODY] })
    expect(isAlive(reaper)).toBe(true)
    await parent.tell({ forget: [NOBODY + 1, NOBODY + 2] })
    await whenGone([reaper])
    expect(parent.reapers).toEqual([])
  })

  test('comes back for the next group', async () => {
    const parent = new Parent()
    await parent.tell({ register: [NOBODY] })
    const first = await parent.reaper()
    await parent.tell({ forget: [NOBODY] })
    const group = await parent.startGroup()
    const second = await parent.reaper(first)
    await whenGone([first])
    await parent.kill()
    await whenGone([...group, second])
  })

  test('is started again when somebody kills it, and knows all groups', async () => {
    const parent = new Parent()
    const before = await parent.startGroup()
    const gone = await parent.startGroup()
    await parent.tell({ forget: [gone[0]] })
    let reaper = await parent.reaper()
    for (let times = 0; times < 3; times++) {
      process.kill(reaper, 'SIGKILL')
      reaper = await parent.reaper(reaper)
    }
    const after = await parent.startGroup()
    expect(parent.reapers).toEqual([reaper])
    await parent.kill()
    await whenGone([...before, ...after, reaper])
    expect(gone.map(isAlive)).toEqual([true, true])
  })

  test('does not die of the signals that end a session', async () => {
    const parent = new Parent()
    const group = await parent.startGroup()
    const reaper = await parent.reaper()
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGQUIT'] as const) process.kill(reaper, signal)
    await parent.tell({ register: [NOBODY] })
    expect(parent.reapers).toEqual([reaper])
    await parent.kill()
    await whenGone([...group, reaper])
  })
})
