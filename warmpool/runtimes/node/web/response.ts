/**
 * The Response that handlers make: it keeps status, headers and body as they were given and hands them to the wire
 * as they are. A text, bytes or stream body with plain headers never touches Node's native Response; everything else
 * builds one behind it. It is what `Response` means in a worker, and `instanceof` says yes to both kinds.
 */
import { NativeResponse, type ResponseBody } from './native.ts'

const TEXT_TYPE = 'text/plain;charset=UTF-8'
const JSON_TYPE = 'application/json'

/** Header names and values that can go on the wire as they are; others get the native class's verdict. */
const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const NULL_BODY_STATUS = new Set([101, 204, 205, 304])

type PlainBody = string | Uint8Array | ReadableStream<Uint8Array> | null

/** What the wire needs of a response. */
export interface OutgoingResponse {
  readonly status: number
  /** Name and value in turn, lower-case names; joined by newlines. */
  readonly head: string
  readonly body: PlainBody
}

export class LazyResponse {
  readonly #body: PlainBody = null
  readonly #status: number = 200
  readonly #statusText: string = ''
  /** Plain headers, valid and with lower-case names. */
  #fields: string[] = []
  #headers: Headers | null = null
  #native: NativeResponse | null = null

  constructor(body?: ResponseBody, init?: ResponseInit) {
    const fields = plainFields(init?.headers)
    const status = init?.status ?? 200
    if (fields === null || !isPlainBody(body) || !isPlainStatus(status, body) || (init?.statusText ?? '') !== '') {
      this.#native = new NativeResponse(body, init)
      return
    }
    this.#body = body instanceof ArrayBuffer ? new Uint8Array(body) : ((body ?? null) as PlainBody)
    this.#status = status
    this.#fields = fields
    if (typeof body === 'string' && !hasContentType(fields)) fields.push('content-type', TEXT_TYPE)
  }

  static json(data: unknown, init?: ResponseInit): Response {
    const body = JSON.stringify(data)
    if (body === undefined) throw new TypeError('Value is not JSON serializable')
    const response = new LazyResponse(body, init)
    if (!response.#isTypeGiven(init)) response.headers.set('content-type', JSON_TYPE)
    return response as unknown as Response
  }

  static redirect(...args: Parameters<typeof NativeResponse.redirect>): Response {
    return NativeResponse.redirect(...args)
  }

  static error(): Response {
    return NativeResponse.error()
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return Function.prototype[Symbol.hasInstance].call(NativeResponse, value)
  }

  get status(): number {
    return this.#native?.status ?? this.#status
  }

  get statusText(): string {
    return this.#native?.statusText ?? this.#statusText
  }

  get ok(): boolean {
    return this.status >= 200 && this.status <= 299
  }

  get headers(): Headers {
    if (this.#native !== null) return this.#native.headers
    if (this.#headers === null) {
      const headers = new Headers()
      for (let at = 0; at < this.#fields.length; at += 2) headers.append(this.#fields[at]!, this.#fields[at + 1]!)
      this.#headers = headers
    }
    return this.#headers
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.native().body
  }

  get bodyUsed(): boolean {
    return this.#native?.bodyUsed ?? false
  }

  get type(): 'default' {
    return 'default'
  }

  get url(): string {
    return ''
  }

  get redirected(): boolean {
    return false
  }

  text(): Promise<string> {
    return this.native().text()
  }

  json(): Promise<unknown> {
    return this.native().json()
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.native().arrayBuffer()
  }

  bytes(): Promise<Uint8Array> {
    return this.native().bytes()
  }

  blob(): Promise<Blob> {
    return this.native().blob()
  }

  formData(): Promise<FormData> {
    return this.native().formData()
  }

  clone(): Response {
    return this.native().clone()
  }

  /** Node's own Response over the same answer; made once, and from then on the answer. */
  native(): NativeResponse {
    if (this.#native === null) {
      const init = { status: this.#status, statusText: this.#statusText, headers: this.headers }
      this.#native = new NativeResponse(this.#body as ResponseBody, init)
    }
    return this.#native
  }

  #isTypeGiven(init: ResponseInit | undefined): boolean {
    const given = init?.headers
    return given !== undefined && new Headers(given).has('content-type')
  }

  static outgoing(response: LazyResponse): OutgoingResponse {
    if (response.#native !== null) return outgoingNative(response.#native)
    const head = response.#headers === null ? response.#fields.join('\n') : headText(response.#headers)
    return { status: response.#status, head, body: response.#body }
  }

  static isLazy(value: object): value is LazyResponse {
    return #fields in value
  }
}
Object.setPrototypeOf(LazyResponse.prototype, NativeResponse.prototype)

/** What to send for whatever a handler returned; null when that is not a response. */
export function toOutgoing(value: unknown): OutgoingResponse | null {
  if (typeof value !== 'object' || value === null) return null
  if (LazyResponse.isLazy(value)) return LazyResponse.outgoing(value)
  // By shape: a response may come from another copy of the class (node-fetch, the undici package).
  const { status, headers } = value as Partial<NativeResponse>
  if (typeof status !== 'number' || typeof headers?.forEach !== 'function') return null
  return outgoingNative(value as NativeResponse)
}

function outgoingNative(response: NativeResponse): OutgoingResponse {
  if (response.bodyUsed || response.body?.locked) throw new TypeError('The body of the response was read already')
  return { status: response.status, head: headText(response.headers), body: response.body }
}

function headText(headers: Headers): string {
  const fields: string[] = []
  headers.forEach((value, name) => {
    fields.push(name, value)
  })
  return fields.join('\n')
}

/** The headers as plain fields, or null when only the native class can judge them. */
function plainFields(given: ResponseInit['headers']): string[] | null {
  const fields: string[] = []
  if (given === undefined) return fields
  if (given instanceof Headers) {
    given.forEach((value, name) => {
      fields.push(name, value)
    })
    return fields
  }
  const entries: Iterable<readonly unknown[]> = Array.isArray(given) ? given : Object.entries(given)
  for (const [name, value] of entries) {
    if (typeof name !== 'string' || typeof value !== 'string' || !NAME.test(name) || !VALUE.test(value)) return null
    fields.push(name.toLowerCase(), value.trim())
  }
  return fields
}

function isPlainBody(body: unknown): boolean {
  return (
    body === undefined ||
    body === null ||
    typeof body === 'string' ||
    body instanceof Uint8Array ||
    body instanceof ArrayBuffer ||
    (body instanceof ReadableStream && !body.locked)
  )
}

function isPlainStatus(status: unknown, body: unknown): boolean {
  const isWhole = Number.isInteger(status) && (status as number) >= 200 && (status as number) <= 599
  return isWhole && (body === undefined || body === null || !NULL_BODY_STATUS.has(status as number))
}

function hasContentType(fields: readonly string[]): boolean {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === 'content-type') return true
  return false
}
