/**
 * What modules written for Workers and Deno Deploy look for while they are imported: `caches`, and the few members of
 * `Deno` that a handler needs. There is no global `Deno` here, since libraries take that for Deno itself: the gateway's
 * build (gateway/functions/platform-modules.ts) turns `Deno.serve` and `Deno.env` into the members of this object.
 * All of it is in every blank that may become such a function, so it is small; the cache is read when it is first used.
 */

import type { Load } from '../../../wire/messages.ts'
import { variables } from './variables.ts'

export type DenoHandler = (request: Request, info: unknown) => unknown

/** What a module said with `Deno.serve`. */
export interface DenoServer {
  readonly handler: DenoHandler
  readonly onError: ((error: unknown) => unknown) | null
}

interface DenoOptions {
  readonly handler?: DenoHandler
  readonly onError?: (error: unknown) => unknown
  readonly onListen?: (address: unknown) => void
}

/** Nobody listens there: the gateway does. */
const ADDRESS = { transport: 'tcp', hostname: '127.0.0.1', port: 8000 }

let server: DenoServer | null = null

/** Null: the module has not called `Deno.serve`. */
export function denoServer(): DenoServer | null {
  return server
}

export function installPlatformGlobals({ env }: Load): void {
  const deno = { serve, env: (globalThis as { Deno?: { env: unknown } }).Deno?.env ?? variables }
  define('__wranglerFree', { env, Deno: deno })
  if ((globalThis as { caches?: unknown }).caches === undefined) define('caches', new Caches())
}

function define(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true })
}

function serve(first: DenoHandler | DenoOptions, second?: DenoHandler | DenoOptions): unknown {
  const options = typeof first === 'function' ? ((second ?? {}) as DenoOptions) : first
  const handler = typeof first === 'function' ? first : (second ?? first.handler)
  if (typeof handler !== 'function')
    throw new TypeError('Deno.serve was called without a handler: Deno.serve((request) => new Response("hello"))')
  if (server !== null) throw new Error('Deno.serve was called twice: a function has one handler')
  server = { handler, onError: options.onError ?? null }
  options.onListen?.(ADDRESS)
  const nothing = (): void => {}
  return { addr: ADDRESS, finished: new Promise(nothing), shutdown: async () => {}, ref: nothing, unref: nothing }
}

/** The same cache for the same name, as long as the worker lives. Every method of a cache is asynchronous anyway. */
class Caches {
  readonly #caches = new Map<string, LazyCache>()
  readonly default = new LazyCache()

  async open(name: string): Promise<LazyCache> {
    const cache = this.#caches.get(name) ?? new LazyCache()
    this.#caches.set(name, cache)
    return cache
  }
}

class LazyCache {
  #cache: Promise<import('./worker-cache.ts').WorkerCache> | null = null

  async match(request: RequestInfo, options?: { ignoreMethod?: boolean }): Promise<Response | undefined> {
    return (await this.#opened()).match(request, options?.ignoreMethod === true)
  }

  async put(request: RequestInfo, response: Response): Promise<void> {
    return (await this.#opened()).put(request, response)
  }

  async delete(request: RequestInfo, options?: { ignoreMethod?: boolean }): Promise<boolean> {
    return (await this.#opened()).delete(request, options?.ignoreMethod === true)
  }

  #opened(): Promise<import('./worker-cache.ts').WorkerCache> {
    this.#cache ??= import('./worker-cache.ts').then(({ WorkerCache }) => new WorkerCache())
    return this.#cache
  }
}

type RequestInfo = string | URL | Request
