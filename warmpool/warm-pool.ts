/**
 * The warm pool: all functions' workers on one machine within one budget. Every event only asks for `balance`, which
 * runs once a turn and brings what is towards what should be, from whatever state it finds: retire what has expired,
 * give blanks to who wants workers, start what is missing, evict when the budget is used up. It knows no HTTP.
 */
import { EventEmitter } from 'node:events'
import { BlankShelf, type BlankShelfHost } from './blank-shelf.ts'
import { DeadlineWheel } from './deadline-wheel.ts'
import type { PoolEvents } from './events.ts'
import { InvocationFailure } from './failure.ts'
import { FunctionPool, type FunctionPoolHost, type FunctionSpec } from './function-pool.ts'
import { FunctionStats } from './function-stats.ts'
import { CORES, IdleCores } from './idle-cores.ts'
import type { Invocation } from './invocation.ts'
import { pacedStarts, urgentStarts } from './policy/pacing.ts'
import {
  DEFAULT_FUNCTION_SETTINGS,
  DEFAULT_POOL_SETTINGS,
  type FunctionSettings,
  type PoolSettings,
} from './settings.ts'
import type { PoolStatus } from './status.ts'
import { TaskInvocation } from './task.ts'
import { WarmSet } from './warm-set.ts'
import type { ErrorReport } from './wire/messages.ts'
import type { Worker } from './worker.ts'
import type { DeathReason } from './worker-state.ts'

/** How often ages, memory and event loops are looked at. */
const TICK_MS = 1_000
const PING_EVERY_MS = 5_000
/** What one more process is expected to need, before it has been measured. */
const WORKER_BYTES = 48 * 1024 * 1024
/** Boots that fail in a row until those who wait are told. */
const HOPELESS_BOOTS = 3
const MOST_WORKERS = 100_000

export interface WarmPoolOptions extends Partial<PoolSettings> {
  /** For every function, where it does not say otherwise. */
  readonly defaults?: Partial<FunctionSettings>
}

export interface RunOptions {
  /** Aborting rejects with an AbortError; the task hears of it through `ctx.signal`. */
  readonly signal?: AbortSignal
  /** Milliseconds from the hand-over to the answer; default: the function's `timeoutMs`. */
  readonly timeout?: number
}

export class WarmPool extends EventEmitter<PoolEvents> implements FunctionPoolHost, BlankShelfHost {
  readonly wheel = new DeadlineWheel()
  readonly defaults: FunctionSettings
  #settings: PoolSettings
  readonly #functions = new Map<string, FunctionPool>()
  /** Earlier bundles whose workers still finish what they have. */
  readonly #retired = new Set<FunctionPool>()
  readonly #shelf: BlankShelf
  readonly #warm = new WarmSet(MOST_WORKERS)
  readonly #idleCores = new IdleCores()
  readonly #deaths: Partial<Record<DeathReason, number>> = {}
  readonly #toBalance = new Set<FunctionPool>()
  readonly #tick: NodeJS.Timeout
  #isBalanceDue = false
  #bootFailures = 0
  #state: 'open' | 'closing' | 'closed' = 'open'
  #onQuiet: (() => void) | null = null

  constructor(options: WarmPoolOptions = {}) {
    super()
    const { defaults, ...settings } = options
    this.defaults = { ...DEFAULT_FUNCTION_SETTINGS, ...defaults }
    this.#settings = { ...DEFAULT_POOL_SETTINGS, ...settings }
    this.#shelf = new BlankShelf('node', this.defaults.bootTimeoutMs, this)
    this.#tick = setInterval(() => this.#onTick(performance.now()), TICK_MS)
    this.#tick.unref()
    this.#scheduleBalance()
  }

  /**
   * Runs the default export of a module with an input, in a worker, and resolves with its output. Input and output are
   * JSON values or bytes (Uint8Array, ArrayBuffer). Rejects with {@link InvocationFailure}, whose `code` says why and
   * whose `cause` is what the task threw, or with an AbortError.
   */
  run(moduleUrl: string | URL, input?: unknown, options: RunOptions = {}): Promise<unknown> {
    const url = String(moduleUrl)
    const pool = this.#functions.get(url) ?? this.#define(taskSpec(url, this.defaults))
    return new Promise((resolve, reject) => {
      const { signal, timeout } = options
      signal?.throwIfAborted()
      const task = new TaskInvocation(input, resolve, reject)
      if (timeout !== undefined) task.timeoutMs = timeout
      this.#admit(pool, task)
      if (signal !== undefined) abortWith(task, signal, reject)
    })
  }

  /** Makes a function known, or gives it a new bundle or new settings. Its calls go to the new bundle from now on. */
  define(spec: FunctionSpec): void {
    const current = this.#functions.get(spec.name)
    if (current === undefined) this.#define(spec)
    else if (current.spec.bundle === spec.bundle) current.retune(spec.settings, performance.now())
    else this.#replace(current, spec)
  }

  /** Forgets a function. Its workers finish what they have. */
  remove(name: string): void {
    const pool = this.#functions.get(name)
    if (pool === undefined) return
    this.#functions.delete(name)
    this.#retire(pool, null)
  }

  /** Hands an invocation to a function. It always ends through its own methods, never by a throw. */
  invoke(name: string, invocation: Invocation): void {
    const pool = this.#functions.get(name)
    if (pool === undefined) invocation.fail(new InvocationFailure('init-failed', `There is no function "${name}"`))
    else this.#admit(pool, invocation)
  }

  /** New numbers for the whole; they hold from now on. */
  retune(settings: PoolSettings): void {
    this.#settings = settings
    this.#scheduleBalance()
  }

  /** Resolves once every function that wants warm workers has them, or cannot have them. */
  async warmedUp(): Promise<void> {
    while (this.#state === 'open' && [...this.#functions.values()].some((pool) => this.#isWarming(pool))) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.off('loaded', done)
          this.off('death', done)
          resolve()
        }
        this.on('loaded', done)
        this.on('death', done)
      })
    }
  }

  status(): PoolStatus {
    const nowMs = performance.now()
    const workers = this.#allWorkers()
    return {
      pool: {
        blanks: this.#shelf.blanks,
        starting: this.#shelf.starting,
        workers: workers.length,
        memoryBytes: sumRss(workers),
        maxWorkers: this.#settings.maxWorkers,
        memoryLimitBytes: this.#settings.memoryBytes,
        deaths: { ...this.#deaths },
      },
      functions: [...this.#functions.values()].map((pool) => pool.status(nowMs)),
    }
  }

  /**
   * Takes nothing new, lets what was admitted finish, and resolves when every process is gone. What is not finished
   * within `graceMs` is ended and told so.
   */
  async close(graceMs: number = this.defaults.timeoutMs): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closing'
    clearInterval(this.#tick)
    const cut = setTimeout(() => this.#abort(), Math.min(graceMs, 2 ** 31 - 1))
    await this.#until(() => this.#pools().every((pool) => pool.isIdle))
    const nowMs = performance.now()
    for (const pool of this.#functions.values()) pool.retire(null, 'shutdown', nowMs)
    for (const worker of this.#shelf.workers) worker.drain('shutdown', 0, nowMs)
    await this.#until(() => this.#allWorkers().length === 0)
    clearTimeout(cut)
    this.#state = 'closed'
  }

  // What functions' pools tell.

  requestBalance(pool: FunctionPool): void {
    this.#toBalance.add(pool)
    this.#scheduleBalance()
  }

  onUsed(worker: Worker): void {
    this.#warm.touch(worker)
    if (this.#onQuiet !== null) this.#onQuiet()
  }

  onLoaded(pool: FunctionPool, worker: Worker): void {
    this.#warm.touch(worker)
    this.emit('loaded', { function: pool.spec.name, pid: worker.pid, kind: worker.startKind, loadMs: worker.loadMs })
  }

  onLoadFailed(pool: FunctionPool, worker: Worker, report: ErrorReport): void {
    this.emit('load-failed', { function: pool.spec.name, pid: worker.pid, report })
  }

  onRecycling(pool: FunctionPool, worker: Worker, reason: DeathReason): void {
    this.emit('recycle', { function: pool.spec.name, pid: worker.pid, reason })
  }

  onDied(pool: FunctionPool, worker: Worker): void {
    this.#warm.remove(worker)
    if (pool.workers.length === 0) this.#retired.delete(pool)
    this.#afterDeath(pool.spec.name, worker)
  }

  onLog(pool: FunctionPool, worker: Worker, stream: 'stdout' | 'stderr', line: string): void {
    this.emit('log', { function: pool.spec.name, pid: worker.pid, stream, line })
  }

  // What the blanks' shelf tells.

  onStarted(worker: Worker): void {
    this.emit('start', { function: null, pid: worker.pid })
  }

  onBlank(): void {
    this.#bootFailures = 0
    this.#scheduleBalance()
  }

  onBlankDied(worker: Worker): void {
    if (worker.diedIn === 'starting' && worker.reason === 'crash') this.#bootFailures++
    this.#afterDeath(null, worker)
  }

  onBlankLog(worker: Worker, stream: 'stdout' | 'stderr', line: string): void {
    this.emit('log', { function: null, pid: worker.pid, stream, line })
  }

  #admit(pool: FunctionPool, invocation: Invocation): void {
    if (this.#state !== 'open') invocation.fail(new InvocationFailure('shutdown', 'The pool is closing'))
    else pool.admit(invocation, performance.now())
  }

  #define(spec: FunctionSpec): FunctionPool {
    const pool = new FunctionPool(spec, 1, new FunctionStats(), this)
    this.#functions.set(spec.name, pool)
    if (spec.settings.minWorkers > 0) this.requestBalance(pool)
    return pool
  }

  #replace(current: FunctionPool, spec: FunctionSpec): void {
    const next = new FunctionPool(spec, current.version + 1, current.stats, this)
    this.#functions.set(spec.name, next)
    this.#retire(current, next)
    this.requestBalance(next)
  }

  #retire(pool: FunctionPool, successor: FunctionPool | null): void {
    this.#toBalance.delete(pool)
    if (pool.workers.length > 0) this.#retired.add(pool)
    pool.retire(successor, 'replaced', performance.now())
  }

  #scheduleBalance(): void {
    if (this.#isBalanceDue || this.#state === 'closed') return
    this.#isBalanceDue = true
    setImmediate(() => {
      this.#isBalanceDue = false
      if (this.#state !== 'closed') this.#balance(performance.now())
    })
  }

  /** Idempotent: running it again without an event changes nothing. */
  #balance(nowMs: number): void {
    if (this.#onQuiet !== null) this.#onQuiet()
    let now = 0
    let soon = 0
    for (const pool of this.#toBalance) {
      pool.retireExpired(nowMs)
      const wanted = pool.wanted(nowMs)
      const missingNow = this.#give(pool, wanted.now, 0, nowMs)
      // What nobody waits for leaves the last blank to whoever comes cold.
      const missingSoon = this.#give(pool, wanted.soon, this.#settings.blanks >= 2 ? 1 : 0, nowMs)
      now += missingNow
      soon += missingSoon
      if (missingNow + missingSoon === 0) this.#toBalance.delete(pool)
    }
    if (this.#state === 'open') this.#start(now, soon, nowMs)
    else if (now > 0) this.#start(now, 0, nowMs)
  }

  /** Gives blanks to a function; returns how many were missing. */
  #give(pool: FunctionPool, count: number, leave: number, nowMs: number): number {
    for (let given = 0; given < count; given++) {
      const worker = this.#shelf.blanks > leave ? this.#shelf.take() : null
      if (worker === null) return count - given
      // A process that was started for somebody who waits is not what a blank is for.
      pool.adopt(worker, worker.isOrdered ? 'cold' : 'blank', nowMs)
    }
    return 0
  }

  /** Starts what is missing: at once where somebody waits, paced for the shelf. */
  #start(now: number, soon: number, nowMs: number): void {
    const shelf = this.#shelf
    const pausedMs = shelf.pausedMs(nowMs)
    if (pausedMs > 0) return this.#waitForBoot(now, pausedMs)
    const boots = { starting: shelf.starting, cores: CORES, idleShare: this.#idleCores.share, sinceLastStartMs: nowMs - shelf.lastStartAtMs }
    const urgent = Math.min(now - shelf.starting, urgentStarts(boots))
    for (let count = 0; count < urgent; count++) this.#startOne(true, nowMs)
    const missing = now + soon + this.#settings.blanks - shelf.blanks - shelf.starting
    const paced = Math.min(missing, pacedStarts({ ...boots, starting: shelf.starting }))
    for (let count = 0; count < paced; count++) this.#startOne(false, nowMs)
  }

  #startOne(isOrdered: boolean, nowMs: number): void {
    const workers = this.#allWorkers()
    const isFull = workers.length >= this.#settings.maxWorkers
    const isOverMemory = sumRss(workers) + WORKER_BYTES > this.#settings.memoryBytes
    // Nobody warm goes for the sake of a blank that nobody waits for.
    if (isFull || isOverMemory) return isOrdered ? this.#evictOne(nowMs) : undefined
    const before = this.#shelf.workers.size
    this.#shelf.start(nowMs)
    if (this.#shelf.workers.size === before) this.#bootFailures++
    else if (isOrdered) [...this.#shelf.workers].at(-1)!.isOrdered = true
  }

  #evictOne(nowMs: number): void {
    const pools = new Map<Worker, FunctionPool>()
    for (const pool of this.#functions.values()) for (const worker of pool.evictable()) pools.set(worker, pool)
    const victim = this.#warm.victim(new Set(pools.keys()), nowMs)
    if (victim !== null) pools.get(victim)!.evict(victim, nowMs)
  }

  #waitForBoot(now: number, pausedMs: number): void {
    if (now > 0 && this.#bootFailures >= HOPELESS_BOOTS) {
      const message = `No worker process can be started: ${this.#shelf.bootFailure}`
      for (const pool of this.#toBalance) pool.failWaiting(new InvocationFailure('boot-failed', message, { retryAfterMs: pausedMs }))
    }
    setTimeout(() => this.#scheduleBalance(), pausedMs).unref()
  }

  #afterDeath(name: string | null, worker: Worker): void {
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
    this.#scheduleBalance()
  }

  #onTick(nowMs: number): void {
    this.#idleCores.look()
    for (const worker of this.#allWorkers()) worker.measure()
    for (const pool of this.#functions.values()) {
      if (pool.workers.length === 0 && pool.settings.minWorkers === 0) continue
      pool.checkResponsive(nowMs, PING_EVERY_MS)
      this.#toBalance.add(pool)
    }
    for (let excess = sumRss(this.#allWorkers()) - this.#settings.memoryBytes; excess > 0; excess -= WORKER_BYTES) this.#evictOne(nowMs)
    this.#balance(nowMs)
  }

  #isWarming(pool: FunctionPool): boolean {
    const { now, soon } = pool.wanted(performance.now())
    return now + soon > 0 || pool.workers.some((worker) => worker.state === 'loading')
  }

  #pools(): FunctionPool[] {
    return [...this.#functions.values(), ...this.#retired]
  }

  #allWorkers(): Worker[] {
    return [...this.#shelf.workers, ...this.#pools().flatMap((pool) => pool.workers)]
  }

  #abort(): void {
    const failure = new InvocationFailure('shutdown', 'The pool was closed before it was finished')
    for (const pool of this.#pools()) pool.abort(failure)
    for (const worker of this.#shelf.workers) worker.kill('shutdown')
  }

  /** Waits for a condition that events bring about. */
  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#onQuiet = () => {
        if (!condition()) return
        this.#onQuiet = null
        resolve()
      }
      this.#onQuiet()
    })
  }
}

function sumRss(workers: readonly Worker[]): number {
  return workers.reduce((sum, worker) => sum + worker.rssBytes, 0)
}

function taskSpec(url: string, settings: FunctionSettings): FunctionSpec {
  return { name: url, bundle: url, entry: url, cwd: null, format: 'task', runtime: 'node', settings }
}

function abortWith(task: TaskInvocation, signal: AbortSignal, reject: (error: unknown) => void): void {
  const onAbort = (): void => {
    task.cancel()
    reject(signal.reason)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  task.whenOver = () => signal.removeEventListener('abort', onAbort)
}
