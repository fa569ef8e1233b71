/**
 * A response with the methods that Express made common and other platforms took over: `status`, `send`, `json`,
 * `redirect`, `cookie` and the like, without the package.
 */
import { STATUS_CODES } from 'node:http'
import { NodeResponse } from './response.ts'

export interface CookieOptions {
  readonly domain?: string
  readonly encode?: (value: string) => string
  readonly expires?: Date
  readonly httpOnly?: boolean
  readonly maxAge?: number
  readonly path?: string
  readonly sameSite?: boolean | string
  readonly secure?: boolean
}

type HeaderValue = string | number | readonly string[]

/** What `type('html')` stands for; anything else is a type already, or unknown. */
const TYPES: Readonly<Record<string, string>> = {
  bin: 'application/octet-stream',
  css: 'text/css; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  html: 'text/html; charset=utf-8',
  jpg: 'image/jpeg',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json; charset=utf-8',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  text: 'text/plain; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
  xml: 'application/xml',
}

export class HelpedResponse extends NodeResponse {
  locals: Record<string, unknown> = {}

  status(code: number): this {
    this.statusCode = code
    return this
  }

  sendStatus(code: number): this {
    return this.status(code)
      .type('txt')
      .send(STATUS_CODES[code] ?? String(code))
  }

  /** Text, bytes, or what JSON can say. */
  send(body?: unknown): this {
    if (typeof body === 'string') return this.#sendText(body)
    if (body === undefined || body === null) return this.#sendBytes('')
    if (!(body instanceof Uint8Array)) return this.json(body)
    if (!this.hasHeader('content-type')) this.setHeader('content-type', 'application/octet-stream')
    return this.#sendBytes(body)
  }

  json(value?: unknown): this {
    if (!this.hasHeader('content-type')) this.setHeader('content-type', TYPES.json!)
    // JSON has no `undefined`; as with Express, nothing is sent then.
    return this.#sendBytes(JSON.stringify(value) ?? '')
  }

  redirect(...args: [url: string] | [status: number, url: string] | [url: string, status: number]): this {
    const [first, second] = args
    const [status, url] = typeof first === 'number' ? [first, second] : [second ?? 302, first]
    if (typeof status !== 'number' || typeof url !== 'string')
      throw new TypeError(`redirect takes a URL, with or without a status before it, not ${JSON.stringify(args)}`)
    return this.status(status).location(url).type('txt').send(`${STATUS_CODES[status]}. Redirecting to ${url}`)
  }

  location(url: string): this {
    return this.setHeader('location', encodeURI(url).replace(/%25([0-9a-f]{2})/gi, '%$1'))
  }

  set(name: string | Readonly<Record<string, HeaderValue>>, value?: HeaderValue): this {
    if (typeof name === 'string') return this.setHeader(name, value as string)
    for (const [one, its] of Object.entries(name)) this.setHeader(one, its as string)
    return this
  }

  header(name: string | Readonly<Record<string, HeaderValue>>, value?: HeaderValue): this {
    return this.set(name, value)
  }

  get(name: string): number | string | string[] | undefined {
    return this.getHeader(name)
  }

  append(name: string, value: string | readonly string[]): this {
    return this.appendHeader(name, value)
  }

  vary(name: string): this {
    const before = String(this.getHeader('vary') ?? '')
    const isThere = before.split(',').some((one) => one.trim().toLowerCase() === name.toLowerCase())
    return isThere ? this : this.setHeader('vary', before === '' ? name : `${before}, ${name}`)
  }

  type(type: string): this {
    return this.setHeader('content-type', TYPES[type.replace(/^\./, '')] ?? type)
  }

  contentType(type: string): this {
    return this.type(type)
  }

  attachment(name?: string): this {
    const file = name === undefined ? '' : `; filename="${name.replace(/["\\]/g, '\\$&')}"`
    return this.setHeader('content-disposition', `attachment${file}`)
  }

  cookie(name: string, value: unknown, options: CookieOptions = {}): this {
    const text = typeof value === 'object' ? `j:${JSON.stringify(value)}` : String(value)
    return this.appendHeader('set-cookie', cookieText(name, text, options))
  }

  clearCookie(name: string, { maxAge: _, ...options }: CookieOptions = {}): this {
    return this.cookie(name, '', { ...options, expires: new Date(1) })
  }

  #sendText(text: string): this {
    const type = this.getHeader('content-type')
    if (type === undefined) this.setHeader('content-type', TYPES.html!)
    else if (typeof type === 'string' && !type.includes('charset'))
      this.setHeader('content-type', `${type}; charset=utf-8`)
    return this.#sendBytes(text)
  }

  #sendBytes(body: string | Uint8Array): this {
    if (!this.hasHeader('content-length')) this.setHeader('content-length', Buffer.byteLength(body))
    if (this.statusCode !== 204 && this.statusCode !== 304) return this.end(body)
    for (const name of ['content-type', 'content-length']) this.removeHeader(name)
    return this.end()
  }
}

function cookieText(name: string, value: string, options: CookieOptions): string {
  const { encode = encodeURIComponent, maxAge, domain, path = '/', httpOnly, secure, sameSite } = options
  const expires = maxAge === undefined ? options.expires : new Date(Date.now() + maxAge)
  const parts = [`${name}=${encode(value)}`]
  if (maxAge !== undefined) parts.push(`Max-Age=${Math.floor(maxAge / 1000)}`)
  if (domain !== undefined) parts.push(`Domain=${domain}`)
  parts.push(`Path=${path}`)
  if (expires !== undefined) parts.push(`Expires=${expires.toUTCString()}`)
  if (httpOnly === true) parts.push('HttpOnly')
  if (secure === true) parts.push('Secure')
  if (sameSite !== undefined && sameSite !== false)
    parts.push(`SameSite=${sameSite === true ? 'Strict' : capitalized(sameSite)}`)
  return parts.join('; ')
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1).toLowerCase()
}
