/** A request as Google's framework hands it over: Express's, with the body parsed by its type and kept as `rawBody`. */
import { isJson, mediaType, parseForm, parseJson, queryOf } from './body-parsing.ts'
import { NodeRequest } from './request.ts'

type Values = Record<string, string | string[]>

export class GoogleRequest extends NodeRequest {
  /** By its type: what JSON and forms say, text, else bytes. An empty object where there is no body. */
  body: unknown = {}
  rawBody: Buffer | undefined = undefined
  params: Record<string, string> = {}
  #query: Values | null = null

  /** Throws UnreadableBody for JSON that is none. */
  parse(bytes: Buffer | null): void {
    if (bytes === null) return
    this.rawBody = bytes
    const type = mediaType(this.headers['content-type'])
    if (isJson(type)) this.body = bytes.length === 0 ? {} : parseJson(bytes.toString())
    else if (type === 'application/x-www-form-urlencoded') this.body = parseForm(bytes.toString())
    else this.body = type === 'text/plain' ? bytes.toString() : bytes
  }

  get query(): Values {
    this.#query ??= queryOf(this.url!)
    return this.#query
  }

  set query(query: Values) {
    this.#query = query
  }

  get path(): string {
    return this.url!.split('?', 1)[0]!
  }

  get originalUrl(): string {
    return this.url!
  }

  get baseUrl(): string {
    return ''
  }

  get hostname(): string {
    const host = this.get('x-forwarded-host') ?? this.headers.host ?? ''
    return host.replace(/:\d+$/, '')
  }

  get protocol(): string {
    return this.secure ? 'https' : 'http'
  }

  get secure(): boolean {
    return (this.socket as unknown as { encrypted: boolean }).encrypted
  }

  get ip(): string | undefined {
    return this.socket.remoteAddress
  }

  get xhr(): boolean {
    return this.get('x-requested-with')?.toLowerCase() === 'xmlhttprequest'
  }

  get(name: string): string | undefined {
    const key = name.toLowerCase()
    // As Express has it, whichever way it is spelled.
    const value = this.headers[key === 'referrer' ? 'referer' : key]
    return Array.isArray(value) ? value.join(', ') : value
  }

  header(name: string): string | undefined {
    return this.get(name)
  }

  /** The type asked for that the body has, else false: `is('json')`, `is('text/*')`. */
  is(...types: readonly string[]): string | false {
    const type = mediaType(this.headers['content-type'])
    const found = types.flat().find((one) => matches(one, type))
    return found === undefined || type === '' ? false : found.includes('*') ? type : found
  }
}

function matches(asked: string, type: string): boolean {
  if (asked === 'json') return isJson(type)
  if (asked === 'urlencoded') return type === 'application/x-www-form-urlencoded'
  if (!asked.includes('/')) return type.endsWith(`/${asked === 'text' ? 'plain' : asked}`)
  return asked.endsWith('/*') ? type.startsWith(asked.slice(0, -1)) : type === asked
}
