/**
 * `export default (request, context) => Response` as Netlify has it, with `export const config`. A path or method that
 * `config` rules out is answered here as well, since a request can come by a wider route than `config` asks for. A
 * function in the background (`config.background`, or a name that ends in `-background`) is answered with 202, and its
 * slot is held until it is done.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Call } from '../call.ts'
import type { Exports, Format, Handler } from './format.ts'
import { NetlifyContext } from './netlify-context.ts'
import { CONTEXT_STORE, isBackground as hasBackgroundName, isNetlify, netlifyConfig } from './netlify-global.ts'
import { type Params, PathPattern } from './path-pattern.ts'

type NetlifyFunction = (request: Request, context: NetlifyContext) => unknown
type Store = AsyncLocalStorage<{ readonly context: NetlifyContext }>

const NO_PARAMS: Params = Object.freeze({})
const NO_BODY_METHODS = new Set(['GET', 'HEAD'])

export const netlifyFormat: Format = {
  name: 'netlify',
  concurrency: null,
  expects: 'export default (request, context) => new Response(…), with export const config = { path: "/…" } if need be',
  isMarked: isNetlify,
  handler(exports, load): Handler | null {
    const run = functionOf(exports)
    if (run === null) return null
    const rules = new Rules(exports)
    const store = sharedStore()
    const isBackground = rules.isBackground || hasBackgroundName(load.name)
    return (call) => {
      const request = call.request()
      const params = rules.paramsOf(request)
      if (params instanceof Response) return call.respond(params)
      const context = new NetlifyContext(call, request, params)
      if (isBackground) return inBackground(call, request, store, run, context)
      return answer(call, context, store.run({ context }, run, request, context))
    }
  },
}

function functionOf(exports: Exports): NetlifyFunction | null {
  const candidate = exports.default
  if (typeof candidate === 'function') return candidate as NetlifyFunction
  const holder = candidate as { fetch?: NetlifyFunction } | null | undefined
  return typeof holder?.fetch === 'function' ? holder.fetch.bind(holder) : null
}

/** The one that `@netlify/functions` uses or will use: whichever is there first is everybody's. */
function sharedStore(): Store {
  const shared = globalThis as { [CONTEXT_STORE]?: unknown }
  if (!(shared[CONTEXT_STORE] instanceof AsyncLocalStorage)) shared[CONTEXT_STORE] = new AsyncLocalStorage()
  return shared[CONTEXT_STORE] as Store
}

/** What `config` says of requests. Throws TypeError, for the author, where it cannot be meant. */
class Rules {
  readonly isBackground: boolean
  readonly #paths: readonly PathPattern[]
  readonly #excluded: readonly PathPattern[]
  readonly #methods: ReadonlySet<string>

  constructor(exports: Exports) {
    const config = netlifyConfig(exports)
    this.isBackground = config.background === true
    this.#paths = patterns('path', config.path)
    this.#excluded = patterns('excludedPath', config.excludedPath)
    this.#methods = new Set(strings('method', config.method).map((method) => method.toUpperCase()))
  }

  /** What the path gives, or the answer to a request that the function is not for. */
  paramsOf(request: Request): Params | Response {
    if (this.#methods.size > 0 && !this.#allows(request.method))
      return new Response(null, { status: 405, headers: { allow: [...this.#methods].join(', ') } })
    if (this.#paths.length === 0) return NO_PARAMS
    const pathname = pathnameOf(request.url)
    for (const pattern of this.#excluded)
      if (pattern.match(pathname) !== null) return new Response(null, { status: 404 })
    for (const pattern of this.#paths) {
      const params = pattern.match(pathname)
      if (params !== null) return params
    }
    return new Response(null, { status: 404 })
  }

  #allows(method: string): boolean {
    return this.#methods.has(method) || (method === 'HEAD' && this.#methods.has('GET'))
  }
}

function patterns(name: string, value: unknown): PathPattern[] {
  return strings(name, value).map((path) => {
    try {
      if (path.startsWith('/')) return new PathPattern(path)
    } catch {
      // Said below.
    }
    throw new TypeError(
      `config.${name} has ${JSON.stringify(path)}, which is no path: write it as "/users/:id" or "/files/*"`,
    )
  })
}

function strings(name: string, value: unknown): string[] {
  if (value === undefined) return []
  const all: unknown[] = Array.isArray(value) ? value : [value]
  if (all.every((one) => typeof one === 'string')) return all as string[]
  throw new TypeError(`config.${name} has to be a text or an array of texts`)
}

/** Without the slash at its end, as Netlify matches. */
function pathnameOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('//') + 2)
  const queryAt = url.indexOf('?', start)
  const path = queryAt < 0 ? url.slice(start) : url.slice(start, queryAt)
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

function answer(call: Call, context: NetlifyContext, result: unknown): unknown {
  if (typeof (result as PromiseLike<unknown> | null)?.then !== 'function') return call.respond(context.finished(result))
  return (result as PromiseLike<unknown>).then((response) => call.respond(context.finished(response)))
}

/** The body is taken first, since nobody would send the rest of it after the answer. */
async function inBackground(
  call: Call,
  request: Request,
  store: Store,
  run: NetlifyFunction,
  context: NetlifyContext,
): Promise<void> {
  const whole = NO_BODY_METHODS.has(request.method) ? request : await taken(request)
  call.waitUntil(store.run({ context }, async () => run(whole, context)))
  call.respond(new Response(null, { status: 202 }))
}

async function taken(request: Request): Promise<Request> {
  const { url, method, headers, signal } = request
  return new Request(url, { method, headers, signal, body: await request.arrayBuffer() })
}
