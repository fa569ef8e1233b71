/**
 * `export default { fetch(request, env, ctx) }` as Workers have it (a Hono app is such an object, a WorkerEntrypoint a
 * class of such), `export default (request, ctx) => Response`, the web-standard reading of a bare function,
 * `Deno.serve(handler)`, in Bun `Bun.serve({ fetch })`, `addEventListener('fetch', …)` of older Workers, and Pages.
 */
import type { Call } from '../call.ts'
import { Context } from '../context.ts'
import { bunHandler } from './bun-serve.ts'
import type { Exports, Format, Handler } from './format.ts'
import type { PagesTable } from './pages-files.ts'
import { type DenoServer, denoServer } from './platform-globals.ts'
import { answerServiceWorker, isServiceWorker } from './service-worker.ts'

type Fetch = (request: Request, ...rest: unknown[]) => unknown
type Entrypoint = new (ctx: Context, env: unknown) => { fetch: Fetch }

export const fetchFormat: Format = {
  name: 'fetch',
  concurrency: null,
  isContaining: true,
  expects: 'export default { fetch(request, env, ctx) { … } }, or export default (request, ctx) => …',
  isMarked: (exports) =>
    objectWithFetch(exports) !== null ||
    typeof exports.default === 'function' ||
    denoServer() !== null ||
    bunHandler() !== null ||
    exports.pagesFiles !== undefined ||
    isServiceWorker(),
  async handler(exports, load): Promise<Handler | null> {
    const { env } = load
    if (exports.pagesFiles !== undefined) {
      const { pagesHandler } = await import('./pages-files.ts')
      return pagesHandler(exports.pagesFiles as PagesTable, load)
    }
    const target = objectWithFetch(exports)
    if (target !== null) {
      // `this` stays what the author wrote it on.
      return (call) => answer(call, target.fetch(call.request(), env, new Context(call, env)))
    }
    const bare = exports.default
    if (isEntrypoint(bare)) return (call) => answer(call, new bare(new Context(call, env), env).fetch(call.request()))
    if (typeof bare === 'function')
      return (call) => answer(call, (bare as Fetch)(call.request(), new Context(call, env)))
    const server = denoServer()
    if (server !== null) return (call) => answerDeno(call, server)
    if (isServiceWorker()) return answerServiceWorker
    const serve = bunHandler()
    return serve && ((call) => answer(call, serve(call.request())))
  },
}

export function objectWithFetch(exports: Exports): { fetch: Fetch } | null {
  const candidate = exports.default
  const isHolder = (typeof candidate === 'object' && candidate !== null) || typeof candidate === 'function'
  return isHolder && typeof (candidate as { fetch?: unknown }).fetch === 'function'
    ? (candidate as { fetch: Fetch })
    : null
}

/** A class whose instances have `fetch`: one is made for each call, as Workers do. */
export function isEntrypoint(candidate: unknown): candidate is Entrypoint {
  return typeof candidate === 'function' && typeof candidate.prototype?.fetch === 'function'
}

function answerDeno(call: Call, { handler, onError }: DenoServer): unknown {
  const info = new DenoInfo(call)
  if (onError === null) return answer(call, handler(call.request(), info))
  return tried(call, handler, info)
    .catch(onError)
    .then((response) => call.respond(response))
}

async function tried(call: Call, handler: DenoServer['handler'], info: DenoInfo): Promise<unknown> {
  return handler(call.request(), info)
}

/** What a handler of `Deno.serve` gets besides the request. */
class DenoInfo {
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
  }

  get remoteAddr(): { transport: string; hostname: string; port: number } {
    const chain = this.#call.request().headers.get('x-forwarded-for') ?? ''
    return { transport: 'tcp', hostname: chain.split(',', 1)[0]!.trim() || '127.0.0.1', port: 0 }
  }
}

/** Responds with a result, or with what it becomes. Without a promise of its own where the result is there already. */
export function answer(call: Call, result: unknown): unknown {
  if (typeof (result as PromiseLike<unknown> | null)?.then !== 'function') return call.respond(result)
  return (result as PromiseLike<unknown>).then((response) => call.respond(response))
}
