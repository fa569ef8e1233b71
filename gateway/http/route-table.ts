/**
 * Which function an address belongs to, or which preview of one. Explicit routes win over the default mounts `/<name>` and `/<name>/*`; among
 * them one with a host over one without, an exact path over one with parameters, and that over a wildcard, the longer
 * first. A table is immutable: a new deployment makes a new one, and requests under way keep theirs.
 */

import { normalTarget } from './target-path.ts'

export interface RouteRule {
  /** `/exact`, `/users/:id` or `/api/*`. */
  readonly path: string
  /** `example.com` or `*.example.com`, in any case and with or without a dot at the end; null for every host. */
  readonly host: string | null
  readonly function: string
  /** Takes a wildcard's fixed part off the path that the function sees. */
  readonly stripPrefix: boolean
  /** What begins with any function's name is that function's, though the path matches. */
  readonly yieldsToNames?: boolean
}

export interface Match {
  readonly function: string
  /** Path and query as the function sees them. */
  readonly target: string
  /** What was taken off the front of the path; empty when nothing was. */
  readonly prefix: string
}

interface Compiled {
  readonly rule: RouteRule
  /** In lower case, without a dot at its end. */
  readonly host: string | null
  readonly segments: readonly string[]
  readonly isWildcard: boolean
  readonly rank: number
  /** Its place among all, the one that is tried first at 0. */
  at: number
}

const NETLIFY_PREFIX = '/.netlify/functions/'

export class RouteTable {
  readonly #rules: readonly Compiled[]
  /** Thousands of routes are looked through by what they begin with: those without a parameter or wildcard by all of it. */
  readonly #byPath = new Map<string, Compiled[]>()
  readonly #byFirstSegment = new Map<string, Compiled[]>()
  readonly #ofAnySegment: Compiled[] = []
  readonly #names: ReadonlySet<string>
  readonly #previewed: (name: string) => boolean

  /** `previewed`: whether `hello@something` is a preview of the function `hello`. */
  constructor(
    rules: readonly RouteRule[],
    functionNames: Iterable<string>,
    previewed: (name: string) => boolean = () => false,
  ) {
    this.#previewed = previewed
    this.#rules = rules.map(compile).sort((a, b) => b.rank - a.rank)
    this.#names = new Set(functionNames)
    for (const [at, compiled] of this.#rules.entries()) this.#add(compiled, at)
  }

  /** `host` without a port, lower-case; `target` is a path in its normal form, with or without a query. */
  find(host: string, target: string): Match | null {
    const queryAt = target.indexOf('?')
    const path = queryAt < 0 ? target : target.slice(0, queryAt)
    const slashAt = path.indexOf('/', 1)
    const name = slashAt < 0 ? path.slice(1) : path.slice(1, slashAt)
    const ofNetlify = name === '.netlify' ? this.#ofNetlify(target, path) : null
    const isNamed = ofNetlify !== null || this.#names.has(name) || (name.includes('@') && this.#previewed(name))
    if (this.#rules.length > 0) {
      const rule = this.#findRule(withoutLastDot(host), path, isNamed)
      if (rule !== null) return matched(rule, target, path)
    }
    if (ofNetlify !== null) return ofNetlify
    if (!isNamed) return null
    const prefix = `/${name}`
    return { function: name, target: stripped(target, prefix), prefix }
  }

  #add(compiled: Compiled, at: number): void {
    compiled.at = at
    const { segments, isWildcard } = compiled
    const [, second] = segments
    if (!isWildcard && !segments.some((segment) => segment.startsWith(':')))
      addTo(this.#byPath, segments.join('/'), compiled)
    else if (second === undefined || second.startsWith(':')) this.#ofAnySegment.push(compiled)
    else addTo(this.#byFirstSegment, second, compiled)
  }

  /** The patterns under which a function answers, for people. */
  routesOf(name: string): string[] {
    const explicit = this.#rules
      .filter(({ rule }) => rule.function === name)
      .map(({ rule }) => `${rule.host ?? ''}${rule.path}`)
    return this.#names.has(name) ? [...explicit, `/${name}`, `/${name}/*`] : explicit
  }

  /** As Netlify calls every function of a site, whatever else leads to it. The function sees the whole path, as there. */
  #ofNetlify(target: string, path: string): Match | null {
    if (!path.startsWith(NETLIFY_PREFIX)) return null
    const [name = ''] = path.slice(NETLIFY_PREFIX.length).split('/', 1)
    return this.#names.has(name) ? { function: name, target, prefix: '' } : null
  }

  /** The first of all that match: of each list that may hold one, the first that does, and of those the one that stands first. */
  #findRule(host: string, path: string, isNamed: boolean): Compiled | null {
    const segments = path.split('/')
    let found = first(this.#byPath.get(path), host, segments, isNamed)
    const ofFirstSegment = first(this.#byFirstSegment.get(segments[1]!), host, segments, isNamed)
    if (ofFirstSegment !== null && (found === null || ofFirstSegment.at < found.at)) found = ofFirstSegment
    const ofAny = first(this.#ofAnySegment, host, segments, isNamed)
    return ofAny !== null && (found === null || ofAny.at < found.at) ? ofAny : found
  }
}

function first(
  among: readonly Compiled[] | undefined,
  host: string,
  segments: readonly string[],
  isNamed: boolean,
): Compiled | null {
  if (among === undefined) return null
  for (const compiled of among) {
    if (isNamed && compiled.rule.yieldsToNames === true) continue
    if (matchesHost(compiled.host, host) && matchesPath(compiled, segments)) return compiled
  }
  return null
}

function addTo(lists: Map<string, Compiled[]>, key: string, compiled: Compiled): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [compiled])
  else list.push(compiled)
}

function compile(rule: RouteRule): Compiled {
  const isWildcard = rule.path.endsWith('/*')
  const path = normalTarget(isWildcard ? rule.path.slice(0, -2) || '/' : rule.path)
  const segments = isWildcard && path === '/' ? [''] : path.split('/')
  const parameters = segments.filter((segment) => segment.startsWith(':')).length
  const hostRank = rule.host === null ? 0 : rule.host.startsWith('*') ? 1 : 2
  const pathRank = isWildcard ? 0 : parameters > 0 ? 1 : 2
  const host = rule.host === null ? null : withoutLastDot(rule.host.toLowerCase())
  return {
    rule,
    host,
    segments,
    isWildcard,
    at: 0,
    rank: hostRank * 1e6 + pathRank * 1e5 + segments.length * 100 - parameters,
  }
}

/** `example.com.` is the same name, said in full (RFC 1034, 3.1). */
function withoutLastDot(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host
}

function matchesHost(wanted: string | null, host: string): boolean {
  if (wanted === null) return true
  return wanted.startsWith('*.') ? host.endsWith(wanted.slice(1)) && host.length > wanted.length - 1 : host === wanted
}

function matchesPath({ segments, isWildcard }: Compiled, found: readonly string[]): boolean {
  if (isWildcard ? found.length < segments.length : found.length !== segments.length) return false
  return segments.every((segment, at) => segment === found[at] || (segment.startsWith(':') && found[at] !== ''))
}

function matched({ rule, segments, isWildcard }: Compiled, target: string, path: string): Match {
  if (!rule.stripPrefix || !isWildcard) return { function: rule.function, target, prefix: '' }
  const prefix = path.split('/').slice(0, segments.length).join('/')
  return { function: rule.function, target: stripped(target, prefix), prefix }
}

/** The target without its prefix, which it begins with; a path is never empty. */
function stripped(target: string, prefix: string): string {
  const rest = target.slice(prefix.length)
  return rest.startsWith('/') ? rest : `/${rest}`
}
