import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { type GatewayUnderTest, shareGateway, startGateway } from './gateway-under-test.ts'
import { eventually, isAlive } from './processes.ts'

/** Says which process it is; under `/wait` only once there is the file that its variable GO names. */
const WAITS = `
import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname === '/wait') while (!existsSync(env.GO)) await setTimeout(5)
    return new Response(String(process.pid))
  },
}
`
const GO = { GO: '<folder>/go' }

/** One worker that takes one call at a time. */
const ONE_BY_ONE = { maxWorkers: 1, concurrency: 1, env: GO }

/** A gateway whose functions are all the same but for how they are run. */
const shared = shareGateway({
  functions: Object.fromEntries(
    ['warm', 'oneshot', 'idles', 'killed', 'stopped', 'amid', 'hammered', 'full', 'late', 'burst'].map((name) => [
      name,
      WAITS,
    ]),
  ),
  config: {
    listen: { serverTiming: true },
    overrides: {
      warm: { minWorkers: 1, maxInvocations: 5 },
      oneshot: { maxInvocations: 1 },
      idles: { idleTimeout: '10ms' },
      stopped: { timeout: '500ms' },
      amid: { ...ONE_BY_ONE, timeout: '1s', env: { GO: '<folder>/never' } },
      full: { ...ONE_BY_ONE, queue: { max: 1, timeout: '10m' }, env: { GO: '<folder>/go-full' } },
      late: { ...ONE_BY_ONE, queue: { timeout: '100ms' }, env: { GO: '<folder>/go-late' } },
      burst: { concurrency: 16, maxWorkers: 40, env: { GO: '<folder>/go-burst' } },
    },
  },
})

interface Answer {
  readonly status: number
  readonly text: string
  readonly start: string | undefined
}

async function call(gateway: GatewayUnderTest, path = '/waits'): Promise<Answer> {
  const response = await gateway.fetch(path)
  const start = /start;desc="(\w+)"/.exec(response.headers.get('server-timing') ?? '')?.[1]
  return { status: response.status, text: await response.text(), start }
}

/** Several callers, each one call after the other. */
async function calls(gateway: GatewayUnderTest, path: string, count: number, callers: number): Promise<Answer[]> {
  const perCaller = Array.from({ length: count / callers })
  const one = async (): Promise<Answer[]> => {
    const answers: Answer[] = []
    for (const _ of perCaller) answers.push(await call(gateway, path))
    return answers
  }
  return (await Promise.all(Array.from({ length: callers }, one))).flat()
}

async function pidOf(gateway: GatewayUnderTest, path: string): Promise<number> {
  return Number((await call(gateway, path)).text)
}

async function isBusy(gateway: GatewayUnderTest, name = 'waits'): Promise<void> {
  await gateway.waitForFunction(name, ({ workers }) => workers[0]?.inFlight === 1)
}

function isRefused(address: string): Promise<boolean> {
  const { hostname, port } = new URL(address)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
  })
}

test('with a minimum of one worker no call is ever a cold start, whatever the recycles', async () => {
  const answers: Answer[] = []
  await eventually(async () => {
    answers.push(...(await calls(shared(), '/warm', 40, 1)), ...(await calls(shared(), '/warm', 40, 8)))
    return ((await shared().statusOf('warm')).deaths.invocations ?? 0) >= 5
  })
  expect(answers.filter(({ status, start }) => status !== 200 || start !== 'warm')).toEqual([])
  expect(new Set(answers.map(({ text }) => text)).size).toBeGreaterThanOrEqual(5)
  const { starts, deaths } = await shared().statusOf('warm')
  expect(starts).toEqual({ warm: answers.length, blank: 0, cold: 0 })
  expect(Object.keys(deaths)).toEqual(['invocations'])
})

test('with one invocation a worker, every call has a process of its own', async () => {
  const answers = [...(await calls(shared(), '/oneshot', 4, 1)), ...(await calls(shared(), '/oneshot', 4, 4))]
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  expect(new Set(answers.map(({ text }) => text)).size).toBe(answers.length)
})

test('an idle worker is retired, and the next call starts another', async () => {
  const pid = await pidOf(shared(), '/idles')
  const { deaths } = await shared().waitForFunction('idles', ({ workers }) => workers.length === 0)
  expect(deaths).toEqual({ idle: 1 })
  expect(isAlive(pid)).toBe(false)
  expect((await call(shared(), '/idles')).status).toBe(200)
})

test('an idle worker that is killed is replaced', async () => {
  const pid = await pidOf(shared(), '/killed')
  process.kill(pid, 'SIGKILL')
  await shared().waitForFunction('killed', ({ deaths }) => deaths.crash === 1)
  const answer = await call(shared(), '/killed')
  expect(answer.status).toBe(200)
  expect(answer.text).not.toBe(String(pid))
})

test('a call that a stopped worker never began is served by another, and the stopped one is gone', async () => {
  const pid = await pidOf(shared(), '/stopped')
  process.kill(pid, 'SIGSTOP')
  const answer = await call(shared(), '/stopped')
  expect(answer.status).toBe(200)
  expect(answer.text).not.toBe(String(pid))
  await eventually(() => !isAlive(pid))
})

test('a worker that is stopped amid a call is answered for with 504, and is gone', async () => {
  const pid = await pidOf(shared(), '/amid')
  const running = shared().problem('/amid/wait')
  await isBusy(shared(), 'amid')
  process.kill(pid, 'SIGSTOP')
  expect(await running).toMatchObject({ status: 504, code: 'timeout' })
  expect((await call(shared(), '/amid')).status).toBe(200)
  await eventually(() => !isAlive(pid))
})

test('workers that are killed under load cost at most the calls that they had begun', async () => {
  let isOver = false
  const killing = (async () => {
    while (!isOver) {
      const { workers } = await shared().statusOf('hammered')
      // One that has served: on a slow machine the others would never come to it.
      const victim = workers.find(
        ({ state, invocations }) => (state === 'ready' || state === 'busy') && invocations > 0,
      )
      if (victim !== undefined && isAlive(victim.pid)) process.kill(victim.pid, 'SIGKILL')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })()
  const answers: Answer[] = []
  await eventually(async () => {
    answers.push(...(await calls(shared(), '/hammered', 240, 8)))
    return ((await shared().statusOf('hammered')).deaths.crash ?? 0) >= 3
  })
  isOver = true
  await killing
  const codes = answers.map(({ status, text }) => (status === 200 ? 'fine' : JSON.parse(text).code))
  expect(codes.filter((code) => code !== 'fine' && code !== 'worker-died')).toEqual([])
  const { deaths, queue, invocations } = await shared().waitForFunction('hammered', ({ workers }) =>
    workers.every(({ state, inFlight }) => state === 'ready' && inFlight === 0),
  )
  expect([queue, invocations]).toEqual([0, answers.length])
  // Only what a worker had begun may fail: at most the callers' number for each death.
  expect(codes.filter((code) => code !== 'fine').length).toBeLessThanOrEqual(deaths.crash! * 8)
})

test('when the queue is full, a call is 503 at once and told when to come again', async () => {
  const running = call(shared(), '/full/wait')
  await isBusy(shared(), 'full')
  const queued = call(shared(), '/full')
  await shared().waitForFunction('full', ({ queue }) => queue === 1)
  const response = await shared().fetch('/full')
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await response.json()).toMatchObject({ status: 503, code: 'queue-full', fault: 'platform' })
  shared().project.write('go-full', '')
  expect([(await running).status, (await queued).status]).toEqual([200, 200])
})

test('a call that has waited too long for a worker is 503', async () => {
  // Cold, even the first may have to wait for too long.
  await eventually(async () => (await call(shared(), '/late')).status === 200)
  const running = call(shared(), '/late/wait')
  await isBusy(shared(), 'late')
  expect(await shared().problem('/late')).toMatchObject({ status: 503, code: 'queue-timeout', fault: 'platform' })
  shared().project.write('go-late', '')
  expect((await running).status).toBe(200)
})

test('a burst on a cold function starts as many workers as it fills, not one for each call', async () => {
  const burst = Array.from({ length: 50 }, () => call(shared(), '/burst/wait'))
  const { workers } = await shared().waitForFunction(
    'burst',
    (report) => report.workers.reduce((sum, worker) => sum + worker.inFlight, 0) === 50,
  )
  expect(workers.length).toBeLessThanOrEqual(4)
  shared().project.write('go-burst', '')
  const answers = await Promise.all(burst)
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  expect(new Set(answers.map(({ text }) => text)).size).toBeLessThanOrEqual(4)
})

test('SIGTERM: what was accepted is answered, what comes newly is refused, and nothing is left', async () => {
  const gateway = await startGateway({ functions: { waits: WAITS }, config: { defaults: ONE_BY_ONE } })
  const kept = await gateway.connect()
  const running = call(gateway, '/waits/wait')
  await isBusy(gateway)
  const queued = call(gateway)
  await gateway.waitForFunction('waits', ({ queue }) => queue === 1)
  gateway.signal('SIGTERM')
  await eventually(() => isRefused(gateway.address))
  // A request that was under way on a connection that there was.
  kept.send('GET /waits HTTP/1.1\r\nhost: here\r\n\r\n')
  await gateway.waitForFunction('waits', ({ queue }) => queue === 2)
  gateway.project.write('go', '')
  const late = await kept.response()
  expect([(await running).status, (await queued).status, late.status]).toEqual([200, 200, 200])
  expect(late.headers.connection).toBe('close')
  expect(await gateway.exited).toBe(0)
  expect(gateway.processes()).toEqual([])
})

/** What is said by a function that goes on for ever. */
const streaming = (type: string): string => `
  export default () => new Response(new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode('data: 1\\n\\n')),
  }), { headers: { 'content-type': '${type}' } })`

test('who still waits when the shutdown time-out is over is answered 503 shutdown, and event streams are ended', async () => {
  const gateway = await startGateway({
    functions: { waits: WAITS, events: streaming('text/event-stream; charset=utf-8'), file: streaming('text/csv') },
    config: { defaults: ONE_BY_ONE, limits: { shutdownTimeout: '200ms' } },
  })
  const events = (await gateway.connect()).send('GET /events HTTP/1.1\r\nhost: here\r\n\r\n')
  const file = (await gateway.connect()).send('GET /file HTTP/1.1\r\nhost: here\r\n\r\n')
  const sending = (await gateway.connect()).send('POST /waits HTTP/1.1\r\nhost: here\r\ncontent-length: 9\r\n\r\nhalf')
  for (const stream of [events, file]) await stream.until('data: 1\n\n')
  const running = gateway.problem('/waits/wait')
  await isBusy(gateway)
  const queued = gateway.problem('/waits')
  await gateway.waitForFunction('waits', ({ queue }) => queue === 1)
  await gateway.waitFor(({ gateway: { requestsInFlight } }) => requestsInFlight === 5)
  gateway.signal('SIGTERM')
  for (const problem of [await running, await queued, JSON.parse((await sending.response()).body)])
    expect(problem).toMatchObject({ status: 503, code: 'shutdown', fault: 'platform' })
  expect(await events.rest()).toBe('\r\n0\r\n\r\n')
  // Nothing else tells its caller that this is not the whole file.
  expect(await file.rest()).toBe('\r\n')
  const { msg } = await gateway.logged((entry) => entry.msg.startsWith('did not finish'))
  expect(msg).toMatch(/3 calls were answered 503 shutdown, 1 streams of events were ended, 1 responses .* were cut off/)
  expect(await gateway.exited).toBe(0)
  await eventually(() => gateway.processes().length === 0)
})

test('a second SIGINT does not wait for anything, and still leaves no process', async () => {
  const gateway = await startGateway({ functions: { waits: WAITS }, config: { defaults: ONE_BY_ONE } })
  const running = call(gateway, '/waits/wait').catch(() => 'cut off')
  await isBusy(gateway)
  gateway.signal('SIGINT')
  await gateway.logged(({ msg }) => msg.startsWith('SIGINT'))
  gateway.signal('SIGINT')
  expect(await gateway.exited).toBe(130)
  expect(await running).toBe('cut off')
  await eventually(() => gateway.processes().length === 0)
})

test('SIGKILL of the gateway leaves no worker, not one that spins, and nothing that one has started', async () => {
  const spins = 'export default () => { for (;;); }'
  const starts = `
    import { spawn } from 'node:child_process'
    export default () => new Response(String(spawn('sleep', ['1000'], { stdio: 'ignore' }).pid))`
  const gateway = await startGateway({ functions: { waits: WAITS, spins, starts } })
  const grandchild = Number((await call(gateway, '/starts')).text)
  await call(gateway)
  const spinning = call(gateway, '/spins').catch(() => 'cut off')
  const { workers } = await gateway.waitForFunction('spins', (report) => report.workers[0]?.inFlight === 1)
  expect(gateway.processes()).toEqual(expect.arrayContaining([grandchild, workers[0]!.pid]))
  gateway.signal('SIGKILL')
  expect(await gateway.exited).toBe('SIGKILL')
  expect(await spinning).toBe('cut off')
  await eventually(() => gateway.processes().length === 0)
})

test('a changed configuration holds from then on, and no request is dropped', async () => {
  const gateway = await startGateway({ functions: { waits: WAITS }, config: { defaults: { env: GO } } })
  let isOver = false
  const caller = async (): Promise<Answer[]> => {
    const answers: Answer[] = []
    while (!isOver) answers.push(await call(gateway))
    return answers
  }
  const callers = [caller(), caller(), caller()]
  await gateway.waitForFunction('waits', ({ invocations }) => invocations > 20)
  gateway.project.configure({
    listen: { serverTiming: true },
    limits: { body: 10 },
    defaults: { minWorkers: 2, concurrency: 1, env: { ...GO, NEW: 'yes' } },
  })
  await gateway.logged(({ msg }) => msg.startsWith('settings changed'))
  const before = (await gateway.statusOf('waits')).invocations
  await gateway.waitForFunction('waits', ({ workers, invocations }) => workers.length >= 2 && invocations > before + 20)
  isOver = true
  const answers = (await Promise.all(callers)).flat()
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  expect(answers[0]!.start).toBe(undefined)
  expect((await call(gateway)).start).toBe('warm')
  const body = 'x'.repeat(11)
  expect(await gateway.problem('/waits', { method: 'POST', body })).toMatchObject({ code: 'body-too-large' })
})

test('an invalid change is reported and the running settings stay, until a valid one', async () => {
  const gateway = await startGateway({ functions: { waits: WAITS }, config: { listen: { serverTiming: true } } })
  gateway.project.configure({ listen: { serverTiming: 'perhaps' } })
  const { msg } = await gateway.logged((entry) => entry.msg.includes('running settings stay'))
  expect(msg).toContain('listen.serverTiming')
  expect((await call(gateway)).start).not.toBe(undefined)
  gateway.project.configure('{ "listen": ')
  await gateway.logged((entry) => entry.msg.includes('running settings stay') && entry.msg !== msg)
  expect((await call(gateway)).start).toBe('warm')
  gateway.project.configure({ listen: { serverTiming: false } })
  await gateway.logged((entry) => entry.msg.startsWith('settings changed'))
  expect(await call(gateway)).toMatchObject({ status: 200, start: undefined })
  // And one that only a restart can apply is said to need it.
  gateway.project.configure({ listen: { host: 'localhost' }, state: 'elsewhere' })
  expect((await gateway.logged((entry) => entry.msg.includes('restart'))).msg).toContain('listen.host, state')
  expect((await call(gateway)).status).toBe(200)
})

const source = (answer: string): string => `export default {\n  fetch: () => new Response(${answer}),\n}\n`

const dev = shareGateway({
  command: 'dev',
  functions: {
    waits: WAITS,
    edited: {
      'index.ts': `import { words } from './words.ts'\n${source('words()')}`,
      'words.ts': "export const words = () => 'zero'\n",
    },
  },
  config: { overrides: { edited: { minWorkers: 1 } } },
})

test('dev: an edited source is swapped in, a broken one is shown and answered 503, a mended one serves again', async () => {
  const gateway = dev()
  const answers = async (text: string): Promise<boolean> => (await call(gateway, '/edited')).text === text
  expect(await answers('zero')).toBe(true)
  gateway.project.write('functions/edited/words.ts', "export const words = () => 'one'\n")
  await eventually(() => answers('one'))
  gateway.project.write('functions/edited/index.ts', source("'two'"))
  await eventually(() => answers('two'))
  gateway.project.write('functions/edited/index.ts', source("'three'").replace('}', ''))
  const { frame } = await gateway.logged((entry) => entry.level === 50 && entry.frame !== undefined)
  expect(frame).toContain('index.ts')
  expect(await gateway.problem('/edited')).toMatchObject({ status: 503, code: 'build-failed' })
  gateway.project.write('functions/edited/index.ts', source("'four'"))
  await eventually(() => answers('four'))
  await eventually(() => gateway.printed.some((line) => /^GET \/edited 200 [\d.]+ ms (warm|blank|cold)$/.test(line)))
})

test('dev: a new function appears and a removed one is gone, without a restart', async () => {
  const gateway = dev()
  gateway.project.write('functions/fresh.ts', "export default () => new Response('fresh')\n")
  await eventually(async () => (await call(gateway, '/fresh')).text === 'fresh')
  gateway.project.delete('functions/fresh.ts')
  await eventually(async () => (await call(gateway, '/fresh')).status === 404)
  expect((await call(gateway)).status).toBe(200)
})
