/**
 * What is not as the configuration or a function's folder says, and what callers meet that the operator should know of:
 * each is warned of once, or once in a while, however often it is looked at.
 */
import { type Config, isJavaScript } from './config/index.ts'
import type { CatalogEntry } from './functions/catalog.ts'
import { routeConflicts } from './functions/own-routes.ts'
import type { RouteRule } from './http/route-table.ts'
import type { ConnectionCounts } from './http/server/http-server.ts'
import type { Logger } from './log.ts'
import { findRuntime, missingRuntime } from './runtimes/located.ts'

/** One of many callers that are turned away is told of, so often. */
const TELL_AGAIN_MS = 60_000

export class Warnings {
  readonly #log: Logger
  readonly #given = new Set<string>()
  #connectionsAtMs = Number.NEGATIVE_INFINITY

  constructor(log: Logger) {
    this.#log = log
  }

  /** That are named and not there. */
  ofFunctions(entries: ReadonlyMap<string, CatalogEntry>, config: Config): void {
    const named = [...config.routes.map((route) => route.function), ...config.overrideNames]
    for (const name of named) {
      if (entries.has(name)) continue
      this.#once(`the configuration names "${name}", and there is no such function in ${config.functionsDir}`)
    }
  }

  /** Of the folder, whose names deployed functions have. */
  ofTaken(names: readonly string[], functionsDir: string): void {
    for (const name of names)
      this.#once(
        `the "${name}" of ${functionsDir} is not served: one that was deployed has its name. Rename the folder, or take the other away with \`wrangler-free remove ${name}\``,
        name,
      )
  }

  /** What the folders say of their routes and what is not as they say. */
  ofRoutes(entries: ReadonlyMap<string, CatalogEntry>, own: readonly RouteRule[]): void {
    for (const { name, source } of entries.values()) for (const note of source?.notes ?? []) this.#once(note, name)
    for (const { path, taken, refused } of routeConflicts(own))
      this.#once(
        `${path} is asked for by "${taken}" and by "${refused}": "${taken}" answers there, and "${refused}" under /${refused}. Say which it is with a route in the configuration.`,
        refused,
      )
  }

  /** Their functions are known, and answer as soon as it has been added. */
  ofRuntimes(functions: readonly CatalogEntry[], stateDir: string): void {
    for (const runtime of new Set(functions.flatMap(({ source }) => source?.identity.runtime ?? []))) {
      if (runtime === 'node' || !isJavaScript(runtime) || findRuntime(stateDir, runtime) !== null) continue
      this.#once(missingRuntime(runtime))
    }
  }

  /** Callers for whom there was no connection. */
  ofConnections({ open, max, turnedAway }: ConnectionCounts, nowMs: number): void {
    if (nowMs - this.#connectionsAtMs < TELL_AGAIN_MS) return
    this.#connectionsAtMs = nowMs
    const words = 'callers are turned away: each connection that may be open is in use. See `limits.connections`'
    this.#log.warn({ open, max, turnedAway }, words)
  }

  #once(message: string, name?: string): void {
    const key = `${name} ${message}`
    if (this.#given.has(key)) return
    this.#given.add(key)
    this.#log.warn(name === undefined ? {} : { function: name }, message)
  }
}
