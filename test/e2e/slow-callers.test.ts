/** Callers who take their answers slowly or not at all, and who send slowly, seen from outside of a whole gateway. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type GatewayUnderTest, startGateway } from './gateway-under-test.ts'
import { eventually } from './processes.ts'
import type { RawConnection } from './raw-connection.ts'

const TESTER = readFileSync(new URL('./functions/tester.mjs', import.meta.url), 'utf8')
/** More than the system and the gateway hold for a caller that takes nothing. */
const LARGE_BYTES = 32 * 1024 * 1024
const LARGE = `
const part = new Uint8Array(256 * 1024)
export default (request) => {
  if (!request.url.endsWith('/stream')) return new Response(new Uint8Array(${LARGE_BYTES}))
  let left = ${LARGE_BYTES} / part.length
  return new Response(new ReadableStream({
    pull(controller) {
      controller.enqueue(part)
      if (--left === 0) controller.close()
    },
  }), { headers: { 'content-length': '${LARGE_BYTES}' } })
}`
const FUNCTIONS = { large: LARGE, tester: { 'index.mjs': TESTER } }

/** A caller who has begun to take an answer, and who does not go on. */
async function slowReader(gateway: GatewayUnderTest, path: string): Promise<RawConnection> {
  const connection = await gateway.connect()
  connection.send(`GET ${path} HTTP/1.1\r\nhost: here\r\n\r\n`)
  await once(connection.socket, 'data')
  connection.socket.pause()
  return connection
}

test('SIGTERM: slow readers get their answers whole, and then nothing is left', async () => {
  const gateway = await startGateway({ functions: FUNCTIONS, config: { limits: { keepAliveTimeout: '100ms' } } })
  const readers = [await slowReader(gateway, '/large/whole'), await slowReader(gateway, '/large/stream')]
  gateway.signal('SIGTERM')
  await gateway.logged(({ msg }) => msg.startsWith('SIGTERM'))
  for (const reader of readers) {
    reader.socket.resume()
    expect((await reader.response()).body.length).toBe(LARGE_BYTES)
    expect(await reader.rest()).toBe('')
  }
  expect(await gateway.exited).toBe(0)
})

test('SIGTERM: readers who take nothing are not waited for beyond the shutdown time-out', async () => {
  const gateway = await startGateway({ functions: FUNCTIONS, config: { limits: { shutdownTimeout: '300ms' } } })
  const reader = await slowReader(gateway, '/large/stream')
  gateway.signal('SIGTERM')
  expect(await gateway.exited).toBe(0)
  reader.close()
})

test('a caller who takes nothing is cut off, and its worker is free for others', async () => {
  const gateway = await startGateway({
    functions: FUNCTIONS,
    config: { limits: { writeTimeout: '300ms' }, defaults: { maxWorkers: 1 } },
  })
  const pid = await (await gateway.fetch('/tester/pid')).text()
  const reader = await slowReader(gateway, '/tester/aborted-stream/s')
  await eventually(async () => (await (await gateway.fetch('/tester/marks')).text()).includes('s cancelled'))
  await gateway.waitFor(({ gateway: { requestsInFlight } }) => requestsInFlight === 0)
  expect(await (await gateway.fetch('/tester/pid')).text()).toBe(pid)
  reader.close()
})

test('a connection is closed whose body stalls after the function has answered', async () => {
  const gateway = await startGateway({ functions: FUNCTIONS, config: { limits: { bodyTimeout: '300ms' } } })
  const connection = await gateway.connect()
  connection.send('POST /tester/pid HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n')
  expect((await connection.response()).status).toBe(200)
  expect(await connection.rest()).toBe('')
})
