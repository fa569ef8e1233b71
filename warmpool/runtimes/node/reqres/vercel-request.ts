/** A request with the helpers of Vercel's Node.js runtime: `query`, `cookies` and `body`, each read when asked for. */
import { isJson, mediaType, parseForm, parseJson, queryOf } from './body-parsing.ts'
import { cookiesIn } from './cookies.ts'
import { NodeRequest } from './request.ts'

type Values = Readonly<Record<string, string | string[]>>

const UNREAD = Symbol('unread')

export class VercelRequest extends NodeRequest {
  #bytes: Buffer | null = null
  #params: Values = {}
  #body: unknown = UNREAD
  #query: Values | null = null
  #cookies: Record<string, string> | null = null

  /** `bytes`: the whole body. `params`: what the path says, which wins over the query. */
  setCall(bytes: Buffer | null, params: Values): void {
    this.#bytes = bytes
    this.#params = params
  }

  get query(): Values {
    this.#query ??= { ...queryOf(this.url!), ...this.#params }
    return this.#query
  }

  set query(query: Values) {
    this.#query = query
  }

  get cookies(): Record<string, string> {
    this.#cookies ??= cookiesIn(this.headers.cookie ?? '')
    return this.#cookies
  }

  set cookies(cookies: Record<string, string>) {
    this.#cookies = cookies
  }

  /** Throws for JSON that is none; of a handler that does not catch it, the caller gets 400. */
  get body(): unknown {
    if (this.#body === UNREAD) this.#body = this.#bytes === null ? undefined : this.#parse(this.#bytes)
    return this.#body
  }

  set body(body: unknown) {
    this.#body = body
  }

  #parse(bytes: Buffer): unknown {
    const type = mediaType(this.headers['content-type'])
    if (isJson(type)) return bytes.length === 0 ? {} : parseJson(bytes.toString())
    if (type === 'application/octet-stream') return bytes
    if (type === 'application/x-www-form-urlencoded') return parseForm(bytes.toString())
    return type === 'text/plain' ? bytes.toString() : undefined
  }
}
