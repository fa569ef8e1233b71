/**
 * `export function GET(request, ctx)`, one export a method. HEAD is answered from GET, OPTIONS from what there is,
 * and any other method is 405 with `Allow`.
 */
import { Context } from '../context.ts'
import { answer } from './fetch.ts'
import type { Exports, Format, Handler } from './format.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

type MethodHandler = (request: Request, ctx: Context) => unknown

export const methodsFormat: Format = {
  name: 'methods',
  concurrency: null,
  isContaining: true,
  expects: `export function ${METHODS.join(' / ')} (request, ctx) { … }`,
  isMarked: (exports) => METHODS.some((method) => typeof exports[method] === 'function'),
  handler(exports, { env }): Handler | null {
    const handlers = methodHandlers(exports)
    if (handlers.size === 0) return null
    const allow = allowedMethods(handlers).join(', ')
    return (call) => {
      const request = call.request()
      const handler = handlers.get(request.method) ?? (request.method === 'HEAD' ? handlers.get('GET') : undefined)
      if (handler !== undefined) return answer(call, handler(request, new Context(call, env)))
      const status = request.method === 'OPTIONS' ? 204 : 405
      return call.respond(new Response(null, { status, headers: { allow } }))
    }
  },
}

function methodHandlers(exports: Exports): Map<string, MethodHandler> {
  const handlers = new Map<string, MethodHandler>()
  for (const method of METHODS) {
    const handler = exports[method]
    if (typeof handler === 'function') handlers.set(method, handler as MethodHandler)
  }
  return handlers
}

function allowedMethods(handlers: ReadonlyMap<string, MethodHandler>): string[] {
  const implied = new Set([...handlers.keys(), 'OPTIONS'])
  if (handlers.has('GET')) implied.add('HEAD')
  return METHODS.filter((method) => implied.has(method))
}
