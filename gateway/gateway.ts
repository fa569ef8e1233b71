/**
 * The gateway as a whole: it puts the pool, the catalogue of functions and the two servers together, applies a changed
 * configuration while it runs, and stops without losing a request that it has accepted.
 */
import { keepDescriptors, WarmPool } from '../warmpool/index.ts'
import { createAdminApp } from './admin/app.ts'
import { type AdminServer, startAdminServer } from './admin/server.ts'
import type { AdminSource, FunctionReport, GatewayState, GatewayStatus } from './admin/status.ts'
import { type Config, hasOtherRuntimes, isJavaScript } from './config/index.ts'
import { Catalog, type CatalogEntry } from './functions/catalog.ts'
import { ownRoutes, routeConflicts } from './functions/own-routes.ts'
import { type EdgeOwner, type EdgeSettings, HttpEdge } from './http/edge.ts'
import type { ExchangeSummary, HttpInvocation } from './http/http-invocation.ts'
import type { Problem, ProblemCode } from './http/problem.ts'
import { type RouteRule, RouteTable } from './http/route-table.ts'
import type { Exchange } from './http/server/exchange.ts'
import type { Logger } from './log.ts'
import { logExchange, logPool, SecretsTold } from './narrate.ts'
import { findRuntime, locateRuntime, missingRuntime } from './runtimes/located.ts'
import { packageVersion } from './version.ts'

export interface GatewayHooks {
  /** While functions are built at the start. */
  onProgress?(done: number, total: number): void
  /** After every exchange. */
  onExchange?(summary: ExchangeSummary): void
  /** After every request that was refused before it reached a function. */
  onRefused?(exchange: Exchange, refusal: Problem): void
}

export class Gateway implements EdgeOwner, AdminSource {
  readonly pool: WarmPool
  readonly #log: Logger
  readonly #hooks: GatewayHooks
  readonly #edge: HttpEdge
  readonly #startedAtMs = performance.now()
  #config: Config
  #catalog!: Catalog
  #admin: AdminServer | null = null
  #state: GatewayState = 'starting'
  /** Names of missing functions and runtimes that were warned of: once is enough. */
  readonly #warnedOf = new Set<string>()
  readonly #secretsTold = new SecretsTold()
  #address = ''

  private constructor(config: Config, log: Logger, hooks: GatewayHooks) {
    this.#config = config
    this.#log = log
    this.#hooks = hooks
    this.pool = new WarmPool({
      ...config.pool,
      defaults: config.defaults,
      locateRuntime: (runtime) => locateRuntime(this.#config, runtime),
    })
    this.#edge = new HttpEdge(this, new RouteTable([], []), edgeSettings(config))
    this.pool.on('load-failed', (event) => this.#catalog.setLoadError(event.function!, event.report))
    this.pool.on('loaded', (event) => this.#catalog.setLoadError(event.function!, null))
    logPool(this.pool, log)
  }

  /**
   * Builds the functions, warms what is to be warm, and then takes requests. Throws MissingFunctionsFolder or
   * AddressInUse, with nothing left running.
   */
  static async start(config: Config, log: Logger, hooks: GatewayHooks = {}): Promise<Gateway> {
    // Before the first worker is started, which the pool does at once.
    keepDescriptors()
    const gateway = new Gateway(config, log, hooks)
    try {
      await gateway.#start()
    } catch (error) {
      await gateway.#letGo()
      throw error
    }
    return gateway
  }

  /** The public address as a URL. */
  get address(): string {
    return this.#address
  }

  get adminAddress(): string {
    return this.#admin!.url
  }

  get config(): Config {
    return this.#config
  }

  get functions(): readonly CatalogEntry[] {
    return [...this.#catalog.entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** The patterns under which a function answers. */
  routesOf(name: string): string[] {
    return this.#edge.routes.routesOf(name)
  }

  /** Applies what can be applied to a running gateway; requests under way are not touched. */
  async retune(config: Config): Promise<void> {
    const isOther = config.functionsDir !== this.#config.functionsDir || hasOtherRuntimes(this.#config, config)
    this.#config = config
    this.#log.level = config.log.level
    this.pool.retune(config.pool)
    this.#edge.retune(edgeSettings(config))
    this.#catalog.retune(config)
    if (isOther) await this.#catalog.loadAll(() => {})
    this.#route()
  }

  /** Builds these functions again and swaps them in. */
  async reload(names: ReadonlySet<string>): Promise<CatalogEntry[]> {
    const entries = await this.#catalog.reload(names)
    this.#route()
    return entries
  }

  /** Answers everything that was accepted, within the shutdown time-out, then ends every process. */
  async stop(): Promise<void> {
    if (this.#state === 'draining') return
    this.#state = 'draining'
    const { shutdownTimeoutMs } = this.#config.limits
    const deadlineMs = performance.now() + shutdownTimeoutMs
    const cut = setTimeout(() => this.#edge.cut(), shutdownTimeoutMs)
    await this.#edge.drain()
    clearTimeout(cut)
    await this.pool.close(Math.max(0, deadlineMs - performance.now()))
    await this.#letGo()
  }

  isReady(): boolean {
    return this.#state === 'serving'
  }

  status(): GatewayStatus {
    const { pool, functions } = this.pool.status()
    const live = new Map(functions.map((one) => [one.name, one]))
    return {
      gateway: {
        version: packageVersion(),
        nodeVersion: process.versions.node,
        pid: process.pid,
        uptimeMs: Math.round(performance.now() - this.#startedAtMs),
        address: this.#address,
        functionsDir: this.#config.functionsDir,
        state: this.#state,
        requestsInFlight: this.#edge.requestsInFlight,
        configFile: this.#config.file,
      },
      pool,
      functions: this.functions.map((entry): FunctionReport => {
        const base = live.get(entry.name) ?? neverLive(entry.name, this.#config)
        return { ...base, routes: this.routesOf(entry.name), error: entry.error }
      }),
    }
  }

  unavailable(name: string): { code: ProblemCode; detail: string } | null {
    const entry = this.#catalog.entries.get(name)
    if (entry === undefined) return { code: 'not-found', detail: `There is no function "${name}".` }
    if (entry.error?.code === 'secret-missing') {
      const detail = 'It lacks a secret that it needs. The log of the gateway says which, and where it was looked for.'
      return { code: 'secret-missing', detail }
    }
    if (entry.bundle !== null) return null
    if (entry.error?.code === 'not-stored')
      return { code: 'not-stored', detail: 'The machine had no room for it. The log of the gateway says why.' }
    // What is no function yet has its mistake in its names or its function.json, and no code that could be told.
    if (entry.source === null && entry.error !== null)
      return { code: 'build-failed', detail: `It does not build: ${entry.error.message.replace(/\s+/g, ' ')}` }
    const place = entry.error?.file === undefined ? '' : ` (${entry.error.file}:${entry.error.line ?? 1})`
    return { code: 'build-failed', detail: `It does not build${place}. The log of the gateway says why.` }
  }

  invoke(name: string, invocation: HttpInvocation): void {
    this.pool.invoke(name, invocation)
  }

  onRefused(exchange: Exchange, refusal: Problem): void {
    this.#hooks.onRefused?.(exchange, refusal)
  }

  onOver(summary: ExchangeSummary): void {
    logExchange(summary, this.#log)
    this.#hooks.onExchange?.(summary)
  }

  async #start(): Promise<void> {
    const { admin, listen } = this.#config
    this.#catalog = await openCatalog(this.pool, this.#config)
    const app = createAdminApp(this, admin.token === null ? {} : { token: admin.token })
    this.#admin = await startAdminServer(app, admin)
    await this.#catalog.loadAll((done, total) => this.#hooks.onProgress?.(done, total))
    this.#route()
    await this.pool.warmedUp()
    this.#address = await this.#edge.listen(listen)
    this.#state = 'serving'
  }

  #route(): void {
    const { entries } = this.#catalog
    const own = [...entries.values()].flatMap(({ source }) => (source === null ? [] : ownRoutes(source)))
    // The operator's come first: of two with the same path they win.
    this.#edge.routes = new RouteTable([...this.#config.routes, ...own], entries.keys())
    const named = new Set([...this.#config.routes.map((route) => route.function), ...this.#config.overrideNames])
    const missing = [...named].filter((name) => !this.#catalog.entries.has(name) && !this.#warnedOf.has(name))
    for (const name of missing) {
      this.#warnedOf.add(name)
      this.#log.warn(`the configuration names "${name}", and there is no such function in ${this.#config.functionsDir}`)
    }
    this.#secretsTold.tell(this.functions, this.#config.secretWarnings, this.#log)
    this.#warnOfRoutes(own)
    this.#warnOfMissingRuntimes()
  }

  /** What the folders say of their routes and what is not as they say, each once. */
  #warnOfRoutes(own: readonly RouteRule[]): void {
    const warn = (name: string, message: string): void => {
      const key = `${name}: ${message}`
      if (this.#warnedOf.has(key)) return
      this.#warnedOf.add(key)
      this.#log.warn({ function: name }, message)
    }
    for (const { name, source } of this.#catalog.entries.values())
      for (const note of source?.notes ?? []) warn(name, note)
    for (const { path, taken, refused } of routeConflicts(own))
      warn(
        refused,
        `${path} is asked for by "${taken}" and by "${refused}": "${taken}" answers there, and "${refused}" under /${refused}. Say which it is with a route in the configuration.`,
      )
  }

  /** Their functions are known, and answer as soon as it has been added. */
  #warnOfMissingRuntimes(): void {
    const wanted = new Set(this.functions.flatMap(({ source }) => source?.identity.runtime ?? []))
    for (const runtime of wanted) {
      if (runtime === 'node' || !isJavaScript(runtime) || this.#warnedOf.has(runtime)) continue
      if (findRuntime(this.#config.stateDir, runtime) !== null) continue
      this.#warnedOf.add(runtime)
      this.#log.warn(missingRuntime(runtime))
    }
  }

  async #letGo(): Promise<void> {
    await this.pool.close(0)
    await this.#admin?.close()
    await this.#catalog?.close()
  }
}

/** Throws an error that says what to do when the state folder is none that can be written. */
async function openCatalog(pool: WarmPool, config: Config): Promise<Catalog> {
  try {
    return await Catalog.open(pool, config)
  } catch (error) {
    const { message } = error as Error
    const wayOut = 'Choose another with --state DIR, or `state` in the configuration.'
    throw new Error(`The state folder ${config.stateDir} cannot be written (${message}). ${wayOut}`, { cause: error })
  }
}

function edgeSettings({ listen, limits }: Config): EdgeSettings {
  const { trustProxy, serverTiming } = listen
  return { ...limits, trustProxy, serverTiming }
}

/** A function that never had a bundle that builds. */
function neverLive(name: string, config: Config): Omit<FunctionReport, 'routes' | 'error'> {
  const { isolation: profile, network } = config.functionSettings(name)
  return {
    name,
    version: 0,
    bundle: '',
    runtime: 'node',
    isolation: { profile, network, inForce: null, missing: [] },
    starts: { warm: 0, blank: 0, cold: 0 },
    deaths: {},
    invocations: 0,
    errors: 0,
    latencyMs: { p50: null, p99: null },
    queue: 0,
    unavailable: null,
    workers: [],
  }
}
