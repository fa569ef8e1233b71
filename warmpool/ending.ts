/**
 * How a process ends: asked first (SIGTERM), made to after a while (SIGKILL, its whole group), and gone only when it
 * has exited and its last bytes have been read. Whatever it started goes with it.
 */
import { signalGroup, type WorkerProcess } from './spawn.ts'

/** How long a process that should go may take after it was asked, before SIGKILL. */
const PATIENCE_MS = 1_000
/** How long the last bytes of a dead process may take, and how long one without a wire may live. */
const LAST_BYTES_MS = 500

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface EndingOwner {
  /** The process has exited, and nothing more will come from it. */
  onGone(): void
  /** Its wire has ended. True: it is to be killed if it does not exit by itself at once. */
  onWireClosed(): boolean
  /** It did not exit: it has closed its wire and stayed. */
  onWireLost(): void
}

export class Ending {
  /** How it exited; null while it runs. */
  exit: Exit | null = null
  readonly #process: WorkerProcess
  readonly #owner: EndingOwner
  #timer: NodeJS.Timeout | null = null
  #isWireClosed = false

  constructor(process: WorkerProcess, owner: EndingOwner) {
    this.#process = process
    this.#owner = owner
    process.wire.once('close', () => this.#onWireClosed())
    process.child.once('exit', (code, signal) => this.#onExit({ code, signal }))
  }

  /** It has that long to end by itself; then it is asked, and made to. */
  within(graceMs: number): void {
    this.#wait(graceMs, () => {
      signalGroup(this.#process.pid, 'SIGTERM')
      this.#wait(PATIENCE_MS, () => this.kill())
    })
  }

  /** It should be ending by itself already. */
  soon(): void {
    this.within(PATIENCE_MS)
  }

  kill(): void {
    signalGroup(this.#process.pid, 'SIGKILL')
    // The group may not exist yet when the process has hardly started.
    this.#process.child.kill('SIGKILL')
  }

  #onWireClosed(): void {
    this.#isWireClosed = true
    if (this.exit !== null) return this.#gone()
    // Most often it is just exiting: only one that stays has closed its wire itself.
    if (this.#owner.onWireClosed()) this.#wait(LAST_BYTES_MS, () => this.#owner.onWireLost())
  }

  #onExit(exit: Exit): void {
    this.exit = exit
    // Whatever it started must not outlive it, nor hold its pipes open.
    signalGroup(this.#process.pid, 'SIGKILL')
    if (this.#isWireClosed) this.#gone()
    else this.#wait(LAST_BYTES_MS, () => this.#process.wire.destroy())
  }

  #gone(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#owner.onGone()
  }

  /** One thing is waited for at a time: the latest. */
  #wait(afterMs: number, then: () => void): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = setTimeout(then, afterMs)
  }
}
