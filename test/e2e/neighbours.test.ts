/**
 * What a function does to the machine, the pool and whoever is called after it, with a neighbour that is called all the
 * while and must not notice. The table in docs/security.md names these tests.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type GatewayUnderTest, type Setup, startGateway } from './gateway-under-test.ts'
import { eventually, isAlive } from './processes.ts'

const NEIGHBOUR = 'export default () => new Response(String(process.pid))'

const FILLS_DISK = `
import { existsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout } from 'node:timers/promises'
const part = Buffer.alloc(1024 * 1024, 1)
export default async (request) => {
  const how = new URL(request.url).searchParams.get('how')
  if (how === 'where') return new Response(tmpdir())
  try {
    if (how === 'one') for (let at = 0; at < 32; at++) writeFileSync(tmpdir() + '/one', part, { flag: 'a' })
    else for (let at = 0; at < 32; at++) writeFileSync(tmpdir() + '/' + at, part)
  } catch (error) {
    return new Response(error.code)
  }
  await setTimeout(60_000)
}
`

/** Bounded, in case nobody stops it: some hundred shells, each in a session of its own, whose parents are gone. */
const FORK_BOMB = `
import { spawn } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
const BOMB = 'depth=$1; while [ "$depth" -gt 0 ]; do depth=$((depth - 1)); (trap "" HUP TERM; setsid sh -c "$BOMB" sh "$depth" &) ; done; sleep 1000'
export default async (request) => {
  const MARK = new URL(request.url).searchParams.get('mark')
  spawn('/bin/sh', ['-c', BOMB, 'sh', '8'], { env: { ...process.env, BOMB, MARK }, stdio: 'ignore', detached: true }).unref()
  await setTimeout(60_000)
}
`

/** The same with 128 shells that compute, each for some seconds at most. */
const COMPUTING_BOMB = FORK_BOMB.replace('depth=$1', 'ulimit -t 4; depth=$1')
  .replace('sleep 1000', 'while :; do :; done')
  .replace("'8'", "'7'")

/** Neither answers nor ends. */
const HANGS = 'export default () => new Promise(() => {})'

const POISONS = `
export default (request) => {
  const seen = [globalThis.poison, process.env.POISON, [].poison, process.cwd() === '/', Response.prototype.poison]
  globalThis.poison = process.env.POISON = Array.prototype.poison = 'poison'
  Response.prototype.poison = 'poison'
  process.chdir('/')
  setInterval(() => {}, 1000)
  process.on('uncaughtException', () => {})
  return Response.json(seen.map((one) => one ?? null))
}
`

/** The neighbour is warm, and asked again and again until the attack is over: always 200, by the same process. */
async function unnoticed(gateway: GatewayUnderTest, attack: () => Promise<void>): Promise<void> {
  const ask = async (): Promise<string> => {
    const response = await gateway.fetch('/neighbour')
    return `${response.status} ${await response.text()}`
  }
  const answers = new Set([await ask()])
  let isOver = false
  const asking = (async () => {
    while (!isOver) answers.add(await ask())
  })()
  try {
    await attack()
  } finally {
    isOver = true
    await asking
  }
  expect([...answers]).toEqual([expect.stringMatching(/^200 \d+$/)])
}

const startWith = (functions: Setup['functions'], overrides: object, pool: object = {}): Promise<GatewayUnderTest> =>
  startGateway({
    functions: { neighbour: NEIGHBOUR, ...functions },
    config: { pool, overrides: { neighbour: { minWorkers: 1 }, ...overrides } },
  })

const codeOf = async (response: Promise<Response>): Promise<string> =>
  ((await (await response).json()) as { code: string }).code

for (const cgroups of ['auto', 'never']) {
  test(`fills the disk, and is stopped where it may not write more (cgroups: ${cgroups})`, async () => {
    const limits = { disk: '8MiB' }
    const gateway = await startWith({ disk: FILLS_DISK }, { disk: { limits } }, { cgroups })
    await unnoticed(gateway, async () => {
      const folder = await (await gateway.fetch('/disk?how=where')).text()
      expect(await (await gateway.fetch('/disk?how=one')).text()).toBe('EFBIG')
      expect(await codeOf(gateway.fetch('/disk?how=many'))).toBe('out-of-disk')
      await eventually(() => !existsSync(folder))
    })
  })

  test(`is a fork bomb, and all of it is gone (cgroups: ${cgroups})`, async () => {
    const limits = { processes: 60 }
    const gateway = await startWith({ bomb: FORK_BOMB }, { bomb: { limits } }, { cgroups })
    await unnoticed(gateway, async () => {
      const mark = randomUUID()
      // What says so has counted more than 60: a look from outside comes too late where the kernel keeps the limit.
      expect(await codeOf(gateway.fetch(`/bomb?mark=${mark}`))).toBe('too-many-processes')
      await eventually(() => processesWith(mark).length === 0)
    })
  })
}

test('is a fork bomb that computes, and is told so while its neighbours are answered', async () => {
  const limits = { processes: 60 }
  const gateway = await startWith({ bomb: COMPUTING_BOMB }, { bomb: { limits } }, { cgroups: 'never' })
  await unnoticed(gateway, async () => {
    const mark = randomUUID()
    expect(await codeOf(gateway.fetch(`/bomb?mark=${mark}`))).toBe('too-many-processes')
    await eventually(() => processesWith(mark).length === 0)
  })
})

test('exhausts the pool with calls that never end, and the others have what they are entitled to', async () => {
  const hangs = { concurrency: 1, timeout: '1s', queue: { max: 100 } }
  const gateway = await startWith({ hangs: HANGS, late: NEIGHBOUR }, { hangs }, { maxWorkers: 3, blanks: 0 })
  await unnoticed(gateway, async () => {
    const held = Array.from({ length: 6 }, () => gateway.fetch('/hangs').then(({ status }) => status))
    await gateway.waitForFunction('hangs', ({ queue, workers }) => queue > 0 && workers.length === 2)
    // Never called before, and every place is taken: it gets one as soon as a call has run out of time.
    expect((await gateway.fetch('/late')).status).toBe(200)
    expect((await gateway.statusOf('hangs')).queue).toBeGreaterThan(0)
    expect(new Set(await Promise.all(held))).toEqual(new Set([504]))
  })
})

test('poisons what the next call finds, and there is a fresh process for it with maxInvocations: 1', async () => {
  const gateway = await startWith({ poisons: POISONS, kept: POISONS }, { poisons: { maxInvocations: 1 } })
  const seen = async (name: string): Promise<unknown> => (await gateway.fetch(`/${name}`)).json()
  await unnoticed(gateway, async () => {
    for (let call = 0; call < 3; call++) expect(await seen('poisons')).toEqual([null, null, null, false, null])
    // One that is used again is its own: that is what `wrangler-free check` is for.
    expect(await seen('kept')).toEqual([null, null, null, false, null])
    expect(await seen('kept')).toEqual(['poison', 'poison', 'poison', true, 'poison'])
  })
})

function processesWith(mark: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && isAlive(Number(pid)) && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark)
    } catch {
      return false
    }
  })
}
