/**
 * The routes that a function asks for in its own file or code, besides those that each has by its name. Where two ask
 * for the same, the first by name has it, and one whose first segment may be anything leaves `/<name>` to whoever is
 * called so: no folder takes a path from another without that being said.
 */
import type { RouteRule } from '../http/route-table.ts'
import type { FunctionSource } from './discover.ts'

export interface RouteConflict {
  readonly path: string
  /** Who answers there. */
  readonly taken: string
  /** Who asks for the same and does not get it. */
  readonly refused: string
}

/** `/*`, `/:page`. */
const ANY_FIRST = /^\/[:*]/

export function ownRoutes({ name, routes }: FunctionSource): RouteRule[] {
  return routes.map((path) => {
    const rule = { path, host: null, function: name, stripPrefix: false }
    return ANY_FIRST.test(path) ? { ...rule, yieldsToNames: true } : rule
  })
}

/** Of routes in the order in which they win: those that mean the paths of an earlier one, of another function. */
export function routeConflicts(routes: readonly RouteRule[]): RouteConflict[] {
  const first = new Map<string, RouteRule>()
  const conflicts: RouteConflict[] = []
  for (const rule of routes) {
    const meaning = `${rule.host ?? ''}${rule.path.replace(/:[^/]+/g, ':')}`
    const taken = first.get(meaning)
    if (taken === undefined) first.set(meaning, rule)
    else if (taken.function !== rule.function)
      conflicts.push({ path: rule.path, taken: taken.function, refused: rule.function })
  }
  return conflicts
}
