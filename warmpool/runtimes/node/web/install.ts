/** Puts the lazy web classes where user code finds them. To be called before any user code is loaded. */
import { markFetched, markFetchedResponses } from './fetched.ts'
import { LazyHeaders } from './headers.ts'
import {
  catchNativeWeb,
  loadedWeb,
  type NativeResponse,
  type NativeWeb,
  nativeWeb,
  type RequestInput,
  whenLoaded,
} from './native.ts'
import { LazyRequest } from './request.ts'
import { LazyResponse } from './response.ts'

const FORWARDED = [
  'apply',
  'defineProperty',
  'deleteProperty',
  'getPrototypeOf',
  'has',
  'ownKeys',
  'set',
  'setPrototypeOf',
] as const

/**
 * Node's own class, loaded when it is used. It looks into private fields of what it is given, so it gets native objects.
 * As a proxy it keeps its prototype: `instanceof`, subclasses and additions to the prototype work for lazy requests as
 * for others.
 */
// A function that can be constructed and has no `prototype`, so that the proxy is free to show the native one's.
const Request = new Proxy(Object.bind(null) as unknown as NativeWeb['Request'], {
  ...Object.fromEntries(FORWARDED.map((trap) => [trap, forward(trap)])),
  construct(_, [input, init, ...rest]: [RequestInput, RequestInit?], newTarget) {
    return Reflect.construct(nativeWeb().Request, [native(input, init), init, ...rest], newTarget)
  },
  get(_, key, receiver) {
    // As long as nothing is loaded there are only lazy ones.
    if (key === Symbol.hasInstance && loadedWeb() === null) return LazyRequest.isLazy
    return Reflect.get(nativeWeb().Request, key, receiver)
  },
  getOwnPropertyDescriptor(_, key) {
    const descriptor = Reflect.getOwnPropertyDescriptor(nativeWeb().Request, key)
    return descriptor && { ...descriptor, configurable: true }
  },
})

function forward(trap: (typeof FORWARDED)[number]): (target: unknown, ...args: unknown[]) => unknown {
  const act = Reflect[trap] as (...args: unknown[]) => unknown
  return (_, ...args) => act(nativeWeb().Request, ...args)
}

/** A lazy request as `init` needs none of this: it is read by its properties. */
function native(input: RequestInput, init: RequestInit | undefined): RequestInput {
  if (!LazyRequest.isLazy(input)) return input
  return init?.body === undefined || init.body === null ? input.native() : input.nativeHead()
}

async function fetch(input: RequestInput, init?: RequestInit): Promise<NativeResponse> {
  return markFetched(await nativeWeb().fetch(native(input, init), init))
}

export function installWebClasses(): void {
  catchNativeWeb()
  whenLoaded((web) => {
    markFetchedResponses(web)
    web.Request.prototype.constructor = Request
    web.Response.prototype.constructor = LazyResponse
    web.Headers.prototype.constructor = LazyHeaders
  })
  LazyRequest.prototype.constructor = Request
  // Assigned, since defining a property would look at the one that is there, and so load what it stands for.
  Object.assign(globalThis, { Request, Response: LazyResponse, Headers: LazyHeaders, fetch })
  loadForStreamedWasm()
}

/** WebAssembly takes responses as Node's own class says that they are some. */
function loadForStreamedWasm(): void {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: Record<string, (...args: unknown[]) => unknown> }
  for (const name of ['compileStreaming', 'instantiateStreaming']) {
    const streaming = WebAssembly[name]!
    WebAssembly[name] = (...args) => {
      nativeWeb()
      return streaming.apply(WebAssembly, args)
    }
  }
}
