/**
 * Requests and contexts of `@azure/functions` without their price. The package keeps private fields in WeakMaps, six
 * entries a call, which the garbage collector pays for: more than all the rest of a call. These are instances of the
 * package's classes (`instanceof` holds), with the same fields; what only the package can do (`user`, what
 * a later version adds) is asked of a real one, made when that is called for.
 */
import { format } from 'node:util'

export interface RequestInit {
  readonly nativeRequest: Request
  readonly params: Readonly<Record<string, string>>
  /** The query's text after the question mark; empty where there is none. */
  readonly search: string
}

export interface ContextInit {
  readonly invocationId: string
  readonly functionName: string
  readonly options: object
  readonly traceContext: object | undefined
}

export type Class<Init> = new (init: Init) => object
type Members = Record<string, (...given: unknown[]) => unknown>

export function lightRequest(Original: Class<object>): Class<RequestInit> {
  class HttpRequest {
    readonly query: URLSearchParams
    readonly params: Readonly<Record<string, string>>
    readonly #native: Request
    #real: object | null = null

    constructor({ nativeRequest, params, search }: RequestInit) {
      this.#native = nativeRequest
      this.query = search === '' ? new URLSearchParams() : new URLSearchParams(search)
      this.params = params
    }

    get url(): string {
      return this.#native.url
    }

    get method(): string {
      return this.#native.method
    }

    get headers(): Headers {
      return this.#native.headers
    }

    get body(): ReadableStream | null {
      return this.#native.body
    }

    get bodyUsed(): boolean {
      return this.#native.bodyUsed
    }

    async arrayBuffer(): Promise<ArrayBuffer> {
      return this.#native.arrayBuffer()
    }

    async json(): Promise<unknown> {
      return this.#native.json()
    }

    async blob(): Promise<Blob> {
      return this.#native.blob()
    }

    async formData(): Promise<FormData> {
      return this.#native.formData()
    }

    clone(): HttpRequest {
      const { search } = new URL(this.url)
      return new HttpRequest({ nativeRequest: this.#native.clone(), params: this.params, search: search.slice(1) })
    }

    async text(): Promise<string> {
      return this.#native.text()
    }

    static real(light: HttpRequest): object {
      if (light.#real !== null) return light.#real
      const nativeRequest = light.#native
      const { params, url, method } = light
      // Versions before 4.11 make a request of the parts; without a query of ours it takes the URL apart.
      const parts = { nativeRequest, params, url, method, headers: Object.fromEntries(light.headers) }
      light.#real = new Original(light.query.size === 0 ? { ...parts, query: {} } : parts)
      return light.#real
    }
  }
  standIn(HttpRequest, Original, HttpRequest.real)
  return HttpRequest
}

/** What a handler gives to and gets from bindings besides its trigger. */
class Extras {
  readonly #values: Record<string, unknown> = {}

  get(binding: string | { readonly name: string }): unknown {
    return this.#values[typeof binding === 'string' ? binding : binding.name]
  }

  set(binding: string | { readonly name: string }, value: unknown): void {
    this.#values[typeof binding === 'string' ? binding : binding.name] = value
  }
}

export function lightContext(Original: Class<object>): Class<ContextInit> {
  class InvocationContext {
    invocationId: string
    functionName: string
    extraInputs = new Extras()
    extraOutputs = new Extras()
    retryContext: object | undefined = undefined
    traceContext: object | undefined
    triggerMetadata: object | undefined = undefined
    options: object

    constructor({ invocationId, functionName, options, traceContext }: ContextInit) {
      this.invocationId = invocationId
      this.functionName = functionName
      this.traceContext = traceContext
      this.options = { ...options }
    }

    log(...args: unknown[]): void {
      console.log(format(...args))
    }

    trace(...args: unknown[]): void {
      console.log(format(...args))
    }

    debug(...args: unknown[]): void {
      console.log(format(...args))
    }

    info(...args: unknown[]): void {
      console.log(format(...args))
    }

    warn(...args: unknown[]): void {
      console.warn(format(...args))
    }

    error(...args: unknown[]): void {
      console.error(format(...args))
    }

    static real(light: InvocationContext): object {
      return new Original({ ...light, logHandler: (_level: string, ...args: unknown[]) => light.log(...args) })
    }
  }
  standIn(InvocationContext, Original, InvocationContext.real)
  return InvocationContext
}

/** Makes instances of `Light` instances of `Original`, whose members that `Light` has not are those of a real one. */
function standIn<L extends object>(
  Light: { readonly prototype: L },
  Original: Class<object>,
  real: (light: L) => object,
): void {
  for (const [name, { get, value }] of Object.entries(Object.getOwnPropertyDescriptors(Original.prototype))) {
    if (name === 'constructor' || Object.hasOwn(Light.prototype, name)) continue
    if (get !== undefined) {
      const read = function (this: L): unknown {
        return (real(this) as Record<string, unknown>)[name]
      }
      Object.defineProperty(Light.prototype, name, { get: read, configurable: true })
    } else if (typeof value === 'function') {
      const call = function (this: L, ...given: unknown[]): unknown {
        return (real(this) as Members)[name]!(...given)
      }
      Object.defineProperty(Light.prototype, name, { value: call, configurable: true, writable: true })
    }
  }
  Object.setPrototypeOf(Light.prototype, Original.prototype)
  Object.defineProperty(Light.prototype, 'constructor', { value: Original, configurable: true, writable: true })
}
