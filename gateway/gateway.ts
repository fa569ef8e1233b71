/**
 * The gateway as a whole: it puts the pool, the catalogue of functions and the two servers together, applies a changed
 * configuration while it runs, and stops without losing a request that it has accepted.
 */
import { type FunctionStatus, keepDescriptors, WarmPool } from '../warmpool/index.ts'
import { createAdminApp } from './admin/app.ts'
import { OwnKey } from './admin/key.ts'
import { type AdminServer, startAdminServer } from './admin/server.ts'
import type { AdminSource, FunctionReport, GatewayState, GatewayStatus } from './admin/status.ts'
import { type Config, hasOtherRuntimes } from './config/index.ts'
import { PREVIEW_MARK } from './deploy/pool-name.ts'
import type { Unfit } from './deploy/previews.ts'
import { DeployService } from './deploy/service.ts'
import { hostListOf } from './egress/allowed-hosts.ts'
import { EGRESS_DESCRIPTORS, EgressProxy } from './egress/proxy.ts'
import { Catalog, type CatalogEntry, functionOf, type OnBroken } from './functions/catalog.ts'
import { ownRoutes } from './functions/own-routes.ts'
import { connectionLimit, openFilesLimit } from './http/connection-limit.ts'
import { type EdgeOwner, type EdgeSettings, HttpEdge } from './http/edge.ts'
import type { ExchangeSummary, HttpInvocation } from './http/http-invocation.ts'
import type { Problem, ProblemCode } from './http/problem.ts'
import { RouteTable } from './http/route-table.ts'
import type { Exchange } from './http/server/exchange.ts'
import type { Logger } from './log.ts'
import { logExchange, logPool, SecretsTold } from './narrate.ts'
import { locateRuntime } from './runtimes/located.ts'
import { StateInUse, StateLock } from './state-lock.ts'
import { packageVersion } from './version.ts'
import { Warnings } from './warnings.ts'

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
  #lock: StateLock | null = null
  #catalog!: Catalog
  #deploy!: DeployService
  readonly #egress = new EgressProxy((name) => hostListOf(this.#config.functionSettings(name)))
  #admin: AdminServer | null = null
  readonly #key = new OwnKey()
  #state: GatewayState = 'starting'
  readonly #warnings: Warnings
  readonly #secretsTold = new SecretsTold()
  #address = ''
  /** What of the live version of each deployed function decides about routes, as of its last switch. */
  readonly #routed = new Map<string, string>()

  private constructor(config: Config, log: Logger, hooks: GatewayHooks) {
    this.#config = config
    this.#log = log
    this.#warnings = new Warnings(log)
    this.#hooks = hooks
    this.pool = new WarmPool({
      ...config.pool,
      defaults: config.defaults,
      locateRuntime: (runtime) => locateRuntime(this.#config, runtime),
      egress: (name) => this.#egress.egressOf(name),
    })
    this.#edge = new HttpEdge(this, new RouteTable([], []), edgeSettings(config))
    this.pool.on('load-failed', (event) => this.#catalog.setLoadError(event.function!, event.report))
    this.pool.on('loaded', (event) => this.#catalog.setLoadError(event.function!, null))
    logPool(this.pool, log)
  }

  /**
   * Builds the functions, warms what is to be warm, and then takes requests. Throws MissingFunctionsFolder,
   * StateInUse or AddressInUse, with nothing left running.
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

  get adminToken(): string {
    return this.#config.admin.token ?? this.#key.token
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
    this.#writeKey()
    if (hasHostLists(config)) await this.#egress.open()
    this.pool.retune(config.pool)
    this.#edge.retune(edgeSettings(config))
    this.#catalog.retune(config)
    this.#deploy.deployments.retune(config)
    if (isOther) await this.#loadFolder(() => {})
    this.#route()
  }

  /** Builds these functions again and swaps them in. */
  async reload(names: ReadonlySet<string>, onBroken: OnBroken): Promise<CatalogEntry[]> {
    const entries = await this.#catalog.reload(names, onBroken)
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
    const byFunction = Map.groupBy(functions, ({ name }) => functionOf(name))
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
        connections: this.#edge.connections,
        configFile: this.#config.file,
      },
      pool,
      functions: this.functions.map((entry): FunctionReport => {
        const base = statusOf(entry, byFunction.get(entry.name) ?? [], this.#config)
        const report = { ...base, routes: this.routesOf(entry.name), error: entry.error }
        const canary = this.#deploy.deployments.recordOf(entry.name)?.canary ?? null
        if (entry.version === null) return report
        return { ...report, deployed: { canary: canary && { version: canary.version, percent: canary.percent } } }
      }),
    }
  }

  unavailable(name: string): { code: ProblemCode; detail: string } | null {
    if (name.includes(PREVIEW_MARK)) return null
    const entry = this.#catalog.entries.get(name)
    if (entry === undefined) return { code: 'not-found', detail: `There is no function "${name}".` }
    if (entry.error?.code === 'secret-missing') {
      const detail = 'It lacks a secret that it needs. The log of the gateway says which, and where it was looked for.'
      return { code: 'secret-missing', detail }
    }
    if (entry.bundle !== null) return null
    if (entry.error?.code === 'corrupted')
      return { code: 'corrupted', detail: 'What was stored of it is damaged. The log of the gateway says more.' }
    if (entry.error?.code === 'not-stored')
      return { code: 'not-stored', detail: 'The machine had no room for it. The log of the gateway says why.' }
    // What is no function yet has its mistake in its names or its function.json, and no code that could be told.
    if (entry.source === null && entry.error !== null)
      return { code: 'build-failed', detail: `It does not build: ${entry.error.message.replace(/\s+/g, ' ')}` }
    const place = entry.error?.file === undefined ? '' : ` (${entry.error.file}:${entry.error.line ?? 1})`
    return { code: 'build-failed', detail: `It does not build${place}. The log of the gateway says why.` }
  }

  invoke(name: string, invocation: HttpInvocation): void {
    const target = this.#deploy.targets.of(name, invocation.head)
    if (target === null) return this.pool.invoke(this.#catalog.entries.get(name)?.pool ?? name, invocation)
    invocation.version = target.version
    if (target.waking === null) this.pool.invoke(target.pool, invocation)
    else void target.waking.then((unfit) => this.#invokeAwake(target.pool, invocation, unfit))
  }

  /** A version that somebody asked for by its key; its caller may have left meanwhile. */
  #invokeAwake(pool: string, invocation: HttpInvocation, unfit: Unfit | null): void {
    if (unfit !== null && !invocation.isCancelled) invocation.refuse(unfit.code, unfit.detail)
    else if (!invocation.isCancelled) this.pool.invoke(pool, invocation)
  }

  onRefused(exchange: Exchange, refusal: Problem): void {
    this.#hooks.onRefused?.(exchange, refusal)
  }

  onTurnedAway(): void {
    this.#warnings.ofConnections(this.#edge.connections, performance.now())
  }

  onOver(summary: ExchangeSummary): void {
    logExchange(summary, this.#log)
    const { functionName, version } = summary.invocation
    if (version > 0) this.#deploy.onAnswered(functionOf(functionName), version, summary.status, summary.tookMs)
    this.#hooks.onExchange?.(summary)
  }

  async #start(): Promise<void> {
    const { admin, listen } = this.#config
    await this.#openState()
    if (hasHostLists(this.#config)) await this.#egress.open()
    this.#deploy = await DeployService.open(
      this.pool,
      this.#catalog,
      () => this.#config,
      this.#log,
      (name) => this.#onSwitched(name),
    )
    this.#admin = await startAdminServer(createAdminApp(this, this.#deploy), admin)
    this.#writeKey()
    await this.#loadFolder((done, total) => this.#hooks.onProgress?.(done, total))
    this.#route()
    await this.pool.warmedUp()
    this.#address = await this.#edge.listen(listen)
    this.#state = 'serving'
    this.#deploy
      .lookAfter()
      .catch((error: Error) => this.#log.error(`looking after what was deployed: ${error.message}`))
  }

  /** Throws StateInUse, or an error that says what to do when the folder is none that can be written. */
  async #openState(): Promise<void> {
    const { stateDir } = this.#config
    try {
      this.#lock = new StateLock(stateDir)
      this.#catalog = await Catalog.open(this.pool, this.#config)
    } catch (error) {
      if (error instanceof StateInUse) throw error
      const { message } = error as Error
      const wayOut = 'Choose another with --state DIR, or `state` in the configuration.'
      throw new Error(`The state folder ${stateDir} cannot be written (${message}). ${wayOut}`, { cause: error })
    }
  }

  async #loadFolder(onProgress: (done: number, total: number) => void): Promise<void> {
    await this.#catalog.loadAll(onProgress, () => this.#deploy.bundles())
  }

  /** With thousands of functions, routing anew takes longer than a switch: only what is routed otherwise needs it. */
  #onSwitched(name: string): void {
    const source = this.#catalog.entries.get(name)?.source
    const routed = source ? JSON.stringify([source.routes, source.notes, source.identity.runtime]) : undefined
    if (routed === this.#routed.get(name)) return
    if (routed === undefined) this.#routed.delete(name)
    else this.#routed.set(name, routed)
    this.#route()
  }

  #route(): void {
    const { entries } = this.#catalog
    const own = [...entries.values()].flatMap(({ source }) => (source === null ? [] : ownRoutes(source)))
    // The operator's come first: of two with the same path they win.
    this.#edge.routes = new RouteTable([...this.#config.routes, ...own], entries.keys(), (name) =>
      this.#deploy.targets.hasPreview(name),
    )
    this.#warnings.ofTaken(this.#catalog.taken, this.#config.functionsDir)
    this.#secretsTold.tell(this.functions, this.#config.secretWarnings, this.#log)
    this.#warnings.ofFunctions(this.#catalog.entries, this.#config)
    this.#warnings.ofRoutes(this.#catalog.entries, own)
    this.#warnings.ofRuntimes(this.functions, this.#config.stateDir)
  }

  #writeKey(): void {
    const { admin, stateDir } = this.#config
    try {
      this.#key.write(stateDir, this.adminAddress, admin.token)
    } catch (error) {
      const { message } = error as Error
      this.#log.warn(`\`wrangler-free status\` will not find this gateway by itself: ${message}`)
    }
  }

  async #letGo(): Promise<void> {
    this.#key.remove()
    this.#deploy?.stop()
    await this.pool.close(0)
    this.#egress.close()
    await this.#admin?.close()
    await this.#catalog?.close()
    this.#lock?.release()
  }
}

/** Some function may reach some hosts only. */
function hasHostLists(config: Config): boolean {
  const settings = [config.defaults, ...config.overrideNames.map((name) => config.functionSettings(name))]
  return settings.some((one) => hostListOf(one) !== null)
}

function edgeSettings(config: Config): EdgeSettings {
  const { listen, limits, pool } = config
  const { trustProxy, serverTiming } = listen
  const others = hasHostLists(config) ? EGRESS_DESCRIPTORS : 0
  const connections = limits.connections ?? connectionLimit(openFilesLimit(), pool.maxWorkers, others)
  return { ...limits, connections, trustProxy, serverTiming }
}

/** Of all that the pool knows of a function: the live version's, with what others of it have besides. */
function statusOf(entry: CatalogEntry, known: readonly FunctionStatus[], config: Config): FunctionStatus {
  const live = known.find(({ name }) => name === entry.pool)
  const { name, version } = entry
  if (live === undefined) return neverLive(name, config)
  const others = known.filter((one) => one !== live)
  const workers = [live, ...others].flatMap((one) => one.workers)
  return { ...live, name, ...(version === null ? {} : { version }), workers }
}

/** A function that never had a bundle that builds. */
function neverLive(name: string, config: Config): FunctionStatus {
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
