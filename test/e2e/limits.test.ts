/** What a function may use, seen by callers of a whole gateway; and what a gateway that was killed leaves behind. */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { type GatewayUnderTest, shareGateway, startGateway } from './gateway-under-test.ts'
import { eventually, isAlive } from './processes.ts'

const STREAMS = `
const encoder = new TextEncoder()
export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url)
    const bytes = Number(searchParams.get('bytes'))
    if (pathname === '/whole') return new Response('x'.repeat(bytes))
    if (pathname === '/streamed') {
      let left = bytes
      return new Response(new ReadableStream({
        pull(controller) {
          if (left <= 0) return controller.close()
          controller.enqueue(encoder.encode('x'.repeat(Math.min(left, 1000))))
          left -= 1000
        },
      }))
    }
    if (pathname === '/stalls') {
      return new Response(new ReadableStream({ start: (controller) => controller.enqueue(encoder.encode('begun')) }))
    }
    if (pathname === '/ticks') {
      let left = 12
      return new Response(new ReadableStream({
        start(controller) {
          const timer = setInterval(() => {
            controller.enqueue(encoder.encode('.'))
            if (--left > 0) return
            clearInterval(timer)
            controller.close()
          }, 50)
        },
      }))
    }
    return new Response(String(process.pid))
  },
}
`
const HOG = `
const kept = []
export default () => {
  for (let at = 0; at < 400; at++) kept.push(Buffer.alloc(1024 * 1024, 1))
  return new Response('got it')
}
`
const NEIGHBOUR = `export default () => new Response(String(process.pid))`

const shared = shareGateway({
  functions: { streams: STREAMS, hog: HOG, neighbour: NEIGHBOUR },
  config: {
    overrides: {
      streams: { streamIdleTimeout: '300ms', limits: { response: 5000 } },
      hog: { limits: { memory: '160MiB' } },
      neighbour: { minWorkers: 1 },
    },
  },
})

async function deathsOf(gateway: GatewayUnderTest, name: string): Promise<Readonly<Record<string, number>>> {
  return (await gateway.statusOf(name)).deaths as Record<string, number>
}

test('a stream that stands still is cut off, and its worker replaced', async () => {
  const response = await shared().fetch('/streams/stalls')
  expect(response.status).toBe(200)
  await expect(response.text()).rejects.toThrow()
  await eventually(async () => (await deathsOf(shared(), 'streams'))['stream-timeout'] === 1)
  expect(shared().log).toContainEqual(expect.objectContaining({ code: 'stream-timeout', function: 'streams' }))
  expect((await shared().fetch('/streams/')).status).toBe(200)
})

test('one that keeps sending may take longer than that', async () => {
  expect(await (await shared().fetch('/streams/ticks')).text()).toBe('............')
})

test('a response that is too long is refused', async () => {
  expect((await shared().fetch('/streams/whole?bytes=5000')).status).toBe(200)
  const refused = await shared().fetch('/streams/whole?bytes=5001')
  expect(refused.status).toBe(502)
  expect(await refused.json()).toMatchObject({ code: 'response-too-large', fault: 'function' })
})

test('one that has begun is cut off where it becomes too long', async () => {
  expect(await (await shared().fetch('/streams/streamed?bytes=5000')).text()).toHaveLength(5000)
  const cut = await shared().fetch('/streams/streamed?bytes=500000')
  await expect(cut.text()).rejects.toThrow()
})

test('a function that needs too much memory is told to its caller, and its neighbour does not notice', async () => {
  const before = await (await shared().fetch('/neighbour/')).text()
  const response = await shared().fetch('/hog/')
  expect(response.status).toBe(502)
  expect(await response.json()).toMatchObject({ code: 'out-of-memory', fault: 'function' })
  expect(await (await shared().fetch('/neighbour/')).text()).toBe(before)
  expect(await deathsOf(shared(), 'hog')).toEqual({ 'out-of-memory': 1 })
})

/** Answers with the numbers of two processes: one in a session of its own, one whose parent is gone as well. */
const LEAVES = `
import { spawn } from 'node:child_process'
import { once } from 'node:events'
const STAY = "trap '' HUP TERM INT; echo $$; exec >/dev/null 2>&1; while :; do sleep 1000; done"
async function start(file, args) {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, STAY } })
  const [output] = await once(child.stdout, 'data')
  child.stdout.destroy()
  return Number(output)
}
export default async () => Response.json([
  process.pid,
  await start('setsid', ['/bin/sh', '-c', STAY]),
  await start('/bin/sh', ['-c', 'setsid /bin/sh -c "$STAY" & exit 0']),
])
`

for (const cgroups of ['auto', 'never']) {
  test(`SIGKILL of the gateway leaves nothing that left its worker's session (cgroups: ${cgroups})`, async () => {
    const gateway = await startGateway({ functions: { leaves: LEAVES }, config: { pool: { cgroups } } })
    const pids = (await (await gateway.fetch('/leaves/')).json()) as number[]
    expect(pids.map(isAlive)).toEqual([true, true, true])
    gateway.signal('SIGKILL')
    await gateway.exited
    await eventually(() => !pids.some(isAlive))
  })
}

describe('a gateway that starts', () => {
  const started: number[] = []
  afterEach(() => {
    for (const pid of started.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  })

  function startNamed(name: string): number {
    const { pid } = spawn('sleep', ['1000'], { env: { PATH: process.env.PATH, WRANGLER_FREE_WORKER: name } })
    started.push(pid!)
    return pid!
  }

  const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))![0]
  const startOf = (pid: number | 'self'): string =>
    readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')[19]!

  test('ends what one that is gone has left, and nothing of one that lives', async () => {
    const left = startNamed(`${namespace}.4194999.1.1`)
    // The number is taken again, by another process.
    const reused = startNamed(`${namespace}.${process.pid}.1.1`)
    const alive = startNamed(`${namespace}.${process.pid}.${startOf('self')}.1`)
    const elsewhere = startNamed('1.4194999.1.1')
    await startGateway({ functions: { neighbour: NEIGHBOUR } })
    await eventually(() => !isAlive(left) && !isAlive(reused))
    expect([isAlive(alive), isAlive(elsewhere)]).toEqual([true, true])
  })

  const hierarchy = '/sys/fs/cgroup/unified'
  const canMake = process.getuid?.() === 0 && readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${hierarchy} `)
  test.runIf(canMake)('ends what is in cgroups of one that is gone', async () => {
    const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))![1]
    const folder = `${hierarchy}${own}/wrangler-free-${namespace}.4194999.1.7`
    mkdirSync(folder)
    const left = startNamed('')
    writeFileSync(`${folder}/cgroup.procs`, String(left))
    const gateway = await startGateway({ functions: { neighbour: NEIGHBOUR }, config: { pool: { blanks: 1 } } })
    await gateway.fetch('/neighbour/')
    await eventually(() => !isAlive(left))
  })
})
