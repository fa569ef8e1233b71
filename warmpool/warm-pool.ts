/**
 * The warm pool: all functions' workers on one machine within one budget. Every event only asks for `balance`, which
 * runs once a turn and brings what is towards what should be, from whatever state it finds: retire what has expired,
 * give blanks to who wants workers, start what is missing, evict when the budget is used up. It knows no HTTP.
 */
import { EventEmitter } from 'node:events'
import { AnswerWatch } from './answer-watch.ts'
import { checkModuleUrl, checkOptions, checkTimeout } from './check-options.ts'
import { Conditions } from './conditions.ts'
import { DeadlineWheel } from './deadline-wheel.ts'
import type { EgressLocator } from './egress.ts'
import type { PoolEvents } from './events.ts'
import { InvocationFailure } from './failure.ts'
import { FunctionPool, type FunctionPoolHost } from './function-pool.ts'
import { type FunctionSpec, isSameCode, taskSpec } from './function-spec.ts'
import { FunctionStats } from './function-stats.ts'
import type { Invocation } from './invocation.ts'
import { MissingByKind } from './missing.ts'
import { poorest, surplusOf } from './policy/fair-share.ts'
import { ProcessSupply, type SupplyHost } from './process-supply.ts'
import { accountingInForce } from './resources/cgroups.ts'
import type { UnkeptSetting } from './resources/process-group.ts'
import type { RuntimeLocator } from './runtime.ts'
import {
  DEFAULT_FUNCTION_SETTINGS,
  DEFAULT_POOL_SETTINGS,
  type FunctionDefaults,
  type FunctionSettings,
  memoryLimitBytes,
  type PoolSettings,
} from './settings.ts'
import type { FunctionStatus, PoolStatus } from './status.ts'
import { TaskInvocation } from './task.ts'
import type { ErrorReport } from './wire/messages.ts'
import type { Worker } from './worker.ts'
import type { DeathReason } from './worker-state.ts'

/** How often ages, memory and event loops are looked at. */
const TICK_MS = 1_000
const PING_EVERY_MS = 5_000
/** How often memory is looked at between two ticks, where only looking helps. */
const GLANCE_EVERY_MS = 200
/** The longest that setTimeout can count. */
const LONGEST_GRACE_MS = 2 ** 31 - 1

export interface WarmPoolOptions extends Partial<PoolSettings> {
  /** For every function, where it does not say otherwise. */
  readonly defaults?: FunctionDefaults
  /** Where the programs of the runtimes are that are not always there; default: there are none. */
  readonly locateRuntime?: RuntimeLocator
  /** Where the proxies are of functions whose `network` is a list of hosts; default: there are none. */
  readonly egress?: EgressLocator
}

export interface RunOptions {
  /** Aborting rejects with an AbortError; the task hears of it through `ctx.signal`. */
  readonly signal?: AbortSignal
  /** Milliseconds from the hand-over to the answer; default: the function's `timeoutMs`. */
  readonly timeout?: number
}

export class WarmPool extends EventEmitter<PoolEvents> implements FunctionPoolHost, SupplyHost {
  readonly wheel = new DeadlineWheel()
  readonly watch = new AnswerWatch()
  readonly defaults: FunctionSettings
  readonly egressOf: EgressLocator
  readonly #functions = new Map<string, FunctionPool>()
  /** Earlier bundles whose workers still finish what they have. */
  readonly #retired = new Set<FunctionPool>()
  readonly #supply: ProcessSupply
  readonly #deaths: Partial<Record<DeathReason, number>> = {}
  readonly #toBalance = new Set<FunctionPool>()
  readonly #conditions = new Conditions()
  readonly #tick: NodeJS.Timeout
  #nextTickAtMs = 0
  #isBalanceDue = false
  /** How many wait for {@link warmedUp}: then nothing is paced. */
  #warmUps = 0
  #state: 'open' | 'closing' | 'closed' = 'open'
  #closing: Promise<void> | null = null

  constructor(options: WarmPoolOptions = {}) {
    super()
    const { defaults, locateRuntime, egress, ...settings } = options
    checkOptions(settings, defaults ?? {})
    this.defaults = filledIn(defaults ?? {})
    this.egressOf = egress ?? (() => null)
    const supplied = { ...DEFAULT_POOL_SETTINGS, ...settings }
    this.#supply = new ProcessSupply(supplied, this.defaults.bootTimeoutMs, locateRuntime, this)
    this.#tick = setInterval(() => this.#onTick(performance.now()), TICK_MS)
    this.#tick.unref()
    this.requestSupply()
  }

  /**
   * Runs the default export of a module with an input, in a worker, and resolves with its output. Input and output are
   * JSON values or bytes (Uint8Array, ArrayBuffer). Rejects with {@link InvocationFailure}, whose `code` says why and
   * whose `cause` is what the task threw, or with an AbortError.
   */
  run(moduleUrl: string | URL, input?: unknown, options: RunOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { signal, timeout } = options
      const url = checkModuleUrl(moduleUrl)
      signal?.throwIfAborted()
      const task = new TaskInvocation(input, resolve, reject)
      if (timeout !== undefined) task.timeoutMs = checkTimeout(timeout)
      this.#admit(this.#functions.get(url) ?? this.#define(taskSpec(url, this.defaults)), task)
      if (signal !== undefined) abortWith(task, signal, reject)
    })
  }

  /** Makes a function known, or gives it a new bundle or new settings. Its calls go to the new bundle from now on. */
  define(spec: FunctionSpec): void {
    const current = this.#functions.get(spec.name)
    if (current === undefined) this.#define(spec)
    else if (isSameCode(current.spec, spec)) this.#retune(current, spec.settings)
    else this.#replace(current, spec)
  }

  /** Forgets a function. Its workers finish what they have; what waits for one goes to `successor`, or is told. */
  remove(name: string, successor?: string): void {
    const pool = this.#functions.get(name)
    if (pool === undefined) return
    this.#functions.delete(name)
    this.#retire(pool, (successor === undefined ? undefined : this.#functions.get(successor)) ?? null)
  }

  /** Hands an invocation to a function. It always ends through its own methods, never by a throw. */
  invoke(name: string, invocation: Invocation): void {
    const pool = this.#functions.get(name)
    if (pool === undefined) invocation.fail(new InvocationFailure('init-failed', `There is no function "${name}"`))
    else this.#admit(pool, invocation)
  }

  /** New numbers for the whole; they hold from now on. */
  retune(settings: PoolSettings): void {
    this.#supply.settings = settings
    this.requestSupply()
  }

  /** Resolves once every function (or the one that is named) that wants warm workers has them, or cannot have them. */
  async warmedUp(name?: string): Promise<void> {
    this.#warmUps++
    this.requestSupply()
    await this.#conditions.until(() => {
      if (this.#state !== 'open') return true
      const canWarm = (pool: FunctionPool): boolean => this.#supply.hopelessBecause(pool.kind.key) === null
      const named =
        name === undefined ? this.#functions.values() : [this.#functions.get(name)].filter((one) => one !== undefined)
      return ![...named].some((pool) => pool.isWarming(performance.now()) && canWarm(pool))
    })
    this.#warmUps--
  }

  /** What it knows of one function; null: it knows none of this name. Cheaper than the {@link status} of all. */
  statusOf(name: string): FunctionStatus | null {
    return this.#functions.get(name)?.status(performance.now()) ?? null
  }

  /** Why no process can be started for this function, once several tries have failed; null otherwise. */
  cannotStart(name: string): string | null {
    const pool = this.#functions.get(name)
    return pool === undefined ? null : this.#supply.hopelessBecause(pool.kind.key)
  }

  status(): PoolStatus {
    const nowMs = performance.now()
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
      functions: [...this.#functions.values()].map((pool) => {
        const status = pool.status(nowMs)
        // Workers of an earlier bundle finish what they have: they are still this function's.
        const earlier = [...this.#retired].filter(({ spec }) => spec.name === status.name)
        return { ...status, workers: [...status.workers, ...earlier.flatMap((old) => old.status(nowMs).workers)] }
      }),
    }
  }

  /**
   * Takes nothing new, lets what was admitted finish, and resolves when every process is gone. What is not finished
   * within `graceMs` is ended and told so.
   */
  close(graceMs: number = this.defaults.timeoutMs): Promise<void> {
    this.#closing ??= this.#close(graceMs)
    return this.#closing
  }

  // What functions' pools tell.

  requestBalance(pool: FunctionPool): void {
    this.#toBalance.add(pool)
    this.requestSupply()
  }

  onUsed(worker: Worker): void {
    this.#supply.warm.touch(worker)
    if (this.#state === 'closing') this.#conditions.tell()
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
    if (pool.workers.length === 0) this.#retired.delete(pool)
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
    if (this.#isBalanceDue || this.#state === 'closed') return
    this.#isBalanceDue = true
    setImmediate(() => {
      this.#isBalanceDue = false
      if (this.#state !== 'closed') this.#balance(performance.now())
    })
  }

  onBlankDied(worker: Worker): void {
    this.#afterDeath(null, worker)
  }

  onBlankLog(worker: Worker, stream: 'stdout' | 'stderr', line: string): void {
    this.emit('log', { function: null, pid: worker.pid, stream, line })
  }

  async #close(graceMs: number): Promise<void> {
    this.#state = 'closing'
    const cut = setTimeout(() => this.#abort(), Math.min(graceMs, LONGEST_GRACE_MS))
    await this.#conditions.until(() => this.#pools().every((pool) => pool.isIdle))
    const nowMs = performance.now()
    for (const pool of this.#functions.values()) pool.retire(null, 'shutdown', nowMs)
    this.#supply.close(nowMs)
    await this.#conditions.until(() => this.#supply.processes === 0)
    this.#supply.endTemplates()
    await this.#conditions.until(() => !this.#supply.hasTemplates)
    clearTimeout(cut)
    clearInterval(this.#tick)
    this.#state = 'closed'
  }

  #admit(pool: FunctionPool, invocation: Invocation): void {
    if (this.#state !== 'open') invocation.fail(new InvocationFailure('shutdown', 'The pool is closing'))
    else pool.calls.admit(invocation, performance.now())
  }

  #define(spec: FunctionSpec): FunctionPool {
    const pool = new FunctionPool(spec, 1, new FunctionStats(), this)
    this.#supply.use(pool.kind)
    this.#functions.set(spec.name, pool)
    if (spec.settings.minWorkers > 0) this.requestBalance(pool)
    return pool
  }

  #replace(current: FunctionPool, spec: FunctionSpec): void {
    const next = new FunctionPool(spec, current.version + 1, current.stats, this)
    this.#supply.use(next.kind)
    this.#functions.set(spec.name, next)
    this.#retire(current, next)
    this.requestBalance(next)
  }

  #retune(pool: FunctionPool, settings: FunctionSettings): void {
    const { kind } = pool
    const nowMs = performance.now()
    pool.retune(settings, nowMs)
    if (pool.kind === kind) return
    this.#supply.use(pool.kind)
    this.#supply.leave(kind, nowMs)
  }

  #retire(pool: FunctionPool, successor: FunctionPool | null): void {
    this.#toBalance.delete(pool)
    if (pool.workers.length > 0) this.#retired.add(pool)
    const nowMs = performance.now()
    pool.retire(successor, 'replaced', nowMs)
    this.#supply.leave(pool.kind, nowMs)
  }

  /** Idempotent: running it again without an event changes nothing. */
  #balance(nowMs: number): void {
    const missing = new MissingByKind()
    for (const pool of this.#toBalance) pool.retireExpired(nowMs)
    this.#shareOut(nowMs)
    for (const pool of this.#toBalance) this.#provide(pool, missing, nowMs)
    const { awaited } = missing
    // While closing, nothing is started that nobody waits for.
    if (this.#state !== 'open') missing.dropSoon()
    if (this.#state === 'open' || awaited.length > 0) this.#supply.start(missing, nowMs)
    const areTold = awaited.map((kind) => this.#tellIfHopeless(kind, nowMs))
    this.#stayAlive(areTold.includes(false))
    this.#conditions.tell()
  }

  /** Where several functions wait for workers or are owed some, blanks go one by one to whoever has the least. */
  #shareOut(nowMs: number): void {
    const claimants = [...this.#toBalance].filter((pool) => pool.claim(nowMs).wants > 0)
    if (claimants.length < 2 || claimants.every((pool) => pool.wanted(nowMs).now === 0)) return
    while (claimants.length > 0) {
      const at = poorest(claimants.map((pool) => surplusOf(pool.claim(nowMs))))
      const pool = claimants[at]!
      const worker = this.#supply.take(pool.kind.key, pool, nowMs)
      if (worker !== null) pool.adopt(worker, nowMs)
      if (worker === null || pool.claim(nowMs).wants <= 0) claimants.splice(at, 1)
    }
  }

  /** Gives a function the blanks that it needs, and notes what is missing then. */
  #provide(pool: FunctionPool, missing: MissingByKind, nowMs: number): void {
    const kind = pool.kind.key
    const wanted = pool.wanted(nowMs)
    const isAwaited = this.#warmUps > 0
    const take = (): Worker | null => this.#supply.take(kind, pool, nowMs)
    const takeSpare = (): Worker | null => this.#supply.takeSpare(kind, pool.isOneShot, nowMs)
    const now = give(pool, wanted.now, take, nowMs)
    const soon = give(pool, wanted.soon, isAwaited ? take : takeSpare, nowMs)
    if (now + soon === 0) {
      this.#toBalance.delete(pool)
      return
    }
    const claimant = pool.claim(nowMs)
    if (isAwaited) missing.add(kind, { now: now + soon, soon: 0, warming: soon }, claimant)
    else missing.add(kind, { now, soon }, claimant)
  }

  /**
   * Somebody waits for what may not even be booting: between two tries nothing but the tick keeps the program alive.
   * Where nobody waits, it must not.
   */
  #stayAlive(isAwaited: boolean): void {
    if (isAwaited === this.#tick.hasRef()) return
    if (isAwaited) this.#tick.ref()
    else this.#tick.unref()
  }

  #tellIfHopeless(kind: string, nowMs: number): boolean {
    const why = this.#supply.hopelessBecause(kind)
    if (why === null) return false
    const details = { retryAfterMs: this.#supply.pausedMs(kind, nowMs) }
    const failure = new InvocationFailure('boot-failed', `No worker process can be started: ${why}`, details)
    for (const pool of this.#toBalance) if (pool.kind.key === kind) pool.calls.failWaiting(failure)
    return true
  }

  #afterDeath(name: string | null, worker: Worker): void {
    this.#supply.remove(worker)
    const reason = worker.reason!
    this.#deaths[reason] = (this.#deaths[reason] ?? 0) + 1
    this.emit('death', {
      function: name,
      pid: worker.pid,
      reason,
      during: worker.diedIn,
      invocations: worker.invocations,
      exitCode: worker.exit?.code ?? null,
      signal: worker.exit?.signal ?? null,
      description: worker.describeDeath(),
    })
    this.requestSupply()
  }

  #onTick(nowMs: number): void {
    this.#nextTickAtMs = nowMs + TICK_MS
    this.#supply.measure(nowMs)
    if (this.#supply.isPolling) this.#glanceSoon()
    for (const pool of this.#pools()) pool.checkLimits()
    for (const pool of this.#functions.values()) {
      if (pool.workers.length === 0 && pool.settings.minWorkers === 0) continue
      pool.checkResponsive(nowMs, PING_EVERY_MS)
      pool.shareProcessors()
      this.#toBalance.add(pool)
    }
    this.#balance(nowMs)
  }

  #glanceSoon(): void {
    setTimeout(() => {
      this.#supply.glance()
      for (const pool of this.#pools()) pool.checkLimits()
      if (performance.now() < this.#nextTickAtMs - GLANCE_EVERY_MS) this.#glanceSoon()
    }, GLANCE_EVERY_MS).unref()
  }

  #pools(): FunctionPool[] {
    return [...this.#functions.values(), ...this.#retired]
  }

  #abort(): void {
    const failure = new InvocationFailure('shutdown', 'The pool was closed before it was finished')
    for (const pool of this.#pools()) pool.abort(failure)
    for (const worker of this.#supply.workers) worker.kill('shutdown')
  }
}

function filledIn(defaults: FunctionDefaults): FunctionSettings {
  const base = DEFAULT_FUNCTION_SETTINGS
  const memoryBytes = memoryLimitBytes(defaults.memoryBytes ?? base.memoryBytes)
  return {
    ...base,
    ...defaults,
    limits: { ...base.limits, memoryBytes, ...defaults.limits },
    cpu: { ...base.cpu, ...defaults.cpu },
  }
}

/** Gives processes to a function; returns how many were missing. */
function give(pool: FunctionPool, count: number, take: () => Worker | null, nowMs: number): number {
  for (let given = 0; given < count; given++) {
    const worker = take()
    if (worker === null) return count - given
    pool.adopt(worker, nowMs)
  }
  return 0
}

function abortWith(task: TaskInvocation, signal: AbortSignal, reject: (error: unknown) => void): void {
  const onAbort = (): void => {
    task.cancel()
    reject(signal.reason)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  task.whenOver = () => signal.removeEventListener('abort', onAbort)
}
