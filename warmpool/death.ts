/**
 * Why one worker must go and, once it is gone, what it died of: the first reason that applied, unless it went of its own
 * accord while it still held invocations, or was ended for what it used. And which invocations died with it.
 */
import type { Ending } from './ending.ts'
import type { InFlight } from './in-flight.ts'
import type { Invocation } from './invocation.ts'
import { isExcess } from './policy/limits.ts'
import type { Exit } from './spawn.ts'
import type { DeathReason, WorkerState } from './worker-state.ts'
import type { WorkerUsage } from './worker-usage.ts'

/** How an operator or a supervisor asks a process to end. */
const ASKED: ReadonlySet<string> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP'])
/** How V8 ends a process whose heap is full. */
const ABORTED: ReadonlySet<string> = new Set(['SIGABRT', 'SIGTRAP', 'SIGILL'])

export class Death {
  /** Null: it may live. */
  reason: DeathReason | null = null
  /** What broke, where that can be told. */
  note: string | null = null
  /** The state in which it died. */
  during: WorkerState = 'starting'
  /** It sent what it may not send. */
  hasBrokenProtocol = false
  /** V8 has said so. */
  isHeapFull = false
  /** What had not ended, in the order in which it was handed over. */
  orphans: readonly Invocation[] = []
  #neverBegun: ReadonlySet<Invocation> = new Set()
  readonly #ending: Ending
  readonly #inFlight: InFlight
  readonly #usage: WorkerUsage

  constructor(ending: Ending, inFlight: InFlight, usage: WorkerUsage) {
    this.#ending = ending
    this.#inFlight = inFlight
    this.#usage = usage
  }

  /** How the process exited; null while it runs. */
  get exit(): Exit | null {
    return this.#ending.exit
  }

  /** Somebody else killed it: an operator, or the system for want of memory. */
  get wasKilled(): boolean {
    const { exit, note } = this
    if (exit === null || note !== null) return false
    return exit.signal === 'SIGKILL' || (exit.signal !== null && ASKED.has(exit.signal) && !this.#ending.wasSignalled)
  }

  /** For people: `crash during busy (exit code 1)`. */
  get description(): string {
    const { exit } = this
    const how = this.note ?? (exit?.signal ? `signal ${exit.signal}` : `exit code ${exit?.code ?? 'unknown'}`)
    return `${this.reason} during ${this.during} (${how})`
  }

  /** Whether user code never saw this one of its orphans. */
  neverBegan(invocation: Invocation): boolean {
    return this.#neverBegun.has(invocation)
  }

  /** The process is gone; its worker was in this state, and so many invocations had reached user code. */
  conclude(state: WorkerState, begun: number): void {
    this.during = state
    const isLeaving = state === 'draining'
    if (this.reason === null || (isLeaving && this.#inFlight.size > 0)) this.#blameUse()
    // It was to go when its calls had ended, and did not wait for that.
    const hasLeftCalls = isLeaving && !this.#inFlight.isDrained
    if (hasLeftCalls && !this.#ending.wasSignalled && !isExcess(this.reason)) this.reason = 'crash'
    // Killed from outside while it loaded says nothing of the function.
    this.reason ??= state === 'loading' && !this.wasKilled ? 'init-failed' : 'crash'
    this.orphans = this.#inFlight.takeAll()
    this.#neverBegun = new Set(this.orphans.filter((orphan) => orphan.state === 'sent' && orphan.id > begun))
  }

  /** It has ended by itself, or the kernel has ended it: of too much, perhaps, also while it should have gone anyway. */
  #blameUse(): void {
    if (!this.#usage.isLimited) return
    const isHeapFull = this.isHeapFull && ABORTED.has(this.exit?.signal ?? '')
    const excess = isHeapFull ? 'out-of-memory' : this.#usage.seenByKernel
    if (excess === null) return
    this.reason = excess
    this.note ??= isHeapFull ? 'its heap was full' : this.#usage.describe(excess)
  }
}
