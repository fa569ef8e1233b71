/**
 * The `context` of a Netlify function. What it says of its platform (account, deploy, site, where the caller is) is
 * shaped as there and mostly empty here; site comes from the variables that Netlify's builds set, if they are given.
 * What is asked for rarely is made when it is.
 */
import type { Call } from '../call.ts'
import type { Params } from './path-pattern.ts'

export interface Cookie {
  readonly name: string
  readonly value: string
  readonly expires?: Date | number
  readonly maxAge?: number
  readonly domain?: string
  readonly path?: string
  readonly secure?: boolean
  readonly httpOnly?: boolean
  readonly sameSite?: string
  readonly unparsed?: readonly string[]
}

type CookieKey = string | { readonly name: string; readonly domain?: string; readonly path?: string }

const PLATFORM = {
  account: { id: '' },
  deploy: { context: 'production', id: '0', published: true },
  flags: { get: (): undefined => undefined },
  geo: { country: {}, subdivision: {} },
  server: { region: 'local' },
}

export class NetlifyContext {
  readonly params: Params
  readonly #call: Call
  readonly #request: Request
  #cookies: Cookies | null = null

  constructor(call: Call, request: Request, params: Params) {
    this.#call = call
    this.#request = request
    this.params = params
  }

  get account(): object {
    return PLATFORM.account
  }

  get deploy(): object {
    return PLATFORM.deploy
  }

  get flags(): object {
    return PLATFORM.flags
  }

  get geo(): object {
    return PLATFORM.geo
  }

  get server(): object {
    return PLATFORM.server
  }

  get site(): object {
    const { SITE_ID: id, SITE_NAME: name, URL: url } = process.env
    return { id, name, url }
  }

  /** Who called; behind a trusted proxy, whom that named first. */
  get ip(): string {
    return (this.#request.headers.get('x-forwarded-for') ?? '').split(',', 1)[0]!.trim()
  }

  get requestId(): string {
    return this.#call.invocationId
  }

  get url(): URL {
    return new URL(this.#request.url)
  }

  get cookies(): Cookies {
    this.#cookies ??= new Cookies(this.#request.headers.get('cookie') ?? '')
    return this.#cookies
  }

  /** A function of its own, since people take it off the object: `const { waitUntil } = context`. */
  get waitUntil(): (promise: Promise<unknown>) => void {
    return (promise) => this.#call.waitUntil(promise)
  }

  get json(): typeof Response.json {
    return Response.json
  }

  get log(): typeof console.log {
    return console.log
  }

  next(): never {
    throw new Error('`context.next` exists in edge functions only')
  }

  async rewrite(url: string | URL): Promise<Response> {
    return fetch(new URL(url, this.#request.url))
  }

  /** What was returned, with the cookies that were set meanwhile; nothing returned is an empty answer. */
  finished(returned: unknown): unknown {
    const response = returned === undefined ? new Response(null, { status: 204 }) : returned
    if (this.#cookies === null || !(response instanceof Response)) return response
    return this.#cookies.addTo(response)
  }
}

class Cookies {
  readonly #sent: string
  readonly #lines: string[] = []

  constructor(sent: string) {
    this.#sent = sent
  }

  get(name: string): string | undefined {
    for (const pair of this.#sent.split(';')) {
      const at = pair.indexOf('=')
      if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
    }
    return undefined
  }

  set(cookie: Cookie | string, value = ''): void {
    this.#lines.push(setCookieLine(typeof cookie === 'string' ? { name: cookie, value } : cookie))
  }

  delete(cookie: CookieKey): void {
    const key = typeof cookie === 'string' ? { name: cookie } : cookie
    this.#lines.push(setCookieLine({ ...key, value: '', expires: 0 }))
  }

  addTo(response: Response): Response {
    if (this.#lines.length === 0) return response
    // What was fetched has headers that cannot be changed.
    const changed = new Response(response.body, response)
    for (const line of this.#lines) changed.headers.append('set-cookie', line)
    return changed
  }
}

function setCookieLine(cookie: Cookie): string {
  const { name, value, expires, maxAge, domain, path, secure, httpOnly, sameSite, unparsed = [] } = cookie
  const parts = [`${name}=${value}`]
  if (secure) parts.push('Secure')
  if (httpOnly) parts.push('HttpOnly')
  if (maxAge !== undefined) parts.push(`Max-Age=${maxAge}`)
  if (domain !== undefined) parts.push(`Domain=${domain}`)
  if (sameSite !== undefined) parts.push(`SameSite=${sameSite}`)
  if (path !== undefined) parts.push(`Path=${path}`)
  if (expires !== undefined) parts.push(`Expires=${new Date(expires).toUTCString()}`)
  return [...parts, ...unparsed].join('; ')
}
