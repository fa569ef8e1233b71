/** A gateway that stands still for longer than every deadline: none of that time is its callers' or its functions'. */
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startGateway } from './gateway-under-test.ts'
import { eventually } from './processes.ts'
import type { RawConnection } from './raw-connection.ts'

const TIMEOUT_MS = 2000
const STALL_MS = 2500

/** `begin` leaves a file behind; `go` waits for one, which appears while the gateway stands still. */
const FILES = `
  import { existsSync, writeFileSync } from 'node:fs'
  const begin = (name) => writeFileSync(process.env.DIR + '/begun-' + name, '')
  const go = async () => { while (!existsSync(process.env.DIR + '/go')) await new Promise((resolve) => setTimeout(resolve, 5)) }
`
const functions = {
  healthy: `${FILES}
    export default { async fetch(request) {
      begin(new URL(request.url).searchParams.get('n'))
      await go()
      return new Response(String(process.pid))
    } }`,
  streaming: `${FILES}
    const bytes = (text) => new TextEncoder().encode(text)
    export default { fetch: () => new Response(new ReadableStream({ async start(controller) {
      controller.enqueue(bytes('one '))
      begin('streaming')
      await go()
      controller.enqueue(bytes('two'))
      controller.close()
    } })) }`,
  loading: `${FILES}
    begin('loading')
    await go()
    export default { fetch: () => new Response('loaded') }`,
  hanging: `${FILES}
    export default { async fetch() {
      begin('hanging')
      await new Promise(() => {})
    } }`,
}

test('a stall of the gateway costs no healthy call its answer and no worker its life, and spares none that hangs', async () => {
  const time = `${TIMEOUT_MS}ms`
  const gateway = await startGateway({
    functions,
    config: {
      defaults: {
        timeout: time,
        streamTimeout: time,
        streamIdleTimeout: time,
        bootTimeout: time,
        queue: { timeout: time },
        concurrency: 4,
        env: { DIR: '<folder>' },
        writable: ['<folder>'],
      },
    },
  })
  // Its deadlines begin with the hand-over, and booting and loading may take a while here.
  const numbers = Array.from({ length: 12 }, (_, n) => String(n))
  const calls = numbers.map((n) => gateway.fetch(`/healthy?n=${n}`))
  const streaming = gateway.fetch('/streaming').then(async (response) => [response.status, await response.text()])
  const loading = gateway.fetch('/loading')
  const hanging = gateway.problem('/hanging')
  const begun = [...numbers, 'streaming', 'loading', 'hanging'].map((name) => gateway.project.path(`begun-${name}`))
  await eventually(
    () => begun.every((file) => existsSync(file)),
    () => `the beginning of ${begun.filter((file) => !existsSync(file))}`,
  )
  gateway.signal('SIGSTOP')
  gateway.project.write('go', '')
  await sleep(STALL_MS)
  gateway.signal('SIGCONT')
  const answers = await Promise.all(calls)
  expect(answers.map(({ status }) => status)).toEqual(numbers.map(() => 200))
  expect(await streaming).toEqual([200, 'one two'])
  expect((await loading).status).toBe(200)
  expect((await hanging).code).toBe('timeout')
  const { pool, functions: reports } = await gateway.waitFor((status) => status.pool.deaths.timeout === 1)
  expect(pool.deaths).toEqual({ timeout: 1 })
  const pids = new Set(await Promise.all(answers.map((answer) => answer.text())))
  const healthy = reports.find(({ name }) => name === 'healthy')!
  expect(new Set(healthy.workers.map(({ pid }) => String(pid)))).toEqual(pids)
})

test("a stall of the gateway is not its callers' time: uploads, heads and kept connections go on", async () => {
  const time = `${TIMEOUT_MS}ms`
  const gateway = await startGateway({
    functions: {
      echo: 'export default async (request) => new Response(await request.text())',
      never: `export default ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))`,
    },
    config: {
      limits: { bodyTimeout: time, headersTimeout: time, keepAliveTimeout: time, halfCloseTimeout: '50ms' },
    },
  })
  const GET = 'GET /echo HTTP/1.1\r\nhost: here\r\n\r\n'
  const connections = await Promise.all(Array.from({ length: 5 }, () => gateway.connect()))
  const [kept, sending, uploading, streaming, beginning] = connections as [
    RawConnection,
    RawConnection,
    RawConnection,
    RawConnection,
    RawConnection,
  ]
  for (const connection of connections) expect((await connection.send(GET).response()).status).toBe(200)
  uploading.send('POST /echo HTTP/1.1\r\nhost: here\r\ncontent-length: 5\r\n\r\nup')
  streaming.send('POST /echo HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n2\r\nst\r\n')
  beginning.send(GET.slice(0, 20))
  await gateway.waitFor(({ gateway: { requestsInFlight } }) => requestsInFlight === 2)
  // A caller that is found to have left: from then on the others' deadlines count, too.
  const left = await gateway.connect()
  left.send('GET /never HTTP/1.1\r\nhost: here\r\n\r\n').socket.end()
  expect(await left.rest()).toBe('')
  gateway.signal('SIGSTOP')
  sending.send(GET)
  uploading.send('per')
  streaming.send('3\r\nrea\r\n0\r\n\r\n')
  beginning.send(GET.slice(20))
  await sleep(STALL_MS)
  gateway.signal('SIGCONT')
  const answers = [sending, uploading, streaming, beginning].map((connection) => connection.response())
  expect((await Promise.all(answers)).map(({ status, body }) => [status, body])).toEqual([
    [200, ''],
    [200, 'upper'],
    [200, 'strea'],
    [200, ''],
  ])
  expect((await kept.send(GET).response()).status).toBe(200)
  for (const connection of connections) connection.close()
})
