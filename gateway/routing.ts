/**
 * Which addresses lead to which functions, as the catalogue has them: the public side's route table, made anew when
 * functions come, go or ask for other routes.
 */
import type { Route } from './config/index.ts'
import type { CallTargets } from './deploy/call-target.ts'
import type { Catalog } from './functions/catalog.ts'
import { ownRoutes } from './functions/own-routes.ts'
import type { HttpEdge } from './http/edge.ts'
import { type RouteRule, RouteTable } from './http/route-table.ts'

export class Routing {
  readonly #edge: HttpEdge
  readonly #catalog: Catalog
  readonly #targets: CallTargets
  /** What of the live version of each deployed function decides about routes, as of its last switch. */
  readonly #routed = new Map<string, string>()

  constructor(edge: HttpEdge, catalog: Catalog, targets: CallTargets) {
    this.#edge = edge
    this.#catalog = catalog
    this.#targets = targets
  }

  /** Returns the routes that the functions themselves ask for. */
  renew(configured: readonly Route[]): RouteRule[] {
    const { entries } = this.#catalog
    const own = [...entries.values()].flatMap(({ source }) => (source === null ? [] : ownRoutes(source)))
    // The operator's come first: of two with the same path they win.
    this.#edge.routes = new RouteTable([...configured, ...own], entries.keys(), (name) =>
      this.#targets.hasPreview(name),
    )
    return own
  }

  /**
   * Takes note of a switch. True where the function is to be routed otherwise from now on: with thousands of functions,
   * routing anew takes longer than a switch, and most switches change nothing of it.
   */
  noteSwitch(name: string): boolean {
    const source = this.#catalog.entries.get(name)?.source
    const routed = source ? JSON.stringify([source.routes, source.notes, source.identity.runtime]) : undefined
    if (routed === this.#routed.get(name)) return false
    if (routed === undefined) this.#routed.delete(name)
    else this.#routed.set(name, routed)
    return true
  }
}
