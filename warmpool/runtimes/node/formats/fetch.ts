/**
 * `export default { fetch(request, env, ctx) }` as Workers have it (a Hono app is such an object), and
 * `export default (request, ctx) => Response`, the web-standard reading of a bare function.
 */
import type { Call } from '../call.ts'
import { Context } from '../context.ts'
import type { Exports, Format, Handler } from './format.ts'

type Fetch = (request: Request, ...rest: unknown[]) => unknown

export const fetchFormat: Format = {
  name: 'fetch',
  concurrency: null,
  expects: 'export default { fetch(request, env, ctx) { … } }, or export default (request, ctx) => …',
  isMarked: (exports) => objectWithFetch(exports) !== null || typeof exports.default === 'function',
  handler(exports, { env }): Handler | null {
    const target = objectWithFetch(exports)
    if (target !== null) {
      // `this` stays what the author wrote it on.
      return (call) => answer(call, target.fetch(call.request(), env, new Context(call, env)))
    }
    const bare = exports.default
    if (typeof bare !== 'function') return null
    return (call) => answer(call, (bare as Fetch)(call.request(), new Context(call, env)))
  },
}

export function objectWithFetch(exports: Exports): { fetch: Fetch } | null {
  const candidate = exports.default
  const isHolder = (typeof candidate === 'object' && candidate !== null) || typeof candidate === 'function'
  return isHolder && typeof (candidate as { fetch?: unknown }).fetch === 'function'
    ? (candidate as { fetch: Fetch })
    : null
}

/** Responds with a result, or with what it becomes. Without a promise of its own where the result is there already. */
export function answer(call: Call, result: unknown): unknown {
  if (typeof (result as PromiseLike<unknown> | null)?.then !== 'function') return call.respond(result)
  return (result as PromiseLike<unknown>).then((response) => call.respond(response))
}
