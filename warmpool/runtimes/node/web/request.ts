/**
 * The Request that handlers get: it holds the head as the text it came as and takes it apart when asked. Reading the
 * head and reading the body as text, JSON or bytes never touch Node's native Request; cloning, forms, blobs and handing
 * it to `fetch` build one behind it, from then on the only reader of the body.
 */
import type { IncomingBody } from '../incoming-body.ts'
import { type ByteStream, collect, givenBytes, isRead, ownBytes, spentStream, toText, unusable } from './body.ts'
import { standInFor } from './delegate.ts'
import { copyHeaders } from './fields.ts'
import { LazyHeaders } from './headers.ts'
import { type NativeRequest, nativeWeb } from './native.ts'
import { parsableUrl, requestUrl } from './request-url.ts'

/** The head's lines: invocation id, method, target, then name and value in turn. */
const FIRST_HEADER_LINE = 3

/** Where the head comes from; both are asked only when a handler asks. */
export interface RequestSource {
  readonly lines: readonly string[]
  readonly signal: AbortSignal
}

export class LazyRequest {
  readonly #source: RequestSource
  readonly #isSecure: boolean
  readonly #body: IncomingBody
  #url: string | null = null
  /** Made when asked for; from then on the truth, as handlers may change it. */
  #headers: Headers | null = null
  #stream: ByteStream | null = null
  #isUsed = false
  /** From when it is there, what holds the body. */
  #native: NativeRequest | null = null

  constructor(source: RequestSource, isSecure: boolean, body: IncomingBody) {
    this.#source = source
    this.#isSecure = isSecure
    this.#body = body
  }

  get method(): string {
    return this.#source.lines[1]!
  }

  get url(): string {
    this.#url ??= requestUrl(this.#source.lines[2]!, this.#line('host'), this.#isSecure)
    return this.#url
  }

  get headers(): Headers {
    if (this.#headers === null) {
      const headers = new LazyHeaders() as unknown as Headers
      const lines = this.#source.lines
      for (let at = FIRST_HEADER_LINE; at + 1 < lines.length; at += 2) headers.append(lines[at]!, lines[at + 1]!)
      this.#headers = headers
    }
    return this.#headers
  }

  /** What Cloudflare tells of a connection, as far as it is known here. */
  get cf(): Record<string, unknown> {
    return { httpProtocol: 'HTTP/1.1', clientAcceptEncoding: this.#line('accept-encoding'), requestPriority: '' }
  }

  get signal(): AbortSignal {
    return this.#source.signal
  }

  get body(): ByteStream | null {
    if (this.#native !== null) return this.#native.body
    if (!this.#hasBody()) return null
    this.#stream ??= this.#isUsed ? spentStream() : this.#body.stream()
    return this.#stream
  }

  get bodyUsed(): boolean {
    if (this.#native !== null) return this.#native.bodyUsed
    return this.#isUsed || (this.#stream !== null && isRead(this.#stream))
  }

  async text(): Promise<string> {
    return this.#native === null ? toText(await this.#read()) : this.#native.text()
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer as ArrayBuffer
  }

  async bytes(): Promise<Uint8Array> {
    return this.#native === null ? givenBytes(await this.#read()) : this.#native.bytes()
  }

  async blob(): Promise<Blob> {
    return this.native().blob()
  }

  async formData(): Promise<FormData> {
    return this.native().formData()
  }

  clone(): NativeRequest {
    return withUrl(this.native().clone(), this.url)
  }

  /** Node's own Request over the same call; made once. Throws TypeError when the body was read without it. */
  native(): NativeRequest {
    if (this.#native === null) {
      if (this.bodyUsed) throw unusable()
      this.#native = this.#build(this.#wholeBody() ?? this.body)
    } else {
      copyHeaders(this.headers, this.#native.headers)
    }
    return this.#native
  }

  /** Node's own Request with the same head and no body; for whoever brings another body, so ours may have been read. */
  nativeHead(): NativeRequest {
    return this.#build(null)
  }

  static isLazy(value: unknown): value is LazyRequest {
    return typeof value === 'object' && value !== null && #source in value
  }

  #build(body: ByteStream | Uint8Array<ArrayBuffer> | null): NativeRequest {
    const { method, headers, signal } = this
    const bodyInit = body === null ? {} : { body, duplex: 'half' as const }
    return withUrl(new (nativeWeb().Request)(parsableUrl(this.url), { method, headers, signal, ...bodyInit }), this.url)
  }

  /** The body in one piece, if it lies here so and no stream was made of it. */
  #wholeBody(): Uint8Array<ArrayBuffer> | null {
    const isHere = this.#stream === null && this.#hasBody() && this.#body.isWhole
    return isHere ? ownBytes(this.#body.takeToRead()) : null
  }

  /** The same at any time in the call's life: as Node has it, a body that was announced as empty is none. */
  #hasBody(): boolean {
    const { method } = this
    return method !== 'GET' && method !== 'HEAD' && !this.#body.isAbsent
  }

  async #read(): Promise<Uint8Array | string> {
    if (!this.#hasBody()) return ''
    if (this.#isUsed) throw unusable()
    if (this.#stream !== null) return collect(this.#stream)
    this.#isUsed = true
    return this.#body.isWhole ? this.#body.takeWhole() : this.#body.collect(Number(this.#line('content-length')))
  }

  /** A header that comes once at most, without making all of them; '' when it is not there. */
  #line(name: string): string {
    const lines = this.#source.lines
    for (let at = FIRST_HEADER_LINE; at + 1 < lines.length; at += 2) if (lines[at] === name) return lines[at + 1]!
    return ''
  }
}

/** A native request cannot be made of a URL whose host is legal in HTTP only. */
function withUrl(native: NativeRequest, url: string): NativeRequest {
  if (native.url !== url) Object.defineProperty(native, 'url', { value: url })
  return native
}

/** What a fresh native Request would say of a server's request. */
const CONSTANTS: Record<string, unknown> = {
  cache: 'default',
  credentials: 'same-origin',
  destination: '',
  duplex: 'half',
  integrity: '',
  isHistoryNavigation: false,
  isReloadNavigation: false,
  keepalive: false,
  mode: 'cors',
  redirect: 'follow',
  referrer: 'about:client',
  referrerPolicy: '',
}
for (const [name, value] of Object.entries(CONSTANTS)) {
  Object.defineProperty(LazyRequest.prototype, name, { get: () => value, configurable: true })
}
standInFor('Request', LazyRequest as unknown as { readonly prototype: { native(): NativeRequest } }, [
  'native',
  'nativeHead',
])
