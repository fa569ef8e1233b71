/**
 * Processes of one kind without a function: those that boot and those that are ready to become any function of that
 * kind. It takes care of their boot deadline and of pausing when booting fails; how many there should be is the
 * pool's decision.
 */
import type { BlankKind } from './blank-kind.ts'
import { afterFailure, type Breaker, CLOSED, isOpen } from './policy/breaker.ts'
import { clock } from './running-clock.ts'
import { commandOf, type RuntimeLocator, RuntimeMissing } from './runtime.ts'
import { noSandboxBecause } from './sandbox/available.ts'
import { inSandbox } from './sandbox/launch.ts'
import type { Command } from './spawn.ts'
import { Template, type TemplateOwner } from './template/template.ts'
import { Worker } from './worker.ts'
import type { WorkerOwner } from './worker-owner.ts'
import { bootWorker, type Start } from './worker-start.ts'
import type { DeathReason } from './worker-state.ts'

export interface BlankShelfHost {
  onStarted(worker: Worker): void
  onTemplateGone(): void
  /** A blank is on the shelf. */
  onBlank(worker: Worker): void
  onBlankDied(worker: Worker): void
  onBlankLog(worker: Worker, stream: 'stdout' | 'stderr', line: string): void
  readonly usesCgroups: boolean
}

/** There are none here: trying again does not help until somebody has done something. */
class SandboxMissing extends Error {
  override readonly name = 'SandboxMissing'

  constructor(why: string) {
    super(
      `its sandbox cannot be had here: ${why}. The machine lacks it, not the function: \`wrangler-free doctor\` says more. ` +
        "With isolationMissing: 'warn' it runs as `process`, with a warning",
    )
  }
}

/** Boots that fail in a row until those who wait are told. */
const HOPELESS_BOOTS = 3

export class BlankShelf implements WorkerOwner, TemplateOwner {
  /** All of them: starting, blank, and draining. */
  readonly workers = new Set<Worker>()
  /** Forks that were asked for: processes of which nobody knows the number yet. */
  forking = 0
  lastStartAtMs = Number.NEGATIVE_INFINITY
  /** Blanks that were taken by who waited, and are not replaced yet. */
  owed = 0
  /** When a blank was taken for the first time since one was started. */
  takenAtMs = Number.NEGATIVE_INFINITY
  readonly #host: BlankShelfHost
  readonly #kind: BlankKind
  readonly #locate: RuntimeLocator | undefined
  readonly #bootTimeoutMs: number
  #template: Template | null = null
  #isClosed = false
  #breaker: Breaker = CLOSED
  #failedBoots = 0
  /** Why the last process did not boot; null once one has. */
  #bootFailure: string | null = null
  /** Its program is not there: what to do about it; null once a process has been started. */
  #missing: string | null = null

  constructor(kind: BlankKind, locate: RuntimeLocator | undefined, bootTimeoutMs: number, host: BlankShelfHost) {
    this.#kind = kind
    this.#locate = locate
    this.#bootTimeoutMs = bootTimeoutMs
    this.#host = host
  }

  /** One function's: nobody else has a use for them, and it has none for more than it needs. */
  get isOneFunctions(): boolean {
    return this.#kind.sandbox !== null && this.#kind.sandbox.own !== null
  }

  get isForked(): boolean {
    return this.#kind.isForked
  }

  get starting(): number {
    return this.forking + this.#count('starting')
  }

  /** Those that are here soon: not what waits for its template. */
  get arriving(): number {
    return this.#count('starting') + (this.#template?.isBooting === false ? this.forking : 0)
  }

  get isTemplateBooting(): boolean {
    return this.#template?.isBooting === true
  }

  get blanks(): number {
    return this.#count('blank')
  }

  /** Why no process can be started, when several in a row could not; null otherwise. */
  get hopelessBecause(): string | null {
    return this.#missing ?? (this.#failedBoots >= HOPELESS_BOOTS ? this.#bootFailure : null)
  }

  /** Milliseconds until a process may be started again; 0: now. */
  pausedMs(nowMs: number): number {
    return isOpen(this.#breaker, nowMs) ? this.#breaker.closedAtMs - nowMs : 0
  }

  /**
   * Starts one process. A refusal of the system counts as a failed boot. What is awaited does not wait for the boot of what
   * others are forked from: it boots itself meanwhile; and so does what comes after one that could not be forked.
   */
  start(nowMs: number, isAwaited = false): void {
    this.lastStartAtMs = nowMs
    try {
      const canFork = this.#kind.isForked && this.#failedBoots === 0
      if (canFork && !(isAwaited && this.#openTemplate().isBooting)) this.#fork()
      else this.#begin(bootWorker(this.#command(), this.#host.usesCgroups), nowMs)
    } catch (error) {
      // What is not installed will not be there with the third try either: who waits is told at once.
      if (error instanceof RuntimeMissing || error instanceof SandboxMissing) this.#missing = error.message
      this.#failed((error as Error).message, nowMs)
      if (this.#missing !== null) this.#failedBoots = 0
    }
  }

  /** Its blanks go, and what they were forked from: one that is just being forked comes first, for its parent would not know it. */
  empty(reason: DeathReason, nowMs: number): void {
    for (const worker of [...this.workers]) worker.drain(reason, 0, nowMs)
    if (this.forking === 0 || this.isTemplateBooting) this.endTemplate()
  }

  /** Its blanks go, and those that are still to come. What it has forked for others goes on until they let it go. */
  close(nowMs: number): void {
    this.#isClosed = true
    for (const worker of [...this.workers]) worker.drain('shutdown', 0, nowMs)
    if (this.isTemplateBooting) this.endTemplate()
  }

  get hasTemplate(): boolean {
    return this.#template !== null
  }

  endTemplate(): void {
    this.#template?.end()
  }

  onTemplateGone(template: Template, why: string | null): void {
    if (this.#template === template) this.#template = null
    if (why !== null) this.#failed(why, clock.now())
    this.#host.onTemplateGone()
  }

  #openTemplate(): Template {
    this.#template ??= new Template(this.#command(), this.#host.usesCgroups, this.#bootTimeoutMs, this)
    return this.#template
  }

  #fork(): void {
    const { usesCgroups } = this.#host
    this.#openTemplate().fork(usesCgroups, (start) => {
      this.forking--
      const nowMs = clock.now()
      if (typeof start === 'string') this.#failed(start, nowMs)
      else if (start !== null) this.#begin(start, nowMs)
      if (this.#isClosed) this.close(nowMs)
    })
    this.forking++
  }

  #begin(start: Start, nowMs: number): void {
    this.#missing = null
    const worker = new Worker(start, this, nowMs)
    this.workers.add(worker)
    worker.setDeadline(this.#bootTimeoutMs, () => {
      worker.death.note = `it did not boot within ${this.#bootTimeoutMs} ms`
      worker.kill('crash')
    })
    this.#host.onStarted(worker)
  }

  /** The longest waiting blank, for good; null when there is none. */
  take(): Worker | null {
    for (const worker of this.workers) {
      if (worker.state !== 'blank') continue
      this.workers.delete(worker)
      // From the first that is missing on: one that follows does not put off its replacement.
      if (this.takenAtMs < this.lastStartAtMs) this.takenAtMs = clock.now()
      return worker
    }
    return null
  }

  onBooted(worker: Worker): void {
    worker.clearDeadline()
    this.#breaker = CLOSED
    this.#bootFailure = null
    this.#failedBoots = 0
    this.#host.onBlank(worker)
  }

  onDied(worker: Worker): void {
    worker.clearDeadline()
    this.workers.delete(worker)
    if (worker.death.reason === 'crash' && worker.death.during === 'starting')
      this.#failed(worker.death.description, clock.now())
    this.#host.onBlankDied(worker)
  }

  onLog(worker: Worker, stream: 'stdout' | 'stderr', line: string): void {
    this.#host.onBlankLog(worker, stream, line)
  }

  // A blank has no function to load and no invocations to end.
  onLoaded(): void {}
  onLoadFailed(): void {}

  onRetiring(): void {}
  onFreed(): void {}
  evict(): void {}

  surplusOf(): number {
    return 0
  }

  get usualLoadMs(): number {
    return 0
  }

  isSpare(): boolean {
    return false
  }

  #command(): Command {
    const { runtime, sandbox } = this.#kind
    const command = commandOf(runtime, this.#locate)
    if (sandbox === null) return command
    const why = noSandboxBecause(sandbox.network)
    if (why !== null) throw new SandboxMissing(why)
    return inSandbox(command, sandbox)
  }

  #failed(message: string, nowMs: number): void {
    this.#bootFailure = message
    this.#failedBoots++
    this.#breaker = afterFailure(this.#breaker, 0, nowMs)
  }

  #count(state: 'starting' | 'blank'): number {
    let count = 0
    for (const worker of this.workers) if (worker.state === state) count++
    return count
  }
}
