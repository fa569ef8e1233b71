/**
 * `Bun.serve({ fetch })` as Bun's own examples have it, under Bun alone: nothing listens, and its `fetch` is the function,
 * as with `Deno.serve`. If the function turns out to be something else, it does what the setting `listen` says. What Bun's router
 * and sockets would do is said to be missing while the function loads.
 */
import type { Load } from '../../../wire/messages.ts'
import { listenRefusal, onLoopback } from './listen-address.ts'

interface Options {
  readonly fetch?: (this: BunServer, request: Request, server: BunServer) => unknown
  readonly error?: (this: BunServer, error: unknown) => unknown
  readonly port?: number | string
  readonly hostname?: string
  readonly unix?: string
  readonly [other: string]: unknown
}

interface Bun {
  serve(options: Options): unknown
}

const INSTEAD =
  'Answer in `fetch`, or run it as a program that listens on $PORT: "runtime": "http", "command": ["bun", "index.ts"] in function.json'

const bun = (globalThis as { Bun?: Bun }).Bun
let options: Options | null = null
/** What a server of somebody else's does; null: Bun's own is in place. */
let serveOther: Bun['serve'] | null = null
/** What `Bun.serve` is told may be the function. */
let isWanted = false

/** For what a module threw as it was imported: under another runtime there is no `Bun`, and nothing says which to ask for. */
export function withBunHint(error: unknown): unknown {
  if (bun === undefined && error instanceof ReferenceError && error.message === 'Bun is not defined')
    error.message = 'Bun is not defined: this runtime is Node. Say "runtime": "bun" in function.json'
  return error
}

/** To be called before the function's module is imported. */
export function holdBunServe({ name, format, listen = 'all' }: Pick<Load, 'name' | 'format' | 'listen'>): void {
  isWanted = format === null || format === 'fetch'
  if (bun === undefined || (!isWanted && listen === 'all')) return
  const { serve } = bun
  serveOther = (given) => {
    if (listen === 'all' || given.unix !== undefined) return serve.call(bun, given)
    if (listen === 'loopback') return serve.call(bun, onLoopbackOf(given))
    if (takesAnyPort(given)) throw new Error(listenRefusal(name, `${given.hostname ?? '0.0.0.0'}:0`))
    return new BunServer(given)
  }
  bun.serve = (given) => {
    // Bun's node:http comes by here, too, when held-listen.ts has let it.
    if ('onNodeHTTPRequest' in given) return serve.call(bun, given)
    // Whoever takes any free port is hardly the function itself.
    if (!isWanted || (format === null && takesAnyPort(given))) return serveOther!(given)
    if (typeof given.fetch !== 'function' || given.websocket !== undefined || given.routes !== undefined)
      throw new TypeError(`\`routes\` and \`websocket\` of Bun.serve are not there. ${INSTEAD}`)
    if (options !== null) throw new Error('Bun.serve was called twice: a function has one handler')
    options = given
    return new BunServer(given)
  }
}

/** Something else is the function. */
export function releaseBunServe(): void {
  isWanted = false
  if (options !== null) serveOther?.(options)
  options = null
}

function takesAnyPort({ port }: Options): boolean {
  return port !== undefined && Number(port) === 0
}

function onLoopbackOf(given: Options): Options {
  const [{ host }] = onLoopback([{ host: given.hostname }]) as [{ host: string }]
  return { ...given, hostname: host }
}

/** Null: the module has not called `Bun.serve`. */
export function bunHandler(): ((request: Request) => unknown) | null {
  if (options === null) return null
  const { fetch, error } = options
  const server = new BunServer(options)
  if (error === undefined) return (request) => fetch!.call(server, request, server)
  return async (request) => {
    try {
      return await fetch!.call(server, request, server)
    } catch (thrown) {
      return error.call(server, thrown)
    }
  }
}

/** What is asked of a server that does not listen. */
class BunServer {
  readonly port: number
  readonly hostname: string
  readonly development = false
  readonly pendingRequests = 0

  constructor({ port = 3000, hostname = 'localhost' }: Options) {
    this.port = Number(port)
    this.hostname = hostname
  }

  get url(): URL {
    return new URL(`http://${this.hostname}:${this.port}/`)
  }

  requestIP(request: Request): { address: string; family: string; port: number } {
    const address = (request.headers.get('x-forwarded-for') ?? '').split(',', 1)[0]!.trim() || '127.0.0.1'
    return { address, family: address.includes(':') ? 'IPv6' : 'IPv4', port: 0 }
  }

  upgrade(): boolean {
    return false
  }

  timeout(): void {}

  async stop(): Promise<void> {}

  ref(): void {}

  unref(): void {}
}
