/** Puts the lazy web classes where user code finds them. To be called before any user code is loaded. */
import { markFetchedResponses } from './fetched.ts'
import { NativeRequest, NativeResponse, nativeFetch, type RequestInput } from './native.ts'
import { LazyRequest } from './request.ts'
import { LazyResponse } from './response.ts'

/**
 * Node's own class, which looks into private fields of what it is given, so it gets native objects. As a proxy it
 * keeps its prototype: `instanceof`, subclasses and additions to the prototype work for lazy requests as for others.
 */
const Request = new Proxy(NativeRequest, {
  construct(target, [input, init, ...rest]: [RequestInput, RequestInit?], newTarget) {
    return Reflect.construct(target, [native(input, init), init, ...rest], newTarget)
  },
})

/** A lazy request as `init` needs none of this: it is read by its properties. */
function native(input: RequestInput, init: RequestInit | undefined): RequestInput {
  if (!LazyRequest.isLazy(input)) return input
  return init?.body === undefined || init.body === null ? input.native() : input.nativeHead()
}

async function fetch(input: RequestInput, init?: RequestInit): Promise<NativeResponse> {
  return nativeFetch(native(input, init), init)
}

export function installWebClasses(): void {
  markFetchedResponses()
  NativeRequest.prototype.constructor = Request
  NativeResponse.prototype.constructor = LazyResponse
  LazyRequest.prototype.constructor = Request
  for (const [name, value] of Object.entries({ Request, Response: LazyResponse, fetch })) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false })
  }
}
