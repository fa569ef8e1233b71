/** The routes that a function asks for in its own file or code, besides those that each has by its name. */
import type { RouteRule } from '../http/route-table.ts'
import type { FunctionSource } from './discover.ts'

export function ownRoutes({ name, routes }: FunctionSource): RouteRule[] {
  return routes.map((path) => ({ path, host: null, function: name, stripPrefix: false }))
}
