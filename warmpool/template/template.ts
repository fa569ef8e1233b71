/**
 * The parent's handle on a template: a process of the runtime that has booted, becomes no function, and is forked for
 * each worker (see runtimes/node/template/). It guarantees that every fork that was asked for is answered once, with a process
 * or with why there is none. What it has forked does not need it: those workers go on when it is gone.
 */
import { randomInt } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { closeSync } from 'node:fs'
import { requireSpareDescriptors } from '../descriptors.ts'
import { Ending } from '../ending.ts'
import { LogBudget, LogLines } from '../log-lines.ts'
import { forgetGroup, registerGroup } from '../reaper.ts'
import { ProcessGroup } from '../resources/process-group.ts'
import { readProcess } from '../resources/process-table.ts'
import { Deadline } from '../running-clock.ts'
import { DEFAULT_FUNCTION_SETTINGS } from '../settings.ts'
import { type Command, type ProcessHandle, signalName, spawnWith, type WorkerProcess } from '../spawn.ts'
import { DescriptorMessage } from '../wire/descriptor-message.ts'
import { FrameReader } from '../wire/frame-reader.ts'
import { FRAME, type FrameType, ProtocolError } from '../wire/frames.ts'
import { type Exited, type Fork, type Forked, parseMessage } from '../wire/messages.ts'
import { type Pair, pass, socketOf, socketPair } from '../wire/socket-pair.ts'
import { TEMPLATE_ARGUMENTS, TEMPLATE_VARIABLE, WORKER_VARIABLE } from '../wire/variables.ts'
import { begun, closeShared, openShared, type Shared, type Start } from '../worker-start.ts'

/** The descriptor on which a template is asked: the next after a worker's. */
const CONTROL_FD = 5
const MESSAGE_BYTES = 1024
/** How long its boot may take at least: nobody waits for that, for what is awaited meanwhile boots itself. */
const BOOT_MS = 20_000
/** At those of which nobody tells. */
const LOOK_EVERY_MS = 50
const LARGEST_SEED = 2 ** 31 - 1
/** Standard output and error, the wire, the journal. */
const DESCRIPTORS = 4

export interface TemplateOwner {
  /** It is gone; what it has forked goes on. `why`: how it ended, where it still owed forks; else null. */
  onTemplateGone(template: Template, why: string | null): void
}

/** Gets a process, or why there is none; null: its template is gone, which is told its owner once for all. */
export type OnFork = (start: Start | string | null) => void

/** A fork that was asked for. */
interface Asked extends Shared {
  readonly pairs: readonly Pair[]
  /** When it ends, the template is given up. */
  readonly deadline: Deadline
  readonly onFork: OnFork
}

export class Template {
  readonly #process: WorkerProcess
  readonly #group: ProcessGroup
  readonly #owner: TemplateOwner
  readonly #timeoutMs: number
  readonly #control: number
  readonly #message = new DescriptorMessage(MESSAGE_BYTES, DESCRIPTORS)
  readonly #asked = new Map<number, Asked>()
  readonly #forked = new Map<number, ForkedHandle>()
  readonly #ending: Ending
  /** Forks that are asked for wait for it. */
  isBooting = true
  #forks = 0
  /** The last line of its errors, or why it was given up. */
  #lastWords: readonly string[] = []

  /** Starts the process; throws when the system refuses. */
  constructor(command: Command, usesCgroups: boolean, timeoutMs: number, owner: TemplateOwner) {
    this.#timeoutMs = timeoutMs
    this.#owner = owner
    requireSpareDescriptors()
    const [own, other] = socketPair('messages')
    this.#control = own
    this.#group = new ProcessGroup(usesCgroups)
    // Without a cache of compiled code: each fork would put its function there, for nobody.
    const { NODE_COMPILE_CACHE: _, ...given } = command.env
    // In this order: its forks' names may be longer, and go on where the other was.
    const env = { ...given, [WORKER_VARIABLE]: this.#group.name, [TEMPLATE_VARIABLE]: String(CONTROL_FD) }
    try {
      // It has no journal, and its forks' come in that place.
      this.#process = spawnWith({ ...command, args: [...TEMPLATE_ARGUMENTS, ...command.args], env }, [other, other])
    } catch (error) {
      closeSync(own)
      this.#group.clear()
      throw error
    } finally {
      closeSync(other)
    }
    this.#group.enclose(this.#process.pid)
    registerGroup(this.#process.pid, this.#group.cgroupPath)
    this.#ending = new Ending(this.#process, this.#group, this)
    this.#listen()
  }

  /** Answers soon, and always; throws when the system refuses this process what a fork needs. */
  fork(usesCgroups: boolean, onFork: OnFork): void {
    const shared = openShared(usesCgroups)
    const pairs: Pair[] = []
    try {
      // Standard output, standard error, the wire.
      while (pairs.length < DESCRIPTORS - 1) pairs.push(socketPair('bytes'))
      const fork = ++this.#forks
      const text = JSON.stringify({ fork, name: shared.group.name, seed: randomInt(1, LARGEST_SEED) } satisfies Fork)
      const given = [...pairs.map(([, other]) => other), shared.journal.fd]
      const timeoutMs = this.isBooting ? Math.max(BOOT_MS, this.#timeoutMs) : this.#timeoutMs
      const deadline = new Deadline(timeoutMs, () => this.#giveUp(timeoutMs))
      this.#asked.set(fork, { ...shared, pairs, deadline, onFork })
      // One that takes nothing is no more, or about to be.
      if (!pass(this.#message, this.#control, text, given)) this.end()
    } catch (error) {
      for (const [own] of pairs) closeSync(own)
      closeShared(shared)
      throw error
    } finally {
      for (const [, other] of pairs) closeSync(other)
    }
  }

  /** Ends it alone: what it has forked is below it, and goes on. */
  end(): void {
    this.#process.handle.kill('SIGKILL')
  }

  onWireClosed(): boolean {
    return true
  }

  onWireLost(): void {
    this.end()
  }

  onGone(): void {
    closeSync(this.#control)
    forgetGroup(this.#process.pid)
    const { signal, code } = this.#ending.exit!
    const how = [signal === null ? `exit code ${code}` : `signal ${signal}`, ...this.#lastWords].join(', ')
    const why = this.#asked.size === 0 ? null : `the process that workers are forked from has ended (${how})`
    for (const asked of this.#asked.values()) refuse(asked, null)
    this.#asked.clear()
    for (const handle of this.#forked.values()) handle.lookForEnd(null)
    this.#forked.clear()
    this.#owner.onTemplateGone(this, why)
  }

  #giveUp(afterMs: number): void {
    this.#lastWords = [`it did not answer within ${afterMs} ms`]
    this.end()
  }

  #listen(): void {
    const { wire, stdout, stderr } = this.#process
    const reader = new FrameReader(this.#onFrame.bind(this))
    wire.on('error', () => {})
    wire.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk)
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        this.end()
      }
    })
    const budget = new LogBudget(DEFAULT_FUNCTION_SETTINGS.limits.logBytes)
    new LogLines(stdout, budget, () => {})
    new LogLines(stderr, budget, (line) => {
      this.#lastWords = [line]
    })
  }

  #onFrame(type: FrameType, _id: number, chunk: Buffer, start: number, end: number): void {
    if (type === FRAME.hello) this.isBooting = false
    else if (type === FRAME.forked) this.#onForked(parseMessage<Forked>(chunk, start, end))
    else if (type === FRAME.exited) this.#onExited(parseMessage<Exited>(chunk, start, end))
  }

  #onForked({ fork, pid }: Forked): void {
    const asked = this.#asked.get(fork)
    if (asked === undefined) return
    this.#asked.delete(fork)
    asked.deadline.clear()
    if (pid <= 0) return refuse(asked, 'The system refuses a fork: see `ulimit -u` and `ulimit -n`')
    const handle = new ForkedHandle(pid)
    this.#forked.set(pid, handle)
    const { pairs, journal, group, onFork } = asked
    const [stdout, stderr, wire] = pairs.map(([own]) => socketOf(own))
    const process = { handle, pid, wire: wire!, stdout: stdout!, stderr: stderr!, isLaunched: false }
    onFork(begun({ journal, group, process, sandboxed: null }))
  }

  #onExited({ pid, code, signal }: Exited): void {
    this.#forked.get(pid)?.end(code, signal === null ? null : signalName(signal))
    this.#forked.delete(pid)
  }
}

function refuse(asked: Asked, why: string | null): void {
  asked.deadline.clear()
  for (const [own] of asked.pairs) closeSync(own)
  closeShared(asked)
  asked.onFork(why)
}

/**
 * A process that is another's child: it tells what of it is told. Where nobody tells, for its parent is gone or stands
 * still, its end is looked for.
 */
class ForkedHandle extends EventEmitter implements ProcessHandle {
  readonly #pid: number
  #hasEnded = false
  #looking: NodeJS.Timeout | null = null

  constructor(pid: number) {
    super()
    this.#pid = pid
  }

  end(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    if (this.#looking !== null) clearInterval(this.#looking)
    this.emit('exit', code, signal)
  }

  /** `signal`: what it is expected to end of; null: it is not known. */
  lookForEnd(signal: NodeJS.Signals | null): void {
    if (this.#hasEnded || this.#looking !== null) return
    const startedAt = readProcess(this.#pid)?.startedAt
    this.#looking = setInterval(() => {
      const seen = readProcess(this.#pid)
      if (seen?.startedAt !== startedAt || seen?.isZombie !== false) this.end(null, signal)
    }, LOOK_EVERY_MS)
  }

  kill(signal: NodeJS.Signals): boolean {
    if (this.#hasEnded) return false
    try {
      return process.kill(this.#pid, signal)
    } catch {
      // It is just ending.
      return false
    } finally {
      if (signal === 'SIGKILL') this.lookForEnd(signal)
    }
  }
}
