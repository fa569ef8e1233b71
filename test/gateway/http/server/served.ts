/** A server whose exchanges a test answers, on a port of its own; and callers who take nothing until they are told to. */
import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach } from 'vitest'
import type { HttpLimits } from '../../../../gateway/http/server/deadlines.ts'
import type { Exchange, ExchangeOwner } from '../../../../gateway/http/server/exchange.ts'
import { HttpServer } from '../../../../gateway/http/server/http-server.ts'
import { RawConnection } from '../../../e2e/raw-connection.ts'

const LIMITS: HttpLimits = {
  headersBytes: 4096,
  headersTimeoutMs: 60_000,
  bodyTimeoutMs: 60_000,
  bodyRateBytes: 0,
  connections: Number.POSITIVE_INFINITY,
  writeTimeoutMs: 60_000,
  halfCloseTimeoutMs: 60_000,
  keepAliveTimeoutMs: 60_000,
}
export const GET = 'GET / HTTP/1.1\r\nhost: h\r\n\r\n'
/** More than the system holds for a caller that takes nothing. */
export const LARGE = Buffer.alloc(32 * 1024 * 1024, 'x')

export interface Served {
  /** All exchanges so far. */
  readonly seen: readonly Exchange[]
  readonly server: HttpServer
  connect(): Promise<RawConnection>
  /** A caller who keeps its side open when the server has closed, and who reads nothing until it is resumed. */
  connectStill(): Promise<Socket>
}

const servers: HttpServer[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.beginClosing()
    server.cut()
  }
})

export async function serve(answer: (exchange: Exchange) => void, limits: Partial<HttpLimits> = {}): Promise<Served> {
  const seen: Exchange[] = []
  const owner = {
    onRequest(exchange: Exchange) {
      seen.push(exchange)
      answer(exchange)
    },
    onTurnedAway: () => 'HTTP/1.1 503 Full\r\nconnection: close\r\n\r\n',
    onUnreadable: (exchange: Exchange, code: string) => exchange.sendWhole(400, '', code.length, Buffer.from(code)),
  }
  const server = new HttpServer(owner, { ...LIMITS, ...limits })
  servers.push(server)
  server.net.listen(0, '127.0.0.1')
  await once(server.net, 'listening')
  const { port } = server.net.address() as AddressInfo
  return {
    seen,
    server,
    connect: () => RawConnection.open(`http://127.0.0.1:${port}`),
    async connectStill() {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true }).pause()
      socket.on('error', () => {})
      await once(socket, 'connect')
      return socket
    },
  }
}

/** Answers at once, with this text or these bytes. */
export function say(content: string | Buffer): (exchange: Exchange) => void {
  const body = Buffer.from(content)
  return (exchange) => exchange.sendWhole(200, '', body.length, body)
}

/** An owner that does nothing but what is given. */
export function ownerWith(methods: Partial<ExchangeOwner>): ExchangeOwner {
  return {
    onBody() {},
    onBodyEnd() {},
    onBodyBroken() {},
    onDrain() {},
    onGivenUp: () => 'cut',
    onClosed() {},
    ...methods,
  }
}

/** How many bytes come on it from now until nothing more does. */
export async function restOf(socket: Socket): Promise<number> {
  let bytes = 0
  socket.on('data', (chunk) => {
    bytes += chunk.length
  })
  socket.resume()
  await hears(socket, 'end', 'close')
  return bytes
}

/** Waits for one of these events. A reset is one way of being closed. */
export function hears(socket: Socket, ...events: ('end' | 'close')[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  for (const event of events) socket.once(event, () => resolve())
  return promise
}
