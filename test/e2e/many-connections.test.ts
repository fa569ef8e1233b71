/** Callers who open more connections than the gateway can have: the functions are still there for the others. */
import { expect, test } from 'vitest'
import { startGateway } from './gateway-under-test.ts'
import { eventually } from './processes.ts'
import type { RawConnection } from './raw-connection.ts'

const HELLO = 'export default () => new Response("hello")'
const HOLDS = 'export default () => new Promise(() => {})'

test('connections without a request take neither the place of a caller nor what workers need', async () => {
  const gateway = await startGateway({
    functions: { hello: HELLO },
    openFiles: 300,
    config: { pool: { maxWorkers: 4 } },
  })
  const { max } = (await gateway.status()).gateway.connections
  expect(max).toBe(150)
  const open: RawConnection[] = []
  for (let at = 0; at < 400; at++) open.push((await gateway.connect()).send(at % 2 === 0 ? '' : 'GET /hello HT'))
  // A cold function: its worker is started now.
  const caller = await gateway.connect()
  expect(await caller.send('GET /hello HTTP/1.1\r\nhost: here\r\n\r\n').response()).toMatchObject({
    status: 200,
    body: 'hello',
  })
  const { connections } = (await gateway.status()).gateway
  expect(connections).toEqual({ open: max, max, turnedAway: 0 })
  for (const connection of [...open, caller]) connection.close()
})

test('where each has a request one more is told so, and nobody loses its answer', async () => {
  const gateway = await startGateway({
    functions: { hello: HELLO, holds: HOLDS },
    config: { limits: { connections: 3 }, defaults: { timeout: '2s' } },
  })
  const held = await Promise.all([1, 2, 3].map(() => gateway.connect()))
  for (const connection of held) connection.send('GET /holds HTTP/1.1\r\nhost: here\r\n\r\n')
  await gateway.waitFor(({ gateway: { requestsInFlight } }) => requestsInFlight === 3)
  const refused = await gateway.connect()
  const response = await refused.send('GET /hello HTTP/1.1\r\nhost: here\r\n\r\n').response()
  expect(response).toMatchObject({ status: 503, headers: { 'retry-after': '1', connection: 'close' } })
  expect(JSON.parse(response.body)).toMatchObject({ code: 'too-many-connections', fault: 'platform' })
  expect(await refused.rest()).toBe('')
  for (const connection of held) expect((await connection.response()).status).toBe(504)
  expect((await gateway.status()).gateway.connections).toEqual({ open: 3, max: 3, turnedAway: 1 })
  expect(gateway.log.filter(({ msg }) => msg.startsWith('callers are turned away'))).toHaveLength(1)
  // They were used a moment ago, and whoever has them may use them again: they stay until they have been idle for a while.
  expect((await gateway.fetch('/hello')).status).toBe(503)
  await eventually(async () => (await gateway.fetch('/hello')).status === 200)
  await eventually(() => held.some(({ isClosed }) => isClosed))
  expect((await gateway.status()).gateway.connections).toMatchObject({ open: 3, max: 3 })
  for (const connection of held) connection.close()
})
