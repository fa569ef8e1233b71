/**
 * The Request that handlers get: it holds the head as the text it came as and takes it apart when asked. `url`,
 * `method` and reading a body that came whole never touch Node's native Request; cloning, forms, blobs and handing it
 * to `fetch` build one behind it, from then on the only reader of the body.
 */
import type { IncomingBody } from '../incoming-body.ts'
import { NativeRequest } from './native.ts'

/** The head's lines: invocation id, method, target, then name and value in turn. */
const FIRST_HEADER_LINE = 3

const WITHOUT_BODY = new Set(['GET', 'HEAD'])

export class LazyRequest {
  readonly #lines: string[]
  readonly #isSecure: boolean
  readonly #body: IncomingBody
  readonly #getSignal: () => AbortSignal
  #url: string | null = null
  #headers: Headers | null = null
  #stream: ReadableStream<Uint8Array> | null = null
  #native: NativeRequest | null = null
  #isUsed = false

  constructor(lines: string[], isSecure: boolean, body: IncomingBody, getSignal: () => AbortSignal) {
    this.#lines = lines
    this.#isSecure = isSecure
    this.#body = body
    this.#getSignal = getSignal
  }

  get method(): string {
    return this.#lines[1]!
  }

  get url(): string {
    this.#url ??= absoluteUrl(this.#lines[2]!, this.#host(), this.#isSecure)
    return this.#url
  }

  get headers(): Headers {
    if (this.#headers === null) {
      const headers = new Headers()
      const lines = this.#lines
      for (let at = FIRST_HEADER_LINE; at + 1 < lines.length; at += 2) headers.append(lines[at]!, lines[at + 1]!)
      this.#headers = headers
    }
    return this.#headers
  }

  get signal(): AbortSignal {
    return this.#getSignal()
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (this.#native !== null) return this.#native.body
    if (!this.#hasBody()) return null
    this.#stream ??= this.#body.stream()
    return this.#stream
  }

  get bodyUsed(): boolean {
    return this.#isUsed || (this.#native?.bodyUsed ?? this.#stream?.locked ?? false)
  }

  async text(): Promise<string> {
    return this.#isPlain() ? stripMark((await this.#collect()).toString('utf8')) : this.native().text()
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    if (!this.#isPlain()) return this.native().arrayBuffer()
    const bytes = await this.#collect()
    const isAlone = bytes.byteLength === bytes.buffer.byteLength
    return (
      isAlone ? bytes.buffer : bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
    ) as ArrayBuffer
  }

  async bytes(): Promise<Uint8Array> {
    return new Uint8Array(await this.arrayBuffer())
  }

  blob(): Promise<Blob> {
    return this.native().blob()
  }

  formData(): Promise<FormData> {
    return this.native().formData()
  }

  clone(): Request {
    return this.native().clone()
  }

  /** Node's own Request over the same call; made once. */
  native(): NativeRequest {
    if (this.#native === null) {
      const { method } = this
      const body = this.#isUsed ? null : this.body
      this.#native = new NativeRequest(this.url, {
        method,
        headers: this.headers,
        signal: this.signal,
        ...(body === null ? {} : { body, duplex: 'half' as const }),
      })
    }
    return this.#native
  }

  #hasBody(): boolean {
    return !WITHOUT_BODY.has(this.method) && (this.#isUsed || !this.#body.isWhole || !this.#body.isEmpty)
  }

  /** The body can be read without a native Request: nobody has begun to read it another way. */
  #isPlain(): boolean {
    return this.#native === null && this.#stream === null
  }

  async #collect(): Promise<Buffer> {
    if (this.#isUsed) throw new TypeError('Body is unusable: Body has already been read')
    this.#isUsed = true
    return this.#body.isWhole ? this.#body.takeWhole() : this.#body.collect()
  }

  #host(): string {
    const lines = this.#lines
    for (let at = FIRST_HEADER_LINE; at + 1 < lines.length; at += 2) if (lines[at] === 'host') return lines[at + 1]!
    return 'localhost'
  }
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
  Object.defineProperty(LazyRequest.prototype, name, { get: () => value, enumerable: true, configurable: true })
}
Object.setPrototypeOf(LazyRequest.prototype, NativeRequest.prototype)

function absoluteUrl(target: string, host: string, isSecure: boolean): string {
  const url = `${isSecure ? 'https' : 'http'}://${host}${target}`
  // The same normal form that a native Request shows; most targets are in it already.
  return PLAIN_TARGET.test(target) ? url : new URL(url).href
}

const PLAIN_TARGET =
  /^\/(?:[A-Za-z0-9_~!$&()*+,;=:@%-]|\.[A-Za-z0-9_~-]|\/(?![./]))*(?:\?[A-Za-z0-9_~!$&()*+,;=:@%/?.-]*)?$/

function stripMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}
