/**
 * The Response that handlers make: it keeps status, headers and body as they were given and hands them to the wire
 * as they are. A text, bytes or stream body never touches Node's native Response; a blob, a form and the like build one
 * behind it. It is what `Response` means in a worker, and `instanceof` says yes to both kinds.
 */
import { types } from 'node:util'
import {
  type ByteStream,
  type Content,
  collect,
  isRead,
  isReadable,
  isStream,
  ownBytes,
  shortcut,
  spentStream,
  streamOf,
  toText,
  unusable,
} from './body.ts'
import { standInFor } from './delegate.ts'
import { beliedBy, CONTENT_LENGTH, NONE, outdatedInCopy } from './fetched.ts'
import { copyHeaders, hasField, headText, quickFields, withoutFields } from './fields.ts'
import { LazyHeaders } from './headers.ts'
import { type NativeResponse, nativeWeb, type ResponseBody } from './native.ts'
import { alreadyRead, looksLikeResponse, type OutgoingResponse, outgoingNative } from './outgoing.ts'

export type { OutgoingResponse }

const TEXT_TYPE = 'text/plain;charset=UTF-8'
const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded;charset=UTF-8'
const REASON = /^[\t\x20-\x7e\x80-\xff]*$/
const NULL_BODY_STATUS = new Set([204, 205, 304])

export class LazyResponse {
  #status = 200
  #statusText = ''
  /** Headers as they were given (replaced, never changed, once it is made), until somebody asks for the object; that is then the truth. */
  #fields: string[] = []
  #headers: Headers | null = null
  /** The body where it lies here whole. */
  #content: Content | null = null
  /** The body as a stream: given as one, or asked for. */
  #stream: ByteStream | null = null
  #isUsed = false
  /** From when it is there, what holds the body. */
  #native: NativeResponse | null = null
  /** Of a body that the native one holds, where it is known. */
  #length: number | null = null

  constructor(body?: ResponseBody, init?: ResponseInit) {
    this.#fill(body, init, TEXT_TYPE)
  }

  static json(data: unknown, init?: ResponseInit): Response {
    const body = JSON.stringify(data)
    if (body === undefined) throw new TypeError('Value is not JSON serializable')
    const response = new LazyResponse()
    response.#fill(body, init, JSON_TYPE)
    return response as unknown as Response
  }

  static redirect(...args: Parameters<typeof globalThis.Response.redirect>): Response {
    return nativeWeb().Response.redirect(...args)
  }

  static error(): Response {
    return nativeWeb().Response.error()
  }

  get status(): number {
    return this.#status
  }

  get statusText(): string {
    return this.#statusText
  }

  get ok(): boolean {
    return this.#status >= 200 && this.#status <= 299
  }

  get headers(): Headers {
    this.#headers ??= LazyHeaders.of([...this.#fields])
    return this.#headers
  }

  get body(): ByteStream | null {
    if (this.#native !== null) return this.#native.body
    if (this.#stream === null && this.#content !== null) {
      this.#stream = this.#isUsed ? spentStream() : streamOf(this.#content)
    }
    return this.#stream
  }

  get bodyUsed(): boolean {
    if (this.#native !== null) return this.#native.bodyUsed
    return this.#isUsed || (this.#stream !== null && isRead(this.#stream))
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

  async text(): Promise<string> {
    return this.#native === null ? toText(await this.#read()) : this.native().text()
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer as ArrayBuffer
  }

  async bytes(): Promise<Uint8Array> {
    return this.#native === null ? ownBytes(await this.#read()) : this.native().bytes()
  }

  async blob(): Promise<Blob> {
    return this.native().blob()
  }

  async formData(): Promise<FormData> {
    return this.native().formData()
  }

  clone(): Response {
    if (this.#native !== null || this.#stream !== null || this.#isUsed) return this.native().clone()
    const copy = new LazyResponse()
    copy.#status = this.#status
    copy.#statusText = this.#statusText
    copy.#content = this.#content
    if (this.#headers === null) copy.#fields = this.#fields
    else copy.#headers = new LazyHeaders(this.#headers) as unknown as Headers
    return copy as unknown as Response
  }

  /** Node's own Response over the same answer; made once, and from then on it holds the body. */
  native(): NativeResponse {
    if (this.#native === null) {
      if (this.#isUsed) throw unusable()
      // As bytes, since for a text it would add a content type that the author may have taken off.
      const body = this.#stream ?? (this.#content === null ? null : ownBytes(this.#content))
      const init = { status: this.#status, statusText: this.#statusText, headers: this.headers }
      this.#native = new (nativeWeb().Response)(body, init)
    } else {
      copyHeaders(this.headers, this.#native.headers)
    }
    return this.#native
  }

  #fill(body: ResponseBody | undefined, init: ResponseInit | undefined, textType: string): void {
    if (init !== undefined && init !== null) {
      this.#fillHead(init)
      this.#drop(outdatedInCopy(body, init, (init as unknown) instanceof LazyResponse))
    }
    if (body === undefined || body === null) return
    if (NULL_BODY_STATUS.has(this.#status)) throw new TypeError(`Invalid response status code ${this.#status}`)
    if (typeof body === 'string') {
      this.#content = body
      this.#implyType(textType)
    } else if (body instanceof URLSearchParams) {
      this.#content = body.toString()
      this.#implyType(FORM_TYPE)
    } else if (types.isUint8Array(body) || types.isArrayBuffer(body)) {
      // A copy, as the native class makes one: the memory may be used for the next call before this has left.
      this.#content = new Uint8Array(body instanceof ArrayBuffer ? body.slice(0) : body)
    } else if (body instanceof ReadableStream) {
      if (!isReadable(body)) throw new TypeError('Response body object should not be disturbed or locked')
      this.#stream = body
    } else {
      this.#fillNative(body)
    }
  }

  #fillHead(init: ResponseInit): void {
    const { status, statusText, headers } = init
    const isPlain =
      typeof init === 'object' &&
      (status === undefined || (Number.isInteger(status) && status >= 200 && status <= 599)) &&
      (statusText === undefined || (typeof statusText === 'string' && REASON.test(statusText)))
    // The native class throws what is due, or reads what it can: '404' is a status for it.
    const judged = isPlain ? { status, statusText } : new (nativeWeb().Response)(null, init)
    this.#status = judged.status ?? 200
    this.#statusText = judged.statusText ?? ''
    const fields = quickFields(headers)
    if (fields === null) this.#headers = new LazyHeaders(headers) as unknown as Headers
    else this.#fields = fields
  }

  /** A blob, a form, an async iterable and whatever else the native class takes for a body. */
  #fillNative(body: ResponseBody): void {
    const { status, statusText, headers } = this
    this.#native = new (nativeWeb().Response)(body, { status, statusText, headers })
    this.#headers = this.#native.headers
    if (body instanceof Blob) this.#length = body.size
  }

  #drop(names: readonly string[]): void {
    if (names.length === 0) return
    if (this.#headers === null) this.#fields = withoutFields(this.#fields, names)
    else for (const name of names) this.#headers.delete(name)
  }

  #implyType(type: string): void {
    if (this.#headers === null) {
      if (!hasField(this.#fields, 'content-type')) this.#fields.push('content-type', type)
    } else if (!this.#headers.has('content-type')) {
      this.#headers.append('content-type', type)
    }
  }

  async #read(): Promise<Content> {
    if (this.#isUsed) throw unusable()
    if (this.#stream !== null) return collect(this.#stream)
    if (this.#content === null) return ''
    this.#isUsed = true
    return this.#content
  }

  static outgoing(response: LazyResponse): OutgoingResponse {
    const stream = response.#stream
    if (response.#native !== null) return response.#outgoingNative(response.#native)
    if (response.#isUsed || (stream !== null && !isReadable(stream))) throw alreadyRead()
    const body = response.#content ?? (stream === null ? null : shortcut(stream))
    const belied = body === null || isStream(body) ? NONE : beliedBy(body, response.#headers ?? response.#fields)
    const head =
      response.#headers === null
        ? withoutFields(response.#fields, belied).join('\n')
        : headText(response.#headers, belied)
    return { status: response.#status, head, body }
  }

  #outgoingNative(native: NativeResponse): OutgoingResponse {
    const { status, body } = outgoingNative(native)
    const length = this.#length
    if (length === null) return { status, head: headText(this.headers), body }
    const isBelied = this.headers.get('content-length') !== String(length)
    return { status, head: headText(this.headers, isBelied ? CONTENT_LENGTH : NONE), body, length }
  }

  static isLazy(value: object): value is LazyResponse {
    return #fields in value
  }
}
standInFor('Response', LazyResponse as unknown as { readonly prototype: { native(): NativeResponse } }, ['native'])

/**
 * What to send for whatever a handler returned; null when that is not a response. Throws TypeError for a response that
 * cannot be sent: its body was read, or its head is none.
 */
export function toOutgoing(value: unknown): OutgoingResponse | null {
  if (typeof value !== 'object' || value === null) return null
  if (LazyResponse.isLazy(value)) return LazyResponse.outgoing(value)
  return looksLikeResponse(value) ? outgoingNative(value) : null
}
