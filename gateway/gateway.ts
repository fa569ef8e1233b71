/**
 * The gateway as a whole: it puts the pool, the catalogue of functions and the two servers together, applies a changed
 * configuration while it runs, and stops without losing a request that it has accepted.
 */
import { clock, Deadline, keepDescriptors, WarmPool } from '../warmpool/index.ts'
import { createAdminApp } from './admin/app.ts'
import { functionReport } from './admin/function-report.ts'
import { OwnKey } from './admin/key.ts'
import { type AdminServer, startAdminServer } from './admin/server.ts'
import type { AdminSource, GatewayState, GatewayStatus } from './admin/status.ts'
import { type Config, hasOtherRuntimes } from './config/index.ts'
import { PREVIEW_MARK } from './deploy/pool-name.ts'
import type { Unfit } from './deploy/previews.ts'
import { DeployService } from './deploy/service.ts'
import { edgeSettings } from './edge-settings.ts'
import { hasHostLists, hostListOf } from './egress/allowed-hosts.ts'
import { EgressProxy } from './egress/proxy.ts'
import { Catalog, type CatalogEntry, functionOf, type OnBroken } from './functions/catalog.ts'
import { type EdgeOwner, HttpEdge } from './http/edge.ts'
import type { ExchangeSummary, HttpInvocation } from './http/http-invocation.ts'
import type { Problem } from './http/problem.ts'
import { RouteTable } from './http/route-table.ts'
import type { Exchange } from './http/server/exchange.ts'
import type { Logger } from './log.ts'
import { awaitedInWords, logExchange, logPool, SecretsTold } from './narrate.ts'
import { Routing } from './routing.ts'
import { locateRuntime } from './runtimes/located.ts'
import { StateInUse, StateLock } from './state-lock.ts'
import { type Unavailability, whyUnavailable } from './unavailability.ts'
import { packageVersion } from './version.ts'
import { Warnings } from './warnings.ts'

/** How often the log says for whom a starting gateway waits. */
const TELL_WAIT_EVERY_MS = 5_000
/** For callers to take what they are told when a stop does not wait for their calls any longer. */
const LAST_ANSWERS_MS = 1_000

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
  #routing!: Routing
  readonly #egress = new EgressProxy((name) => hostListOf(this.#config.functionSettings(name)))
  #admin: AdminServer | null = null
  readonly #key = new OwnKey()
  #state: GatewayState = 'starting'
  readonly #warnings: Warnings
  readonly #secretsTold = new SecretsTold()
  #address = ''

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
   * Builds the functions and takes requests. It is ready when what is to be warm is warm, or soon after. Throws MissingFunctionsFolder,
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
    const deadlineMs = clock.now() + shutdownTimeoutMs
    let over = new Deadline(shutdownTimeoutMs, () => {
      this.#giveUp(shutdownTimeoutMs)
      over = new Deadline(LAST_ANSWERS_MS, () => this.#edge.cut())
    })
    await this.#edge.drain()
    over.clear()
    await this.pool.close(Math.max(0, deadlineMs - clock.now()))
    await this.#letGo()
  }

  #giveUp(shutdownTimeoutMs: number): void {
    const { refused, ended, cut } = this.#edge.giveUp()
    const unfinished = [
      `${refused} calls were answered 503 shutdown`,
      `${ended} streams of events were ended`,
      `${cut} responses that had begun were cut off`,
      `${this.#edge.open} connections are left, and are closed within ${LAST_ANSWERS_MS} ms`,
    ]
    this.#log.warn(`did not finish within ${shutdownTimeoutMs} ms (limits.shutdownTimeout): ${unfinished.join(', ')}`)
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
      functions: this.functions.map((entry) => {
        const { name } = entry
        const canary = this.#deploy.deployments.recordOf(name)?.canary ?? null
        return functionReport(entry, byFunction.get(name) ?? [], this.#config, this.routesOf(name), canary)
      }),
    }
  }

  unavailable(name: string): Unavailability | null {
    return name.includes(PREVIEW_MARK) ? null : whyUnavailable(name, this.#catalog.entries.get(name))
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
    const { invocation, status, tookMs } = summary
    const { functionName, version } = invocation
    if (version > 0)
      this.#deploy.onAnswered(functionOf(functionName), version, { status, tookMs, isEarly: invocation.isEarly })
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
      (name) => this.#routing.noteSwitch(name) && this.#route(),
    )
    this.#routing = new Routing(this.#edge, this.#catalog, this.#deploy.targets)
    this.#admin = await startAdminServer(createAdminApp(this, this.#deploy), admin)
    this.#writeKey()
    await this.#loadFolder((done, total) => this.#hooks.onProgress?.(done, total))
    this.#route()
    this.#address = await this.#edge.listen(listen)
    void this.#becomeReady()
    this.#deploy
      .lookAfter()
      .catch((error: Error) => this.#log.error(`looking after what was deployed: ${error.message}`))
  }

  /** Requests are served meanwhile: what is not warm yet is waited for by its own callers alone. */
  async #becomeReady(): Promise<void> {
    const { readyTimeoutMs } = this.#config.limits
    const waiting = setInterval(() => this.#log.info(awaitedInWords(this.pool.warming())), TELL_WAIT_EVERY_MS)
    const isWarm = await this.pool.warmedUp(undefined, readyTimeoutMs)
    clearInterval(waiting)
    if (this.#state !== 'starting') return
    if (!isWarm) this.#log.warn(`ready after ${readyTimeoutMs} ms, and ${awaitedInWords(this.pool.warming())}`)
    this.#state = 'serving'
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

  #route(): void {
    const own = this.#routing.renew(this.#config.routes)
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
