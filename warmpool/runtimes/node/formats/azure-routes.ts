/**
 * Routes as Azure Functions writes them: `products/{category:alpha}/{id:int?}`, `files/{*rest}`. Letters' case does not
 * count in literal parts. Where more than one fits, the one that says more wins: literal parts over constrained ones,
 * those over any, a catch-all last.
 */

export interface AzureRoute<T> {
  readonly template: string
  /** Upper case. */
  readonly methods: readonly string[]
  readonly target: T
}

export interface FoundRoute<T> {
  readonly target: T
  readonly params: Readonly<Record<string, string>>
}

interface Compiled<T> extends AzureRoute<T> {
  readonly pattern: RegExp
  readonly parts: readonly Part[]
  readonly rank: string
}

interface Part {
  readonly name: string
  readonly fallback: string | null
  readonly constraints: readonly ((value: string) => boolean)[]
}

const PARAMETER = /\{(\*{0,2})([^:=?}]+)((?::[^:(=?}]+(?:\((?:[^()]|\([^()]*\))*\))?)*)(=[^}?]*)?(\?)?\}/g
const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze({})

export class AzureRoutes<T> {
  readonly #routes: readonly Compiled<T>[]
  /** Paths that were found to have no parameters anywhere, by their lower-case text. */
  readonly #literal = new Map<string, Compiled<T>[]>()

  /** Throws TypeError for a template that cannot be read. */
  constructor(routes: readonly AzureRoute<T>[]) {
    this.#routes = routes.map(compile).sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0))
    for (const route of this.#routes) {
      if (route.parts.length > 0) continue
      const path = `/${route.template}`.toLowerCase()
      this.#literal.set(path, [...(this.#literal.get(path) ?? []), route])
    }
  }

  /** A route, or the methods that the path has routes for: none if it is nobody's. `path` begins with a slash. */
  find(method: string, path: string): FoundRoute<T> | readonly string[] {
    const trimmed = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
    const literal = this.#literal.get(trimmed) ?? this.#literal.get(trimmed.toLowerCase())
    for (const route of literal ?? []) if (allows(route, method)) return { target: route.target, params: NO_PARAMS }
    const others = new Set<string>()
    for (const route of this.#routes) {
      const params = paramsOf(route, trimmed)
      if (params === null) continue
      if (allows(route, method)) return { target: route.target, params }
      for (const one of route.methods) others.add(one)
    }
    return [...others]
  }
}

function allows({ methods }: AzureRoute<unknown>, method: string): boolean {
  return methods.includes(method) || (method === 'HEAD' && methods.includes('GET'))
}

function paramsOf({ pattern, parts }: Compiled<unknown>, path: string): Record<string, string> | null {
  const found = pattern.exec(path)
  if (found === null) return null
  const params: Record<string, string> = {}
  for (const [at, { name, fallback, constraints }] of parts.entries()) {
    const raw = found[at + 1]
    const value = raw === undefined || raw === '' ? fallback : decoded(raw)
    if (value === null) continue
    if (!constraints.every((fits) => fits(value))) return null
    params[name] = value
  }
  return params
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function compile<T>(route: AzureRoute<T>): Compiled<T> {
  const template = route.template.replace(/^\/|\/$/g, '')
  const parts: Part[] = []
  let source = ''
  let rank = ''
  for (const segment of template === '' ? [] : template.split('/')) {
    const [piece, kind] = compileSegment(segment, parts, route.template)
    source += piece
    rank += kind
  }
  return { ...route, template, pattern: new RegExp(`^${source === '' ? '/' : source}$`, 'i'), parts, rank }
}

/** The pattern of a segment with the slash before it, and how much it says: 0 literal … 4 catch-all. */
function compileSegment(segment: string, parts: Part[], template: string): [source: string, kind: number] {
  const found = [...segment.matchAll(PARAMETER)]
  if (found.length === 0) {
    if (/[{}]/.test(segment)) throw new TypeError(`The route "${template}" has a bracket that is not closed`)
    return [`/${escaped(segment)}`, 0]
  }
  let at = 0
  let source = ''
  for (const match of found) {
    const [all, stars, name, constraints, fallback, optional] = match
    const isWhole = all === segment
    source += escaped(segment.slice(at, match.index))
    source += stars === '' ? (isWhole ? '([^/]+)' : '([^/]+?)') : '(.*)'
    at = match.index + all.length
    parts.push({
      name: name!,
      fallback: fallback === undefined ? null : fallback.slice(1),
      constraints: (constraints ?? '')
        .split(/:(?![^(]*\))/)
        .slice(1)
        .map((one) => constraint(one, template)),
    })
    const isOptional = optional !== undefined || fallback !== undefined
    if (isWhole && stars !== '') return ['(?:/(.*))?', 4]
    if (isWhole) return [isOptional ? `(?:/${source})?` : `/${source}`, constraints === '' ? 3 : 2]
  }
  return [`/${source}${escaped(segment.slice(at))}`, 1]
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

const SIMPLE: Readonly<Record<string, RegExp>> = {
  int: /^-?\d{1,10}$/,
  long: /^-?\d{1,19}$/,
  bool: /^(?:true|false)$/i,
  alpha: /^[a-z]*$/i,
  decimal: /^-?\d+(?:\.\d+)?$/,
  double: /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i,
  float: /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i,
  guid: /^\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$/i,
}

function constraint(text: string, template: string): (value: string) => boolean {
  const [, name = '', given = ''] = /^(\w+)(?:\(([\s\S]*)\))?$/.exec(text) ?? []
  const simple = SIMPLE[name]
  if (simple !== undefined) return (value) => simple.test(value)
  const numbers = given.split(',').map(Number)
  const [first = 0, second = first] = numbers
  switch (name) {
    case 'required':
      return (value) => value !== ''
    case 'datetime':
      return (value) => !Number.isNaN(Date.parse(value))
    case 'regex': {
      const pattern = new RegExp(given, 'i')
      return (value) => pattern.test(value)
    }
    case 'minlength':
      return (value) => value.length >= first
    case 'maxlength':
      return (value) => value.length <= first
    case 'length':
      return (value) => value.length >= first && value.length <= second
    case 'min':
      return (value) => Number(value) >= first
    case 'max':
      return (value) => Number(value) <= first
    case 'range':
      return (value) => Number(value) >= first && Number(value) <= second
    default:
      throw new TypeError(`The route "${template}" has the constraint "${text}", which there is not`)
  }
}
