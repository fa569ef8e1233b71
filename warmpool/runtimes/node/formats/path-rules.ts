/**
 * Rewrites and redirects of a function's platform, as the gateway has read them (gateway/functions/path-rules.ts). A
 * function sees the path that was asked for; what a rewrite adds to the query stands behind the caller's own.
 */
import type { PathRule } from '../../../wire/messages.ts'
import type { Call } from '../call.ts'
import type { Handler } from './format.ts'

/** A rewrite that matched: where it leads, and the target that the function sees. */
export interface Rewritten {
  /** The path of the destination, with values in the place of names. */
  readonly path: string
  readonly target: string
}

interface Compiled extends PathRule {
  readonly regex: RegExp
}

const REFERENCE = /:(\w+)[*+?]?|\$(\d+)/g

export class PathRules {
  readonly #rules: readonly Compiled[]
  readonly #addsValues: boolean

  /** `addsValues`: values that the destination does not name are added to the query, as on Vercel. */
  constructor(rules: readonly PathRule[], addsValues: boolean) {
    this.#rules = rules.map((rule) => ({ ...rule, regex: new RegExp(rule.pattern) }))
    this.#addsValues = addsValues
  }

  /** Answer a redirect and return true where the first rule for the path is one. */
  redirected(call: Call): boolean {
    const found = this.#find(call.lines[2]!, (rule) => rule.status >= 300 && rule.status < 400)
    if (found === null) return false
    const { rule, to, search } = found
    const location = to.includes('?') || search === '' ? to : `${to}?${search}`
    call.answer(rule.status, `location\n${location}`, null)
    return true
  }

  /** What the first rewrite for the path makes of a target. */
  rewritten(target: string): Rewritten | null {
    const found = this.#find(target, (rule) => rule.status === 200)
    if (found === null) return null
    const { rule, values, to, path, search } = found
    const [destination = '', query = ''] = to.split('?', 2)
    const unnamed =
      this.#addsValues && ![...rule.to.matchAll(REFERENCE)].length
        ? [...values].filter(([name]) => /^\D/.test(name))
        : []
    const added = unnamed.map(([name, value]) => `${encodeURIComponent(name)}=${value}`)
    const all = [search, query, ...added].filter((part) => part !== '').join('&')
    return { path: destination, target: all === '' ? path : `${path}?${all}` }
  }

  #find(target: string, isWanted: (rule: Compiled) => boolean) {
    const queryAt = target.indexOf('?')
    const path = queryAt < 0 ? target : target.slice(0, queryAt)
    const search = queryAt < 0 ? '' : target.slice(queryAt + 1)
    for (const rule of this.#rules) {
      if (!isWanted(rule)) continue
      const values = valuesOf(rule, path, search)
      if (values === null) continue
      const to = rule.to.replace(
        REFERENCE,
        (all, name, number) => values.get(name ?? number) ?? (name && !rule.names.includes(name) ? all : ''),
      )
      return { rule, values, to, path, search }
    }
    return null
  }
}

function valuesOf({ regex, names, query }: Compiled, path: string, search: string): Map<string, string> | null {
  const match = regex.exec(path)
  if (match === null) return null
  const values = new Map<string, string>()
  for (const [at, name] of names.entries()) values.set(name, match[at + 1] ?? '')
  if (query === undefined) return values
  const given = new URLSearchParams(search)
  for (const [name, wanted] of Object.entries(query)) {
    const value = given.get(name)
    if (value === null || (!wanted.startsWith(':') && value !== wanted)) return null
    if (wanted.startsWith(':')) values.set(wanted.slice(1), encodeURIComponent(value))
  }
  return values
}

/** A handler behind the rules of its platform. */
export function withPathRules(handler: Handler, given: readonly PathRule[]): Handler {
  const rules = new PathRules(given, false)
  return (call) => {
    if (rules.redirected(call)) return undefined
    const found = rules.rewritten(call.lines[2]!)
    const lines = call.lines as string[]
    if (found !== null) lines[2] = found.target
    return handler(call)
  }
}
