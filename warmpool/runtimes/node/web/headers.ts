/**
 * The Headers that handlers get and make: plain fields, as the wire has them. Names and values that are plain are dealt
 * with here; with the first that is odd, and with many, Node's own Headers is built behind it and is the truth from then on, so that
 * mistakes throw what they throw elsewhere.
 */
import { standInFor } from './delegate.ts'
import { isName, isTrimmed, QUICK_LIMIT, quickFields } from './fields.ts'
import { nativeWeb } from './native.ts'

type Field = readonly [name: string, value: string]

export class LazyHeaders {
  /** Name and value in turn; a name that came more than once stands here more than once. */
  #fields: string[] = []
  /** What iterators see; null after a change, and where Node's own may have been changed. */
  #sorted: readonly Field[] | null = null
  #native: Headers | null = null

  constructor(init?: ConstructorParameters<typeof globalThis.Headers>[0]) {
    const fields = quickFields(init)
    if (fields === null) this.#native = new (nativeWeb().Headers)(init)
    else this.#fields = fields
  }

  /** Of fields that are known to be plain; they are not copied. */
  static of(fields: string[]): Headers {
    const headers = new LazyHeaders()
    headers.#fields = fields
    return headers as unknown as Headers
  }

  append(...args: [string, string]): void {
    const [name, value] = args
    if (this.#isPlain(name, value)) this.#fields.push(name.toLowerCase(), value)
    else this.native().append(...args)
    this.#sorted = null
  }

  set(...args: [string, string]): void {
    const [name, value] = args
    if (this.#isPlain(name, value)) {
      this.#remove(name.toLowerCase())
      this.#fields.push(name.toLowerCase(), value)
    } else this.native().set(...args)
    this.#sorted = null
  }

  delete(...args: [string]): void {
    if (this.#isPlain(args[0])) this.#remove(args[0].toLowerCase())
    else this.native().delete(...args)
    this.#sorted = null
  }

  get(...args: [string]): string | null {
    if (!this.#isPlain(args[0])) return this.#asNative().get(...args)
    const name = args[0].toLowerCase()
    const fields = this.#fields
    let all: string | null = null
    for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) all = joined(name, all, fields[at + 1]!)
    return all
  }

  has(...args: [string]): boolean {
    if (!this.#isPlain(args[0])) return this.#asNative().has(...args)
    const name = args[0].toLowerCase()
    return this.#fields.some((field, at) => at % 2 === 0 && field === name)
  }

  getSetCookie(): string[] {
    if (this.#native !== null) return this.#native.getSetCookie()
    return this.#fields.filter((_, at) => at % 2 === 1 && this.#fields[at - 1] === 'set-cookie')
  }

  forEach(...args: [(value: string, name: string, headers: Headers) => void, unknown?]): void {
    const [callback, thisArg] = args
    if (typeof callback !== 'function') this.native().forEach(...args)
    for (const [name, value] of this.entries()) callback.call(thisArg, value, name, this as unknown as Headers)
  }

  /** Looks anew at each step: changes while iterating are seen as the native class shows them. */
  *entries(): Generator<[string, string], undefined> {
    for (let at = 0, list = this.#list(); at < list.length; at++) {
      yield [...list[at]!]
      list = this.#list()
    }
  }

  *keys(): Generator<string, undefined> {
    for (const [name] of this.entries()) yield name
  }

  *values(): Generator<string, undefined> {
    for (const [, value] of this.entries()) yield value
  }

  /** The same for whoever only reads. */
  #asNative(): Headers {
    const sorted = this.#sorted
    const native = this.native()
    this.#sorted = sorted
    return native
  }

  /** Node's own Headers with the same fields; made once, and the truth from then on. */
  native(): Headers {
    this.#sorted = null
    if (this.#native === null) {
      this.#native = new (nativeWeb().Headers)()
      const fields = this.#fields
      for (let at = 0; at < fields.length; at += 2) this.#native.append(fields[at]!, fields[at + 1]!)
    }
    return this.#native
  }

  /** Whether it can be dealt with here. */
  #isPlain(name: unknown, value: unknown = ''): boolean {
    const isQuick = this.#native === null && this.#fields.length <= 2 * QUICK_LIMIT
    return isQuick && isName(name) && isTrimmed(value)
  }

  #remove(name: string): void {
    this.#fields = this.#fields.filter((_, at, fields) => fields[at - (at % 2)] !== name)
  }

  /** By name, one entry for each, but for cookies, which cannot be joined. */
  #list(): readonly Field[] {
    this.#sorted ??= this.#native === null ? sortedFields(this.#fields) : [...this.#native]
    return this.#sorted
  }
}
standInFor('Headers', LazyHeaders as unknown as { readonly prototype: { native(): Headers } }, ['native'])
Object.defineProperty(LazyHeaders.prototype, Symbol.iterator, {
  value: LazyHeaders.prototype.entries,
  writable: true,
  configurable: true,
})

function joined(name: string, before: string | null | undefined, value: string): string {
  if (before === null || before === undefined) return value
  return `${before}${name === 'cookie' ? ';' : ','} ${value}`
}

function sortedFields(fields: readonly string[]): readonly Field[] {
  const values = new Map<string, string>()
  const cookies: Field[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!
    const value = fields[at + 1]!
    if (name === 'set-cookie') cookies.push([name, value])
    else values.set(name, joined(name, values.get(name), value))
  }
  return [...values, ...cookies].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}
