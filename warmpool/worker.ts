/**
 * The parent's handle on one process. It alone changes that process's state, by the table in worker-state.ts, and it
 * guarantees that every invocation handed to it ends exactly once and that the process and its whole group are gone
 * when it says so. It decides nothing: whom it serves and when it must go is the pool's business.
 */

import { Death } from './death.ts'
import { Ending, type EndingOwner } from './ending.ts'
import type { InvocationFailure } from './failure.ts'
import type { Heartbeat } from './heartbeat.ts'
import { InFlight } from './in-flight.ts'
import type { Invocation } from './invocation.ts'
import type { Journal } from './journal.ts'
import { type Excess, isExcess } from './policy/limits.ts'
import { FIRST_SAMPLE_AT } from './policy/memory-growth.ts'
import type { Budget } from './policy/recycling.ts'
import { removePrivateFolder } from './private-folder.ts'
import { forgetGroup } from './reaper.ts'
import { redactionOf } from './redaction.ts'
import type { ProcessGroup, UnkeptSetting } from './resources/process-group.ts'
import { clock, Deadline } from './running-clock.ts'
import type { Secrets } from './secret.ts'
import type { FunctionSettings } from './settings.ts'
import type { Sandboxed } from './spawn.ts'
import type { WorkerStatus } from './status.ts'
import type { FrameWriter } from './wire/frame-writer.ts'
import { FRAME } from './wire/frames.ts'
import type { Confined, ErrorReport, Load, Ready } from './wire/messages.ts'
import { type ChannelOwner, WorkerChannel } from './worker-channel.ts'
import { WorkerOutput } from './worker-output.ts'
import type { WorkerOwner } from './worker-owner.ts'
import { giveBack, type Start } from './worker-start.ts'
import { type DeathReason, nextState, type WorkerState } from './worker-state.ts'
import { WorkerUsage } from './worker-usage.ts'

export class Worker implements EndingOwner, ChannelOwner {
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
  /** Invocations handed over, in its whole life. */
  invocations = 0
  /** After how much its replacement is started; the function's pool draws it when it is loaded. */
  budget: Budget = { invocations: Number.POSITIVE_INFINITY, ageMs: Number.POSITIVE_INFINITY }
  /** With which call its memory is to be sampled. */
  memorySampleAt = FIRST_SAMPLE_AT
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

  /** Itself and everything that it has started. */
  readonly group: ProcessGroup
  /** How it was started in a sandbox; null: in none. */
  readonly sandboxed: Sandboxed | null
  readonly usage: WorkerUsage
  /** Why it must go, and what it died of. */
  readonly death: Death
  readonly heartbeat: Heartbeat
  readonly #output: WorkerOutput
  readonly #journal: Journal
  readonly #channel: WorkerChannel
  readonly #inFlight = new InFlight((invocation, failure) => this.#onFreed(invocation, failure))
  readonly #ending: Ending
  /** Its own, of a load; what it was started with is in `sandboxed`. */
  #folder: string | null = null
  #deadline: Deadline | null = null

  constructor({ process, journal, group, sandboxed }: Start, owner: WorkerOwner, nowMs: number) {
    this.owner = owner
    this.sandboxed = sandboxed
    this.bornAtMs = nowMs
    this.stateSinceMs = nowMs
    this.#journal = journal
    this.group = group
    this.usage = new WorkerUsage(group, this)
    this.pid = process.pid
    this.#channel = new WorkerChannel(process.wire, journal, this.#inFlight, this)
    this.writer = this.#channel.writer
    this.heartbeat = this.#channel.heartbeat
    this.#ending = new Ending(process, group, this)
    this.death = new Death(this.#ending, this.#inFlight, this.usage)
    this.#output = new WorkerOutput(process, this.death, (stream, line) => this.owner.onLog(this, stream, line))
  }

  get isExpiring(): boolean {
    return this.expiring !== null
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  /** From now on these values are taken out of what it prints and throws. They are told with `env`. */
  keepSecret(secrets: Secrets): void {
    const redaction = redactionOf(secrets)
    this.#output.redaction = redaction
    this.#inFlight.redaction = redaction
  }

  /** Becomes a function, once and for ever. */
  load(load: Omit<Load, 'ring'>, owner: WorkerOwner, nowMs: number): void {
    this.#enter('loading', nowMs)
    this.owner = owner
    if (load.confinement) {
      this.#folder = load.confinement.folder
      this.usage.watchFolder(this.#folder)
    }
    this.#channel.load(load)
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
    return invocation.state === 'sent' && invocation.id > this.#channel.begun()
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
    this.death.reason ??= reason
    if (this.state === 'starting') return this.kill(reason)
    this.#enter('draining', nowMs)
    this.writer.empty(FRAME.drain, 0)
    if (this.#inFlight.isDrained) this.#leave()
    else this.#ending.within(graceMs)
  }

  /** Ends the process group at once. What it had begun is lost. */
  kill(reason: DeathReason): void {
    if (this.state === 'dead') return
    this.death.reason ??= reason
    this.#ending.kill()
  }

  /** Calls back unless the step that it waits for (booting, loading) is taken in time. */
  setDeadline(afterMs: number, onMissed: () => void): void {
    this.clearDeadline()
    this.#deadline = new Deadline(afterMs, onMissed)
  }

  clearDeadline(): void {
    this.#deadline?.clear()
    this.#deadline = null
  }

  /** What it may use from now on, and everything that it has started. Returns the settings that cannot be kept here. */
  limit(settings: FunctionSettings): UnkeptSetting[] {
    this.#output.budget.bytesPerSecond = settings.limits.logBytes
    this.#output.budget.lineChars = settings.limits.logLineBytes
    return this.usage.limit(settings, this.sandboxed !== null && this.sandboxed.user !== null)
  }

  /** Ends it for what it has used. */
  killFor(excess: Excess): void {
    if (this.state === 'dead' || isExcess(this.death.reason)) return
    this.death.note = this.usage.describe(excess)
    // That it was about to go is not what its calls end of.
    this.death.reason = excess
    this.kill(excess)
  }

  status(nowMs: number): WorkerStatus {
    return {
      pid: this.pid,
      runtime: this.runtime,
      // One that is being ended takes nothing more, whatever it was at when that was decided.
      state: this.death.reason === null ? this.state : 'draining',
      invocations: this.invocations,
      inFlight: this.inFlight,
      ageMs: Math.round(nowMs - this.bornAtMs),
      rssBytes: this.usage.rssBytes,
      processes: this.group.usage.processes,
    }
  }

  // What its ending tells.

  onWireClosed(): boolean {
    return this.state !== 'draining' || this.#inFlight.size > 0
  }

  onWireLost(): void {
    this.death.note ??= 'it closed its channel (fd 3)'
    this.kill('crash')
  }

  onGone(): void {
    if (this.state === 'dead') return
    this.death.conclude(this.state, this.#channel.begun())
    this.#channel.close()
    if (this.#folder !== null) removePrivateFolder(this.#folder)
    giveBack(this.sandboxed)
    this.#enter('dead', clock.now())
    forgetGroup(this.pid)
    this.owner.onDied(this, this.death.orphans)
  }

  // What its channel tells.

  onHello(runtime: string): void {
    this.runtime = runtime
    this.group.whenEnclosed(() => this.#onBooted())
  }

  onReady(ready: Ready, confined: Confined | null, nowMs: number): void {
    this.confined = confined
    this.format = String(ready.format)
    this.formatConcurrency = ready.concurrency ?? Number.POSITIVE_INFINITY
    this.idleSinceMs = nowMs
    this.loadedAtMs = nowMs
    this.loadMs = nowMs - this.stateSinceMs
    this.#enter('ready', nowMs)
    this.owner.onLoaded(this)
  }

  onLoadFailing(): void {
    this.death.reason ??= 'init-failed'
  }

  onLoadFailed(report: ErrorReport): void {
    this.owner.onLoadFailed(this, this.#inFlight.redaction?.report(report) ?? report)
    this.kill('init-failed')
  }

  onRetiring(): void {
    this.owner.onRetiring(this)
  }

  onBrokenOff(what: string): void {
    this.death.hasBrokenProtocol = true
    this.death.note ??= `it broke the protocol: ${what}`
    this.kill('crash')
  }

  #enter(state: WorkerState, nowMs: number): void {
    this.state = nextState(this.state, state)
    this.stateSinceMs = nowMs
  }

  /** Everything has ended: the process goes by itself, or is helped. One that holds abandoned work is not asked. */
  #leave(): void {
    if (this.#inFlight.hasAbandoned) this.kill(this.death.reason ?? 'timeout')
    else this.#ending.soon()
  }

  #onBooted(): void {
    if (this.state !== 'starting') return
    this.bootedAtMs = clock.now()
    this.#enter('blank', this.bootedAtMs)
    this.owner.onBooted(this)
  }

  #onFreed(invocation: Invocation, failure: InvocationFailure | null): void {
    const nowMs = this.#channel.readAtMs
    if (this.#inFlight.size === 0 && this.state === 'busy') {
      this.idleSinceMs = nowMs
      this.#enter('ready', nowMs)
    }
    this.owner.onFreed(this, invocation, failure, nowMs)
    if (this.state === 'draining' && this.#inFlight.isDrained) this.#leave()
  }
}
