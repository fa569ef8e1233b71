/**
 * The parent's handle on one process. It alone changes that process's state, by the table in worker-state.ts, and it
 * guarantees that every invocation handed to it ends exactly once and that the process and its whole group are gone
 * when it says so. It decides nothing: whom it serves and when it must go is the pool's business.
 */

import { allInForce, explained, withheld } from './confinement.ts'
import { Ending, type EndingOwner } from './ending.ts'
import type { InvocationFailure } from './failure.ts'
import { InFlight } from './in-flight.ts'
import type { Invocation } from './invocation.ts'
import type { Journal } from './journal.ts'
import { LogBudget, LogLines } from './log-lines.ts'
import { type Excess, isExcess } from './policy/limits.ts'
import type { Budget } from './policy/recycling.ts'
import { removePrivateFolder } from './private-folder.ts'
import { forgetGroup } from './reaper.ts'
import { type Redaction, redactionOf } from './redaction.ts'
import type { ProcessGroup, UnkeptSetting } from './resources/process-group.ts'
import type { ProcessTable } from './resources/process-table.ts'
import type { Secrets } from './secret.ts'
import { DEFAULT_FUNCTION_SETTINGS, type FunctionSettings } from './settings.ts'
import type { Exit, Sandboxed, WorkerProcess } from './spawn.ts'
import type { WorkerStatus } from './status.ts'
import { RingReader, RingWriter, TO_PARENT, TO_WORKER } from './wire/body-ring.ts'
import { FrameReader } from './wire/frame-reader.ts'
import { FrameWriter, flushAfterThisRead } from './wire/frame-writer.ts'
import { FRAME, type FrameType, PROTOCOL_VERSION, ProtocolError } from './wire/frames.ts'
import {
  type Confined,
  type Confinement,
  type ErrorReport,
  type Hello,
  type Load,
  parseMessage,
  type Ready,
} from './wire/messages.ts'
import { giveBack, type Start } from './worker-start.ts'
import { type DeathReason, nextState, type WorkerState } from './worker-state.ts'
import { WorkerUsage } from './worker-usage.ts'

/** How V8 ends a process whose heap is full. */
const ABORTED: ReadonlySet<string> = new Set(['SIGABRT', 'SIGTRAP', 'SIGILL'])

/** What a worker tells whoever owns it. The owner changes with its life: the blanks' shelf, then a function's pool. */
export interface WorkerOwner {
  onBooted(worker: Worker): void
  onLoaded(worker: Worker): void
  /** The function's fault; the worker is on its way out. */
  onLoadFailed(worker: Worker, report: ErrorReport): void
  /** An invocation ended (with a failure, or well) and its slot is free. */
  onFreed(worker: Worker, invocation: Invocation, failure: InvocationFailure | null, nowMs: number): void
  /** It is gone; these had not ended, in the order in which they were handed over. */
  onDied(worker: Worker, orphans: readonly Invocation[]): void
  /** It could go now without anybody noticing at once. */
  isSpare(worker: Worker): boolean
  /** How many serving workers beyond its minimum its owner has; 0 when this one serves nobody. */
  surplusOf(worker: Worker): number
  /** Another function needs its place. */
  evict(worker: Worker, nowMs: number): void
  onLog(worker: Worker, stream: 'stdout' | 'stderr', line: string): void
}

export class Worker implements EndingOwner {
  readonly pid: number
  readonly bornAtMs: number
  readonly writer: FrameWriter
  owner: WorkerOwner
  state: WorkerState = 'starting'
  /** When it had booted: since then it was a blank, or more. */
  bootedAtMs = Number.POSITIVE_INFINITY
  /** Since when it has been in this state. */
  stateSinceMs: number
  idleSinceMs = 0
  rssBytes = 0
  /** Invocations handed over, in its whole life. */
  invocations = 0
  /** After how much its replacement is started; the function's pool draws it when it is loaded. */
  budget: Budget = { invocations: Number.POSITIVE_INFINITY, ageMs: Number.POSITIVE_INFINITY }
  /** Why its budget is used up: it serves until its replacement is warm. */
  expiring: DeathReason | null = null
  /** When the function was loaded, and how long that took. */
  loadedAtMs = 0
  loadMs = 0
  /** What the loaded function's format allows at most. */
  formatConcurrency = Number.POSITIVE_INFINITY
  format: string | null = null
  /** What was taken from it; null before it has loaded, and for what is trusted. */
  confined: Confined | null = null
  runtime = ''
  /** Why it must go: the first reason that applied. */
  reason: DeathReason | null = null
  /** The state in which it died. */
  diedIn: WorkerState = 'starting'
  /** It sent what it may not send. */
  hasBrokenProtocol = false
  /** What broke, where it died of something that can be told. */
  note: string | null = null
  lastPongAtMs = 0
  lastPingAtMs = 0

  /** Itself and everything that it has started. */
  readonly group: ProcessGroup
  /** How it was started in a sandbox; null: in none. */
  readonly sandboxed: Sandboxed | null
  readonly #logBudget = new LogBudget(DEFAULT_FUNCTION_SETTINGS.limits.logBytes)
  readonly #usage: WorkerUsage
  #hasHeapRunOut = false
  readonly #process: WorkerProcess
  readonly #journal: Journal
  readonly #reader: FrameReader
  readonly #inFlight = new InFlight((invocation, failure) => this.#onFreed(invocation, failure))
  readonly #ending: Ending
  /** One time for all answers of a read: asking for it took longer than what most of them need. */
  #readAtMs = 0
  #hasJournal = false
  /** Its own, of a load; what it was started with is in `sandboxed`. */
  #folder: string | null = null
  #confinement: Confinement | null = null
  #neverBegun: ReadonlySet<Invocation> = new Set()
  #deadline: NodeJS.Timeout | null = null
  #redaction: Redaction | null = null

  constructor({ process, journal, group, sandboxed }: Start, owner: WorkerOwner, nowMs: number) {
    this.owner = owner
    this.sandboxed = sandboxed
    this.bornAtMs = nowMs
    this.stateSinceMs = nowMs
    this.#journal = journal
    this.group = group
    this.#usage = new WorkerUsage(group)
    this.#process = process
    this.pid = process.pid
    const { wire, stdout, stderr } = process
    this.writer = new FrameWriter(wire)
    this.#reader = new FrameReader(this.#onFrame.bind(this))
    wire.on('data', (chunk: Buffer) => this.#onBytes(chunk))
    wire.on('error', () => {})
    this.#ending = new Ending(process, group, this)
    new LogLines(stdout, this.#logBudget, (line) => this.#onLine('stdout', line))
    new LogLines(stderr, this.#logBudget, (line) => this.#onErrorLine(line))
  }

  /** How the process exited; null while it runs. */
  get exit(): Exit | null {
    return this.#ending.exit
  }

  /** Somebody else killed it: an operator, or the system for want of memory. */
  get wasKilled(): boolean {
    return this.exit?.signal === 'SIGKILL' && this.note === null
  }

  get isExpiring(): boolean {
    return this.expiring !== null
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  /** From now on these values are taken out of what it prints and throws. They are told with `env`. */
  keepSecret(secrets: Secrets): void {
    this.#redaction = redactionOf(secrets)
    this.#inFlight.redaction = this.#redaction
  }

  /** Becomes a function, once and for ever. */
  load(load: Omit<Load, 'ring'>, owner: WorkerOwner, nowMs: number): void {
    this.#enter('loading', nowMs)
    this.owner = owner
    this.#confinement = load.confinement ?? null
    if (load.confinement) {
      this.#folder = load.confinement.folder
      this.#usage.watchFolder(this.#folder)
    }
    this.writer.json(FRAME.load, 0, { ...load, ring: this.#reader.ring !== null } satisfies Load)
    // Not at the turn's end: the new function is being waited for.
    this.writer.flush()
  }

  /** Hands an invocation over. The caller has checked that there is a slot. */
  begin(invocation: Invocation, nowMs: number, timeLeftMs: number): void {
    if (this.state === 'ready') this.#enter('busy', nowMs)
    else if (this.state !== 'busy') throw new Error(`A ${this.state} worker cannot take an invocation`)
    const id = ++this.invocations
    this.#inFlight.add(id, invocation)
    invocation.sendTo(this, nowMs, timeLeftMs === Number.POSITIVE_INFINITY ? 0 : Math.max(1, timeLeftMs))
    if (this.writer.ring !== null) this.#journal.mapWhenUsed(this.writer.ring)
  }

  /** The caller has left: the handler hears of it, the slot stays taken until it has ended. */
  cancel(invocation: Invocation): void {
    if (this.#inFlight.has(invocation)) this.writer.empty(FRAME.cancel, invocation.id)
  }

  /** True when the process is known not to have begun it, whatever it did with the others. */
  hasNotBegun(invocation: Invocation): boolean {
    return invocation.state === 'sent' && this.#hasJournal && invocation.id > this.#journal.begun()
  }

  /** Its answer is not waited for any longer: it ends here with a failure, and its worker must go. */
  abandon(invocation: Invocation, failure: InvocationFailure): void {
    this.writer.empty(FRAME.cancel, invocation.id)
    this.#inFlight.abandon(invocation)
    invocation.fail(failure)
  }

  /** Takes nothing new, ends what it has within the grace period, then goes. Later reasons than the first are ignored. */
  drain(reason: DeathReason, graceMs: number, nowMs: number): void {
    if (this.state === 'dead') return
    if (this.state === 'draining') {
      // What it still had may just have been given up.
      if (this.#inFlight.isDrained) this.#leave()
      return
    }
    this.reason ??= reason
    if (this.state === 'starting') return this.kill(reason)
    this.#enter('draining', nowMs)
    this.writer.empty(FRAME.drain, 0)
    if (this.#inFlight.isDrained) this.#leave()
    else this.#ending.within(graceMs)
  }

  /** Ends the process group at once. What it had begun is lost. */
  kill(reason: DeathReason): void {
    if (this.state === 'dead') return
    this.reason ??= reason
    this.#ending.kill()
  }

  /** Calls back unless the step that it waits for (booting, loading) is taken in time. */
  setDeadline(afterMs: number, onMissed: () => void): void {
    this.clearDeadline()
    this.#deadline = setTimeout(onMissed, afterMs)
  }

  clearDeadline(): void {
    if (this.#deadline !== null) clearTimeout(this.#deadline)
    this.#deadline = null
  }

  ping(nowMs: number): void {
    this.lastPingAtMs = nowMs
    this.writer.empty(FRAME.ping, 0)
  }

  measure(table: ProcessTable | null): void {
    this.#usage.look(table, this, this.state === 'loading')
    this.rssBytes = this.group.usage.rssBytes
  }

  /** It has been alone, and has had nothing to do, since it was last looked at. */
  get isQuiet(): boolean {
    return this.#usage.isQuiet(this)
  }

  /** What it may use from now on, and everything that it has started. Returns the settings that cannot be kept here. */
  limit(settings: FunctionSettings): UnkeptSetting[] {
    this.#logBudget.bytesPerSecond = settings.limits.logBytes
    return this.#usage.limit(settings)
  }

  /** Its share of a busy machine's processors. */
  weigh(weight: number): void {
    this.group.weigh(weight)
  }

  /** What it has used more of than it may, at the last look: it must go. */
  get excess(): Excess | null {
    return this.#usage.excess(this)
  }

  /** Ends it for what it has used. */
  killFor(excess: Excess): void {
    if (this.state === 'dead' || isExcess(this.reason)) return
    this.note = this.#usage.describe(excess)
    // That it was about to go is not what its calls end of.
    this.reason = excess
    this.kill(excess)
  }

  status(nowMs: number): WorkerStatus {
    return {
      pid: this.pid,
      runtime: this.runtime,
      // One that is being ended takes nothing more, whatever it was at when that was decided.
      state: this.reason === null ? this.state : 'draining',
      invocations: this.invocations,
      inFlight: this.inFlight,
      ageMs: Math.round(nowMs - this.bornAtMs),
      rssBytes: this.rssBytes,
      processes: this.group.usage.processes,
    }
  }

  /** After its death: whether user code never saw this invocation. */
  neverBegan(invocation: Invocation): boolean {
    return this.#neverBegun.has(invocation)
  }

  /** How it ended, in words: `crash during busy (exit code 1)`. */
  describeDeath(): string {
    const exit = this.exit
    const how = this.note ?? (exit?.signal ? `signal ${exit.signal}` : `exit code ${exit?.code ?? 'unknown'}`)
    return `${this.reason} during ${this.diedIn} (${how})`
  }

  // What its ending tells.

  onWireClosed(): boolean {
    return this.state !== 'draining' || this.#inFlight.size > 0
  }

  onWireLost(): void {
    this.note ??= 'it closed its channel (fd 3)'
    this.kill('crash')
  }

  onGone(): void {
    if (this.state === 'dead') return
    this.#explain()
    // It was to go when its calls had ended, and did not wait for that.
    const hasLeftCalls = this.state === 'draining' && !this.#inFlight.isDrained
    if (hasLeftCalls && !this.#ending.wasSignalled && !isExcess(this.reason)) this.reason = 'crash'
    // Killed from outside while it loaded says nothing of the function.
    this.reason ??= this.state === 'loading' && !this.wasKilled ? 'init-failed' : 'crash'
    const orphans = this.#inFlight.takeAll()
    const begun = this.#hasJournal ? this.#journal.begun() : Number.POSITIVE_INFINITY
    this.#neverBegun = new Set(orphans.filter((orphan) => orphan.state === 'sent' && orphan.id > begun))
    // Their descriptor may be another file's from now on, and their memory nobody's.
    this.writer.ring = null
    this.#reader.ring = null
    this.#journal.close()
    if (this.#folder !== null) removePrivateFolder(this.#folder)
    giveBack(this.sandboxed)
    this.diedIn = this.state
    this.#enter('dead', performance.now())
    forgetGroup(this.pid)
    this.owner.onDied(this, orphans)
  }

  /** It has ended by itself, or the kernel has ended it: of too much, perhaps, also while it should have gone anyway. */
  #explain(): void {
    const isGoing = this.reason !== null && !(this.state === 'draining' && this.inFlight > 0)
    if (isGoing || !this.#usage.isLimited) return
    const isHeapFull = this.#hasHeapRunOut && ABORTED.has(this.exit?.signal ?? '')
    const isOutOfMemory = isHeapFull || this.group.hasRunOutOfMemory()
    if (!isOutOfMemory && !this.group.hasRunOutOfProcesses()) return
    this.reason = isOutOfMemory ? 'out-of-memory' : 'too-many-processes'
    this.note ??= isHeapFull ? 'its heap was full' : this.#usage.describe(this.reason)
  }

  #onErrorLine(line: string): void {
    // V8 ends a process whose heap is full before any limit from outside is reached, and says so.
    if (line.includes('JavaScript heap out of memory')) this.#hasHeapRunOut = true
    this.#onLine('stderr', line)
  }

  #enter(state: WorkerState, nowMs: number): void {
    this.state = nextState(this.state, state)
    this.stateSinceMs = nowMs
  }

  /** Everything has ended: the process goes by itself, or is helped. One that holds abandoned work is not asked. */
  #leave(): void {
    if (this.#inFlight.hasAbandoned) this.kill(this.reason ?? 'timeout')
    else this.#ending.soon()
  }

  #onBytes(chunk: Buffer): void {
    if (this.state === 'dead') return
    flushAfterThisRead()
    this.#readAtMs = performance.now()
    try {
      this.#reader.push(chunk)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#breakOff(error.message)
    }
  }

  #breakOff(what: string): void {
    this.hasBrokenProtocol = true
    this.note ??= `it broke the protocol: ${what}`
    this.#process.wire.destroy()
    this.kill('crash')
  }

  #onFrame(type: FrameType, id: number, chunk: Buffer, start: number, end: number): void {
    if (id === 0) return this.#onControl(type, chunk, start, end)
    this.#inFlight.onFrame(type, id, chunk, start, end)
  }

  #onControl(type: FrameType, chunk: Buffer, start: number, end: number): void {
    const nowMs = performance.now()
    if (type === FRAME.pong) {
      this.lastPongAtMs = nowMs
    } else if (type === FRAME.hello && this.state === 'starting') {
      const hello = parseMessage<Hello>(chunk, start, end)
      if (hello.protocol !== PROTOCOL_VERSION)
        throw new ProtocolError(`it speaks version ${hello.protocol}, not ${PROTOCOL_VERSION}`)
      this.runtime = String(hello.runtime)
      this.#hasJournal = hello.journal === true
      if (hello.ring === true && this.#journal.isInMemory) {
        this.writer.ring = new RingWriter(this.#journal.fd, TO_WORKER)
        this.#reader.ring = new RingReader(this.#journal.fd, TO_PARENT)
      }
      this.group.whenEnclosed(() => this.#onBooted())
    } else if (type === FRAME.ready && this.state === 'loading') {
      const ready = parseMessage<Ready>(chunk, start, end)
      const confined = allInForce(this.#confinement, ready.confined)
      const lacking = withheld(this.#confinement, confined)
      if (lacking !== null) throw new ProtocolError(lacking)
      this.confined = confined
      this.format = String(ready.format)
      this.formatConcurrency = ready.concurrency ?? Number.POSITIVE_INFINITY
      this.idleSinceMs = nowMs
      this.loadedAtMs = nowMs
      this.loadMs = nowMs - this.stateSinceMs
      this.#enter('ready', nowMs)
      this.owner.onLoaded(this)
    } else if (type === FRAME.loadFailed && this.state === 'loading') {
      this.reason ??= 'init-failed'
      const report = explained(parseMessage<ErrorReport>(chunk, start, end))
      this.owner.onLoadFailed(this, this.#redaction?.report(report) ?? report)
      this.kill('init-failed')
    } else if (this.state !== 'draining') {
      // A worker that is asked to drain may have crossed that with a message of its own.
      throw new ProtocolError(`a frame of type ${type} while ${this.state}`)
    }
  }

  #onBooted(): void {
    if (this.state !== 'starting') return
    this.bootedAtMs = performance.now()
    this.#enter('blank', this.bootedAtMs)
    this.owner.onBooted(this)
  }

  #onLine(stream: 'stdout' | 'stderr', line: string): void {
    this.owner.onLog(this, stream, this.#redaction?.text(line) ?? line)
  }

  #onFreed(invocation: Invocation, failure: InvocationFailure | null): void {
    const nowMs = this.#readAtMs
    if (this.#inFlight.size === 0 && this.state === 'busy') {
      this.idleSinceMs = nowMs
      this.#enter('ready', nowMs)
    }
    this.owner.onFreed(this, invocation, failure, nowMs)
    if (this.state === 'draining' && this.#inFlight.isDrained) this.#leave()
  }
}
