/**
 * The way out for functions whose `network` is a list of hosts: an HTTP proxy on loopback that opens connections to what
 * is listed and to nothing else. A function says who it is with a password that is derived for this run, so that another
 * one's list is no use to it; lists are looked up at each request, and so changed ones hold at once. What a function can
 * take of the gateway's descriptors this way is bounded.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Egress, FunctionSettings } from '../../warmpool/index.ts'
import { type Destination, hostListOf, isAllowed, parseDestination } from './allowed-hosts.ts'
import { lookupOutside } from './lookup.ts'

const HEADERS_TIMEOUT_MS = 5_000
const CONNECT_TIMEOUT_MS = 10_000
/** Two descriptors each. */
const MOST_OF_A_FUNCTION = 32
const MOST_OF_ALL = 128
/** Connections of functions, those that have not said anything included. */
const MOST_CONNECTIONS = 192
/** What all of it takes at most of the gateway's descriptors. */
export const EGRESS_DESCRIPTORS = MOST_CONNECTIONS + MOST_OF_ALL

/** Of one connection only (RFC 9110, 7.6.1). */
const OF_THE_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'upgrade',
])

/** What a function may reach; null: it has no list. */
export type HostsOf = (functionName: string) => readonly string[] | null

export class EgressProxy {
  readonly #hostsOf: HostsOf
  readonly #key = randomBytes(32)
  readonly #server: Server
  /** Ways that are open, by function. */
  readonly #open = new Map<string, number>()
  #port = 0

  constructor(hostsOf: HostsOf) {
    this.#hostsOf = hostsOf
    this.#server = createServer({ headersTimeout: HEADERS_TIMEOUT_MS }, (request, response) =>
      this.#onRequest(request, response),
    )
    this.#server.maxConnections = MOST_CONNECTIONS
    this.#server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#onConnect(request, socket, head),
    )
    this.#server.unref()
  }

  /** Listens; once is enough. */
  async open(): Promise<void> {
    if (this.#port !== 0) return
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** For one function, which is looked at outside of a gateway; whatever its name is meanwhile. */
  static async ofOne(settings: FunctionSettings): Promise<EgressProxy> {
    const hosts = hostListOf(settings)
    const proxy = new EgressProxy(() => hosts)
    if (hosts !== null) await proxy.open()
    return proxy
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  /** What a worker of this function is to be told; null where nothing listens. */
  egressOf(functionName: string): Egress | null {
    if (this.#port === 0) return null
    const url = `http://${encodeURIComponent(functionName)}:${this.#passwordOf(functionName)}@127.0.0.1:${this.#port}`
    const named = { HTTP_PROXY: url, HTTPS_PROXY: url, http_proxy: url, https_proxy: url, NO_PROXY: '', no_proxy: '' }
    return { port: this.#port, env: { ...named, NODE_USE_ENV_PROXY: '1' } }
  }

  #onConnect(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {})
    const refuse = (status: number, why: string): void => void socket.end(refusalText(status, why))
    const granted = this.#grant(request, parseDestination(request.url ?? ''), refuse)
    if (granted === null) return
    const { name, destination } = granted
    const outside = connect({ ...destination, lookup: lookupOutside(destination.host) })
    this.#hold(name, outside)
    const fail = (error: Error): void => refuse(502, `${destination.host} cannot be reached: ${error.message}`)
    outside.on('error', fail)
    outside.on('connect', () => {
      // From here on what is sent is between the two.
      outside.off('error', fail).on('error', () => socket.destroy())
      outside.setKeepAlive(true)
      socket.write('HTTP/1.1 200 Connected\r\n\r\n')
      if (head.length > 0) outside.write(head)
      outside.pipe(socket).pipe(outside)
    })
    socket.on('close', () => outside.destroy())
  }

  /** A request for a plain `http:` address, as proxies get it: with the whole URL. */
  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const refuse = (status: number, why: string): void => {
      if (response.headersSent) return void response.destroy()
      response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(`${why}\n`)
    }
    const url = URL.parse(request.url ?? '')
    const isPlain = url !== null && url.protocol === 'http:'
    const granted = this.#grant(request, isPlain ? parseDestination(`${url.hostname}:${url.port || 80}`) : null, refuse)
    if (granted === null) return
    const { name, destination } = granted
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([field]) => !OF_THE_CONNECTION.has(field)),
    )
    const outgoing = httpRequest(url!, {
      method: request.method,
      headers: { ...headers, host: url!.host, connection: 'close' },
      agent: false,
      lookup: lookupOutside(destination.host),
    })
    outgoing.on('socket', (socket) => this.#hold(name, socket))
    outgoing.on('error', (error) => refuse(502, `${destination.host} cannot be reached: ${error.message}`))
    outgoing.on('response', (answer) => {
      const fields = Object.entries(answer.headers).filter(([field]) => !OF_THE_CONNECTION.has(field))
      response.writeHead(answer.statusCode!, Object.fromEntries(fields) as Record<string, string>)
      answer.pipe(response)
    })
    request.pipe(outgoing)
    response.on('close', () => outgoing.destroy())
  }

  /** Who asks and for what, where that is allowed; else it is told why not. */
  #grant(
    request: IncomingMessage,
    destination: Destination | null,
    refuse: (status: number, why: string) => void,
  ): { readonly name: string; readonly destination: Destination } | null {
    const name = this.#whoIs(request.headers['proxy-authorization'])
    const hosts = name === null ? null : this.#hostsOf(name)
    if (name === null || hosts === null) refuse(407, 'This proxy is for functions whose network is a list of hosts')
    else if (destination === null) refuse(400, 'That is no address that this proxy could reach')
    else if (!isAllowed(hosts, destination))
      refuse(403, `The network of "${name}" does not list ${destination.host}:${destination.port}`)
    else if ((this.#open.get(name) ?? 0) >= MOST_OF_A_FUNCTION || this.#total() >= MOST_OF_ALL)
      refuse(503, `"${name}" has as many connections to the outside as it may`)
    else return { name, destination }
    return null
  }

  /** Counts it as long as it is there, and gives up on one that does not answer. */
  #hold(name: string, outside: Socket): void {
    outside.setTimeout(CONNECT_TIMEOUT_MS, () => outside.destroy(new Error('it does not answer')))
    outside.once('connect', () => outside.setTimeout(0))
    this.#open.set(name, (this.#open.get(name) ?? 0) + 1)
    outside.once('close', () => {
      const left = this.#open.get(name)! - 1
      if (left === 0) this.#open.delete(name)
      else this.#open.set(name, left)
    })
  }

  #total(): number {
    return [...this.#open.values()].reduce((sum, count) => sum + count, 0)
  }

  #whoIs(authorization: string | undefined): string | null {
    const encoded = /^Basic +(\S+)$/i.exec(authorization ?? '')?.[1]
    if (encoded === undefined) return null
    const [, user, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? []
    if (user === undefined || password === undefined) return null
    // Clients decode the URL that they were given, or do not.
    return [user, decoded(user)].find((name) => isSame(password, this.#passwordOf(name))) ?? null
  }

  #passwordOf(functionName: string): string {
    return createHmac('sha256', this.#key).update(functionName).digest('base64url')
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

function refusalText(status: number, why: string): string {
  const words = { 400: 'Bad Request', 403: 'Forbidden', 407: 'Proxy Authentication Required', 502: 'Bad Gateway' }
  const head = `HTTP/1.1 ${status} ${words[status as 400] ?? 'Service Unavailable'}`
  return `${head}\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(why) + 1}\r\nconnection: close\r\n\r\n${why}\n`
}
