/**
 * Rewrites and redirects as Netlify and Vercel write them, as rules that a worker applies
 * (warmpool/runtimes/node/formats/path-rules.ts), and as routes that lead there. A rule holds a regular expression; the
 * worker alone runs it.
 */
import type { PathRule } from '../../warmpool/index.ts'

const VERCEL_TOKEN =
  /(\/)?:(\w+)(?:\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\))?([*+?])?|\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)([*+?])?|[\s\S]/g
const SPECIAL = /[.*+?^${}()|[\]\\/]/g

/** A source as `path-to-regexp` reads it: `/users/:id`, `/:path*`, `/(.*)`, `/v:n(\\d+)`. */
export function vercelPattern(source: string): Pick<PathRule, 'pattern' | 'names'> {
  const names: string[] = []
  const parts = [...source.matchAll(VERCEL_TOKEN)].map(
    ([all, slash = '', name, own, modifier, unnamed, after = '']) => {
      if (unnamed !== undefined) return `${group(names, String(names.length + 1), unnamed)}${after}`
      if (name === undefined) return all.replace(SPECIAL, '\\$&')
      const one = own ?? '[^/]+?'
      const many = `(?:${one})(?:/(?:${one}))*`
      if (modifier === undefined) return `${slash}${group(names, name, one)}`
      const inner = `${slash}${group(names, name, modifier === '?' ? one : many)}`
      return modifier === '+' ? inner : `(?:${inner})?`
    },
  )
  return { pattern: `^${parts.join('')}/?$`, names }
}

/** A source of the older `routes`: a regular expression, whose groups are `$1`, `$2`, …. */
export function regexPattern(source: string): Pick<PathRule, 'pattern' | 'names'> {
  const groups = [...source.replace(/\\.|\[[^\]]*\]/g, '').matchAll(/\((?!\?)|\(\?<(?![=!])/g)].map((_, at) =>
    String(at + 1),
  )
  return { pattern: `^(?:${source.replace(/^\^|\$$/g, '')})$`, names: groups }
}

/** A `from` of Netlify's: `/users/:id`, `/files/*`. */
export function netlifyPattern(from: string): Pick<PathRule, 'pattern' | 'names'> {
  const names: string[] = []
  const segments = from.replace(/\/+$/, '').split('/').slice(1)
  const parts = segments.map((segment, at) => {
    if (segment === '*' && at === segments.length - 1) return `(?:/${group(names, 'splat', '.*')})?`
    if (/^:\w+$/.test(segment)) return `/${group(names, segment.slice(1), '[^/]+')}`
    return `/${segment.replace(SPECIAL, '\\$&')}`
  })
  return { pattern: `^${parts.join('')}/?$`, names }
}

/** A pattern of our own that leads to all paths that the source means, and to more where it cannot say which. */
export function routeOfSource(source: string): string {
  const segments = source.replace(/^\^/, '').replace(/\/+$/, '').split('/').slice(1)
  const end = segments.findIndex((segment) => !/^(?::[A-Za-z_]\w*|[\w.~-]+)$/.test(segment))
  const fixed = end < 0 ? segments : segments.slice(0, end)
  return `/${(end < 0 ? fixed : [...fixed, '*']).join('/')}`
}

function group(names: string[], name: string, inner: string): string {
  // Groups within a source of the author's own are not to be counted.
  const plain = inner.replace(/\((?!\?)/g, '(?:')
  names.push(name)
  return `(${plain})`
}
