/**
 * Which paths a function's `config.path` means, in the syntax of URLPattern: `/users/:id`, `/files/*`, `/a/:b?`. The
 * plain ones, nearly all, become regular expressions here, since matching a URLPattern takes as long as a whole call;
 * the others are left to it. Both give the same groups, a wildcard's under its number.
 */

export type Params = Readonly<Record<string, string>>

const SEGMENTS = /^(?:\/(?::[A-Za-z_]\w*|[\w.~-]+))*(?:\/\*|\/)?$/
const NONE: Params = Object.freeze({})

export class PathPattern {
  readonly #names: readonly string[]
  readonly #plain: RegExp | null
  readonly #pattern: { exec(input: { pathname: string }): PatternMatch | null } | null

  /** Throws TypeError for what is no pattern. */
  constructor(path: string) {
    const isPlain = SEGMENTS.test(path)
    this.#names = isPlain ? namesIn(path) : []
    this.#plain = isPlain ? new RegExp(`^${sourceOf(path)}$`) : null
    this.#pattern = isPlain ? null : new (globalThis as unknown as Patterns).URLPattern({ pathname: path })
  }

  /** What the parts of the path are that have a name; null when it is another path. `pathname` as URLs have it. */
  match(pathname: string): Params | null {
    if (this.#pattern !== null) return definedGroups(this.#pattern.exec({ pathname }))
    const found = this.#plain!.exec(pathname)
    if (found === null) return null
    if (this.#names.length === 0) return NONE
    const params: Record<string, string> = {}
    for (let at = 0; at < this.#names.length; at++) params[this.#names[at]!] = found[at + 1]!
    return params
  }
}

interface PatternMatch {
  readonly pathname: { readonly groups: Readonly<Record<string, string | undefined>> }
}

interface Patterns {
  readonly URLPattern: new (init: { pathname: string }) => { exec(input: { pathname: string }): PatternMatch | null }
}

function namesIn(path: string): string[] {
  return path
    .split('/')
    .filter((segment) => segment.startsWith(':') || segment === '*')
    .map((segment) => (segment === '*' ? '0' : segment.slice(1)))
}

function sourceOf(path: string): string {
  const parts = path.split('/').map((segment) => {
    if (segment.startsWith(':')) return '([^/]+)'
    return segment === '*' ? '(.*)' : segment.replaceAll('.', '\\.')
  })
  return parts.join('/')
}

function definedGroups(match: PatternMatch | null): Params | null {
  if (match === null) return null
  const given = Object.entries(match.pathname.groups).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as Params
}
