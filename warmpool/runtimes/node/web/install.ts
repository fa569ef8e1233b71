/** Puts the lazy web classes where user code finds them. To be called before any user code is loaded. */
import { NativeRequest, nativeFetch, type RequestInput } from './native.ts'
import { LazyRequest } from './request.ts'
import { LazyResponse } from './response.ts'

const unwrap = (input: unknown): unknown => (isLazyRequest(input) ? input.native() : input)

function isLazyRequest(value: unknown): value is LazyRequest {
  return typeof value === 'object' && value !== null && value.constructor === LazyRequest
}

export function installWebClasses(): void {
  // `new Request(request, init)` and `fetch(request)` look into the native class's private fields.
  const Request = class extends NativeRequest {
    constructor(input: RequestInput, init?: RequestInit) {
      super(unwrap(input) as RequestInput, unwrap(init) as RequestInit)
    }

    static override [Symbol.hasInstance](value: unknown): boolean {
      return Function.prototype[Symbol.hasInstance].call(NativeRequest, value)
    }
  }
  Object.defineProperty(Request, 'name', { value: 'Request' })
  Object.defineProperty(LazyResponse, 'name', { value: 'Response' })
  const replacements = {
    Request,
    Response: LazyResponse,
    fetch: (input: RequestInput, init?: RequestInit) => nativeFetch(unwrap(input) as RequestInput, init),
  }
  for (const [name, value] of Object.entries(replacements)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false })
  }
}
