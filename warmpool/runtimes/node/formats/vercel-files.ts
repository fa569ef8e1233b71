/**
 * Chooses among the files of an `api` folder as Vercel does: `api/users.ts` is `/api/users`, `api/index.ts` is `/api`,
 * `api/[id].ts` takes one segment of the path and `api/[...rest].ts` all that are left. A name that is spelled out wins
 * over one in brackets, segment by segment.
 */
import type { Exports } from './format.ts'

/** A module for each file, by its path in the function's folder without the extension: `api/users/[id]`. */
export type FileTable = Readonly<Record<string, Exports>>

export type PathParams = Record<string, string | string[]>

interface Route<T> {
  readonly segments: readonly Segment[]
  readonly file: T
}

type Segment =
  | { readonly kind: 'name'; readonly text: string }
  | { readonly kind: 'one' | 'rest' | 'optional-rest'; readonly param: string }

const RANK = { name: 0, one: 1, rest: 2, 'optional-rest': 3 } as const

export interface Routed<T> {
  /** null: no file has this path. */
  readonly file: T | null
  readonly params: PathParams
}

/** `open` makes of each module what is to be found by its path. */
export async function fileRouter<T>(
  table: FileTable,
  open: (file: string, module: Exports) => Promise<T>,
): Promise<(target: string) => Routed<T>> {
  const routes: Route<T>[] = []
  for (const [path, module] of Object.entries(table))
    routes.push({ segments: segmentsOf(path), file: await open(path, module) })
  routes.sort(compareRoutes)
  return (target) => find(routes, target)
}

function segmentsOf(path: string): Segment[] {
  return path
    .replace(/(?:^|\/)index$/, '')
    .split('/')
    .filter((text) => text !== '')
    .map(segmentOf)
}

function segmentOf(text: string): Segment {
  const match = /^\[(\[)?(\.\.\.)?([^[\]]+)\](\])?$/.exec(text)
  if (match === null) return { kind: 'name', text }
  const [, outer, dots, param] = match
  if (dots === undefined) return { kind: 'one', param: param! }
  return { kind: outer === undefined ? 'rest' : 'optional-rest', param: param! }
}

function compareRoutes<T>({ segments: a }: Route<T>, { segments: b }: Route<T>): number {
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const difference = RANK[a[at]!.kind] - RANK[b[at]!.kind]
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

function find<T>(routes: readonly Route<T>[], target: string): Routed<T> {
  const path = target
    .split('?', 1)[0]!
    .split('/')
    .filter((text) => text !== '')
  for (const { segments, file } of routes) {
    const params = match(segments, path)
    if (params !== null) return { file, params }
  }
  return { file: null, params: {} }
}

function match(segments: readonly Segment[], path: readonly string[]): PathParams | null {
  const params: PathParams = {}
  for (const [at, segment] of segments.entries()) {
    if (segment.kind === 'rest' || segment.kind === 'optional-rest') {
      const rest = path.slice(at).map(decoded)
      if (rest.length === 0 && segment.kind === 'rest') return null
      if (rest.length > 0) params[segment.param] = rest
      return params
    }
    const text = path[at]
    if (text === undefined) return null
    if (segment.kind === 'name') {
      if (segment.text !== text) return null
    } else params[segment.param] = decoded(text)
  }
  return path.length === segments.length ? params : null
}

/** As it came, where it is no well-formed encoding of anything. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
