/**
 * The warm pool: all functions' workers on one machine within one budget, as programs see it. It takes invocations, tells
 * what happens as events, and closes only when every process is gone. What its parts tell, it passes on: every event
 * only asks for balance (balance.ts). It knows no HTTP.
 */
import { EventEmitter } from 'node:events'
import { AnswerWatch } from './answer-watch.ts'
import { Balance } from './balance.ts'
import { checkModuleUrl, checkOptions, checkRunOptions, filledIn, filledInPool } from './check-options.ts'
import { Conditions } from './conditions.ts'
import { DeadlineWheel } from './deadline-wheel.ts'
import type { EgressLocator } from './egress.ts'
import type { PoolEvents } from './events.ts'
import { InvocationFailure } from './failure.ts'
import type { FunctionPool, FunctionPoolHost } from './function-pool.ts'
import { FunctionPools } from './function-pools.ts'
import { type FunctionSpec, taskSpec } from './function-spec.ts'
import type { Invocation } from './invocation.ts'
import { ProcessSupply, type SupplyHost } from './process-supply.ts'
import { accountingInForce } from './resources/cgroups.ts'
import type { UnkeptSetting } from './resources/process-group.ts'
import { clock, Deadline } from './running-clock.ts'
import type { RuntimeLocator } from './runtime.ts'
import type { FunctionDefaults, FunctionSettings, PoolSettings } from './settings.ts'
import type { FunctionStatus, PoolStatus } from './status.ts'
import { TaskInvocation } from './task.ts'
import { Tick } from './tick.ts'
import type { ErrorReport } from './wire/messages.ts'
import type { Worker } from './worker.ts'
import type { DeathReason } from './worker-state.ts'

/** Of a shortage that changes all the time. */
const TELL_AGAIN_MS = 60_000

export interface WarmPoolOptions extends Partial<PoolSettings> {
  /** For every function, where it does not say otherwise. */
  readonly defaults?: FunctionDefaults
  /** Where the programs of the runtimes are that are not always there; default: there are none. */
  readonly locateRuntime?: RuntimeLocator
  /** Where the proxies are of functions whose `network` is a list of hosts; default: there are none. */
  readonly egress?: EgressLocator
}

/** A function that is still to have warm workers. */
export interface WarmingFunction {
  readonly name: string
  readonly warm: number
  readonly wanted: number
  /** For how long its first has been loading; null: none of it is loading yet. */
  readonly loadingMs: number | null
}

export interface RunOptions {
  /** Aborting rejects with an AbortError; the task hears of it through `ctx.signal`. */
  readonly signal?: AbortSignal
  /** Milliseconds from the hand-over to the answer; default: the function's `timeoutMs`. */
  readonly timeout?: number
}

/** What SIGKILL does not end in so long is stuck in the system. */
const KILLED_MS = 10_000

const NO_OPTIONS: RunOptions = {}

export class WarmPool extends EventEmitter<PoolEvents> implements FunctionPoolHost, SupplyHost {
  readonly wheel = new DeadlineWheel()
  readonly watch = new AnswerWatch()
  readonly defaults: FunctionSettings
  readonly egressOf: EgressLocator
  readonly #supply: ProcessSupply
  readonly #deaths: Partial<Record<DeathReason, number>> = {}
  readonly #conditions = new Conditions()
  readonly #balance: Balance
  readonly #functions: FunctionPools
  /** Of those, what is live, by name: every call finds its function here. */
  readonly #live: ReadonlyMap<string, FunctionPool>
  readonly #tick: Tick
  #isClosing = false
  /** The last one that was told. */
  #shortage: { readonly key: string; readonly toldAtMs: number } | null = null
  #closing: Promise<void> | null = null
  /** How long what was killed is still waited for; null: nothing was. */
  #gone: Deadline | null = null
  #isGivenUp = false

  constructor(options: WarmPoolOptions = {}) {
    super()
    checkOptions(options)
    const { defaults = {}, locateRuntime, egress, ...settings } = options
    this.defaults = filledIn(defaults)
    this.egressOf = egress ?? (() => null)
    this.#supply = new ProcessSupply(filledInPool(settings), this.defaults.bootTimeoutMs, locateRuntime, this)
    this.#balance = new Balance(
      this.#supply,
      () => this.#shareMinimums(),
      (isAwaited) => this.#onBalanced(isAwaited),
    )
    this.#functions = new FunctionPools(this.#supply, this.#balance, this)
    this.#live = this.#functions.live
    this.#tick = new Tick(this.#supply, this.#functions, this.#balance)
    this.#balance.request()
  }

  /**
   * Runs the default export of a module with an input, in a worker, and resolves with its output. Input and output are
   * JSON values or bytes (Uint8Array, ArrayBuffer). Rejects with {@link InvocationFailure}, whose `code` says why and
   * whose `cause` is what the task threw, or with an AbortError.
   */
  run(moduleUrl: string | URL, input?: unknown, options: RunOptions = NO_OPTIONS): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (options !== NO_OPTIONS) checkRunOptions(options)
      const { signal, timeout } = options
      const url = checkModuleUrl(moduleUrl)
      signal?.throwIfAborted()
      const task = new TaskInvocation(input, resolve, reject)
      if (timeout !== undefined) task.timeoutMs = timeout
      this.#admit(this.#live.get(url) ?? this.#functions.add(taskSpec(url, this.defaults)), task)
      if (signal !== undefined) task.abortWith(signal)
    })
  }

  /** Makes a function known, or gives it a new bundle or new settings. Its calls go to the new bundle from now on. */
  define(spec: FunctionSpec): void {
    this.#functions.define(spec)
  }

  /** Forgets a function. Its workers finish what they have; what waits for one goes to `successor`, or is told. */
  remove(name: string, successor?: string): void {
    this.#functions.remove(name, successor)
  }

  /** Hands an invocation to a function. It always ends through its own methods, never by a throw. */
  invoke(name: string, invocation: Invocation): void {
    const pool = this.#live.get(name)
    if (pool === undefined) invocation.fail(new InvocationFailure('init-failed', `There is no function "${name}"`))
    else this.#admit(pool, invocation)
  }

  /** New numbers for the whole; they hold from now on. */
  retune(settings: PoolSettings): void {
    this.#supply.settings = settings
    this.#balance.shareAnew()
    this.#balance.request()
  }

  /**
   * Resolves once every function has the warm workers that its minimum asks for, and the one that is named all that it
   * wants; or cannot have them: with true, or with false where that takes longer than `withinMs`.
   */
  async warmedUp(name?: string, withinMs: number = Number.POSITIVE_INFINITY): Promise<boolean> {
    let isOver = false
    const onOver = (): void => {
      isOver = true
      this.#conditions.tell()
    }
    // Without a bound nothing but the processes themselves keeps the program alive.
    const deadline = Number.isFinite(withinMs) ? new Deadline(withinMs, onOver) : null
    const awaited = name === undefined ? undefined : this.#live.get(name)
    if (awaited !== undefined) {
      awaited.isAwaitedWarm = true
      this.#balance.shareAnew()
      this.#balance.include(awaited)
    }
    this.#balance.warmUps++
    this.#balance.request()
    await this.#conditions.until(() => isOver || this.#isClosing || this.#warming(name).length === 0)
    this.#balance.warmUps--
    if (awaited !== undefined) awaited.isAwaitedWarm = false
    deadline?.clear()
    return !isOver
  }

  /** The functions whose minimum is not warm yet, and how far each is. */
  warming(): readonly WarmingFunction[] {
    const nowMs = clock.now()
    return this.#warming().map((pool) => {
      const loadingMs = pool.loading.first === undefined ? null : Math.round(nowMs - pool.loading.first.stateSinceMs)
      return { name: pool.spec.name, warm: pool.serving.count, wanted: pool.minimum.warmed, loadingMs }
    })
  }

  /** What it knows of one function; null: it knows none of this name. Cheaper than the {@link status} of all. */
  statusOf(name: string): FunctionStatus | null {
    return this.#live.get(name)?.status(clock.now()) ?? null
  }

  /** Why no process can be started for this function, once several tries have failed; null otherwise. */
  cannotStart(name: string): string | null {
    const pool = this.#live.get(name)
    return pool === undefined ? null : this.#supply.hopelessBecause(pool.kind.key)
  }

  status(): PoolStatus {
    const nowMs = clock.now()
    const { blanks, starting, processes, memoryBytes, settings } = this.#supply
    return {
      pool: {
        blanks,
        starting,
        workers: processes,
        memoryBytes,
        maxWorkers: settings.maxWorkers,
        memoryLimitBytes: settings.memoryBytes,
        accounting: this.#supply.usesCgroups ? accountingInForce() : 'polling',
        deaths: { ...this.#deaths },
      },
      functions: this.#functions.status(nowMs),
    }
  }

  /**
   * Takes nothing new, lets what was admitted finish, and resolves when every process is gone. What is not finished
   * within `graceMs` is ended and told so; what the system does not end then is not waited for any longer.
   */
  close(graceMs: number = this.defaults.timeoutMs): Promise<void> {
    this.#closing ??= this.#close(graceMs)
    return this.#closing
  }

  // What functions' pools tell.

  requestBalance(pool: FunctionPool): void {
    this.#balance.requestFor(pool)
  }

  onUsed(worker: Worker): void {
    this.#supply.warm.touch(worker)
    if (this.#isClosing) this.#conditions.tell()
  }

  onLoaded(pool: FunctionPool, worker: Worker): void {
    this.#supply.warm.touch(worker)
    const { pid, loadMs, runtime, confined } = worker
    this.emit('loaded', { function: pool.spec.name, pid, loadMs, format: worker.format!, runtime, confined })
  }

  onLoadFailed(pool: FunctionPool, worker: Worker, report: ErrorReport): void {
    this.emit('load-failed', { function: pool.spec.name, pid: worker.pid, report })
  }

  onRecycling(pool: FunctionPool, worker: Worker, reason: DeathReason): void {
    this.emit('recycle', { function: pool.spec.name, pid: worker.pid, reason })
  }

  onUnkept(pool: FunctionPool, worker: Worker, settings: readonly UnkeptSetting[]): void {
    this.emit('unkept', { function: pool.spec.name, pid: worker.pid, settings })
  }

  onDied(pool: FunctionPool, worker: Worker): void {
    this.#functions.onDied(pool)
    this.#afterDeath(pool.spec.name, worker)
  }

  onLog(pool: FunctionPool, worker: Worker, stream: 'stdout' | 'stderr', line: string): void {
    this.emit('log', { function: pool.spec.name, pid: worker.pid, stream, line })
  }

  // What the supply of processes tells.

  onStarted(worker: Worker): void {
    this.emit('start', { function: null, pid: worker.pid })
  }

  requestSupply(): void {
    this.#balance.request()
  }

  onBlankDied(worker: Worker): void {
    this.#afterDeath(null, worker)
  }

  onBlankLog(worker: Worker, stream: 'stdout' | 'stderr', line: string): void {
    this.emit('log', { function: null, pid: worker.pid, stream, line })
  }

  async #close(graceMs: number): Promise<void> {
    this.#isClosing = true
    this.#balance.startClosing()
    const cut = new Deadline(graceMs, () => this.#abort())
    await this.#conditions.until(() => this.#functions.all.every((pool) => pool.isIdle))
    const nowMs = clock.now()
    for (const pool of this.#live.values()) pool.retire(null, 'shutdown', nowMs)
    this.#supply.close(nowMs)
    await this.#conditions.until(() => this.#supply.processes === 0 || this.#isGivenUp)
    this.#supply.endTemplates()
    await this.#conditions.until(() => !this.#supply.hasTemplates || this.#isGivenUp)
    cut.clear()
    this.#gone?.clear()
    this.#tick.end()
    this.#balance.close()
  }

  #warming(name?: string): FunctionPool[] {
    const short = (pool: FunctionPool): boolean => pool.serving.count < pool.minimum.warmed
    // Of all, those whose minimum is not warm: what calls wait for, and successors of workers that serve, is theirs alone.
    const named = [...this.#live.values()].filter((pool) =>
      name === undefined ? short(pool) : pool.spec.name === name,
    )
    const canWarm = (pool: FunctionPool): boolean => this.#supply.hopelessBecause(pool.kind.key) === null
    return named.filter((pool) => pool.demand.isWarming(clock.now()) && canWarm(pool))
  }

  /** Tells of a shortage once, and again when it has become another one; not more often than once in a while. */
  #shareMinimums(): void {
    const shortage = this.#functions.shareMinimums()
    const nowMs = clock.now()
    if (this.#shortage !== null && nowMs - this.#shortage.toldAtMs < TELL_AGAIN_MS) return
    if (shortage === null) {
      this.#shortage = null
      return
    }
    const { wanted, functions, maxWorkers } = shortage
    const key = `${wanted} ${functions} ${maxWorkers}`
    if (this.#shortage?.key === key) return
    this.#shortage = { key, toldAtMs: nowMs }
    this.emit('shortage', shortage)
  }

  #admit(pool: FunctionPool, invocation: Invocation): void {
    if (this.#isClosing) invocation.fail(new InvocationFailure('shutdown', 'The pool is closing'))
    else pool.calls.admit(invocation, clock.now())
  }

  #afterDeath(name: string | null, worker: Worker): void {
    this.#supply.remove(worker)
    const reason = worker.death.reason!
    this.#deaths[reason] = (this.#deaths[reason] ?? 0) + 1
    this.emit('death', {
      function: name,
      pid: worker.pid,
      reason,
      during: worker.death.during,
      invocations: worker.invocations,
      exitCode: worker.death.exit?.code ?? null,
      signal: worker.death.exit?.signal ?? null,
      description: worker.death.description,
    })
    this.#balance.request()
  }

  #onBalanced(isAwaited: boolean): void {
    this.#tick.stayAlive(isAwaited)
    this.#conditions.tell()
  }

  #abort(): void {
    const failure = new InvocationFailure('shutdown', 'The pool was closed before it was finished')
    for (const pool of this.#functions.all) pool.abort(failure)
    for (const worker of this.#supply.workers) worker.kill('shutdown')
    this.#gone = new Deadline(KILLED_MS, () => {
      const pids = [...this.#supply.workers].map(({ pid }) => pid)
      process.emitWarning(`The pool is closed, and the system has not ended its processes ${pids.join(', ')}`)
      this.#isGivenUp = true
      this.#conditions.tell()
    })
  }
}
