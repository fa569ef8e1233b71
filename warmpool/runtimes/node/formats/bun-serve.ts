/**
 * `Bun.serve({ fetch })` as Bun's own examples have it, under Bun alone: nothing listens, and its `fetch` is the function,
 * as with `Deno.serve`. If the function turns out to be something else, it listens after all. What Bun's router and
 * sockets would do is said to be missing while the function loads.
 */
import type { Load } from '../../../wire/messages.ts'

interface Options {
  readonly fetch?: (this: BunServer, request: Request, server: BunServer) => unknown
  readonly error?: (this: BunServer, error: unknown) => unknown
  readonly port?: number | string
  readonly hostname?: string
  readonly [other: string]: unknown
}

interface Bun {
  serve(options: Options): unknown
}

const INSTEAD =
  'Answer in `fetch`, or run it as a program that listens on $PORT: "runtime": "http", "command": ["bun", "index.ts"] in function.json'

const bun = (globalThis as { Bun?: Bun }).Bun
let original: Bun['serve'] | null = null
let options: Options | null = null

/** For what a module threw as it was imported: under another runtime there is no `Bun`, and nothing says which to ask for. */
export function withBunHint(error: unknown): unknown {
  if (bun === undefined && error instanceof ReferenceError && error.message === 'Bun is not defined')
    error.message = 'Bun is not defined: this runtime is Node. Say "runtime": "bun" in function.json'
  return error
}

/** To be called before the function's module is imported. */
export function holdBunServe({ format }: Pick<Load, 'format'>): void {
  if (bun === undefined) return
  const { serve } = bun
  original = serve
  bun.serve = (given) => {
    // Bun's node:http comes by here, too; and whoever takes any free port is hardly the function itself.
    const isOfNobody = format === null && given.port !== undefined && Number(given.port) === 0
    if (isOfNobody || 'onNodeHTTPRequest' in given) return serve.call(bun, given)
    if (typeof given.fetch !== 'function' || given.websocket !== undefined || given.routes !== undefined)
      throw new TypeError(`\`routes\` and \`websocket\` of Bun.serve are not there. ${INSTEAD}`)
    if (options !== null) throw new Error('Bun.serve was called twice: a function has one handler')
    options = given
    return new BunServer(given)
  }
}

/** Something else is the function. */
export function releaseBunServe(): void {
  if (bun === undefined || original === null) return
  bun.serve = original
  original = null
  if (options !== null) bun.serve(options)
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
