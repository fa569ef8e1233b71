/**
 * How precisely a gateway cuts off callers who are slow: from the moment at which a deadline begins to count to the end
 * of the connection, for each kind of slowness, with callers who begin at odd moments. A deadline must never come early,
 * and a second after its time at most.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { type Gateway, withGateway } from '../lib/gateway.ts'
import { median, quantile } from '../lib/stats.ts'
import type { Suite } from '../lib/suite.ts'
import { mustBeNone } from '../lib/verdict.ts'

const LIMIT_MS = 1_500
const LATEST_MS = 1_000
/** Timers of this process and of the gateway's may each be a millisecond off. */
const ROUNDING_MS = 5
const LARGE = `const part = new Uint8Array(1024 * 1024)
export default () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(part) }))
`
const HELLO = "export default { fetch: () => new Response('hello\\n') }\n"
const HEAD = 'POST /hello HTTP/1.1\r\nhost: here\r\n'

/** Sends what it does, and resolves at the moment from which its deadline counts. */
type Slowness = (socket: Socket) => Promise<void>

const KINDS: Readonly<Record<string, Slowness>> = {
  'nothing is sent': async () => {},
  'the head comes byte by byte': async (socket) => {
    socket.write('G')
    trickle(socket, `ET /hello?${'x'.repeat(10_000)}`)
  },
  'the head stops': async (socket) => void socket.write('GET /hello HT'),
  'a body stops': async (socket) => void socket.write(`${HEAD}content-length: 100\r\n\r\nabc`),
  'a body in chunks stops': async (socket) => void socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n3\r\nabc`),
  'no second request': async (socket) => {
    socket.write('GET /hello HTTP/1.1\r\nhost: here\r\n\r\n')
    await once(socket, 'data')
  },
}

export const deadlines: Suite = {
  name: 'deadlines',
  question: 'How long after its time is a slow caller cut off?',
  run(options, progress) {
    const callers = options.quick ? 20 : 100
    const limit = `${LIMIT_MS}ms`
    const limits = { headersTimeout: limit, bodyTimeout: limit, writeTimeout: limit, keepAliveTimeout: limit }
    const config = { limits, log: { level: 'error' }, overrides: { large: { timeout: 'never' } } }
    return withGateway(
      () => ({ functions: { 'hello.js': HELLO, 'large.js': LARGE }, config }),
      async (gateway) => {
        const late = new Map<string, number[]>()
        for (const [kind, slowness] of Object.entries(KINDS)) {
          progress(kind)
          late.set(kind, await Promise.all(Array.from({ length: callers }, () => cutAfter(gateway, slowness))))
        }
        progress('an answer is not taken')
        late.set('an answer is not taken', await slowReaders(gateway, Math.ceil(callers / 10)))
        const all = [...late.values()].flat()
        return {
          conditions: [`All limits are ${LIMIT_MS} ms; ${callers} callers of each kind begin within a second.`],
          table: {
            head: ['what is slow', 'callers', 'least late ms', 'median ms', 'most ms'],
            rows: [...late].map(([kind, values]) => [
              kind,
              values.length,
              ...[quantile(values, 0), median(values), quantile(values, 1)].map(Math.round),
            ]),
          },
          drawing: {
            title: 'How late at most',
            unit: 'ms',
            bars: [...late].map(([label, values]) => ({ label, value: quantile(values, 1) })),
          },
          findings: [
            mustBeNone({ measure: 'cut off too early', value: all.filter((ms) => ms < -ROUNDING_MS).length }),
            mustBeNone({
              measure: `cut off more than ${LATEST_MS} ms late`,
              value: all.filter((ms) => ms > LATEST_MS).length,
            }),
          ],
          raw: Object.fromEntries(late),
        }
      },
    )
  },
}

function trickle(socket: Socket, text: string): void {
  let at = 0
  const more = setInterval(() => {
    if (socket.writable) socket.write(text[at++]!)
    else clearInterval(more)
  }, 20)
  socket.once('close', () => clearInterval(more))
}

async function open(gateway: Gateway): Promise<Socket> {
  await pause(Math.random() * 1_000)
  const { hostname, port } = new URL(gateway.url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Milliseconds from the deadline to the end of the connection. */
async function cutAfter(gateway: Gateway, slowness: Slowness): Promise<number> {
  const socket = await open(gateway)
  const ended = once(socket, 'end')
  await slowness(socket)
  const sinceMs = performance.now()
  socket.resume()
  await ended
  return performance.now() - sinceMs - LIMIT_MS
}

/** One after the other: a caller who reads nothing does not hear of its end, but the gateway's status does. */
async function slowReaders(gateway: Gateway, count: number): Promise<number[]> {
  const late: number[] = []
  for (let reader = 0; reader < count; reader++) {
    const socket = await open(gateway)
    socket.pause()
    socket.write('GET /large HTTP/1.1\r\nhost: here\r\n\r\n')
    const isUnderWay = async (): Promise<boolean> =>
      (await gateway.statusOf('large')).workers.some(({ inFlight }) => inFlight > 0)
    while (!(await isUnderWay())) await pause(2)
    // From here on what the system holds for it is filled, which takes some milliseconds.
    const sinceMs = performance.now()
    while (await isUnderWay()) await pause(5)
    late.push(performance.now() - sinceMs - LIMIT_MS)
    socket.destroy()
  }
  return late
}
