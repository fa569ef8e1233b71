/** The routes that a function's own file asks for, besides those that each has by its name. */
import type { RouteRule } from '../http/route-table.ts'
import type { FunctionSource } from './discover.ts'

export function ownRoutes({ name, file }: FunctionSource): RouteRule[] {
  return (file?.routes ?? []).map((path) => ({ path, host: null, function: name, stripPrefix: false }))
}
