/**
 * How a process ends: asked first (SIGTERM), made to after a while (SIGKILL), and gone only when it has exited, its last
 * bytes have been read, and whatever it has started is gone, too.
 */

import type { ProcessGroup } from './resources/process-group.ts'
import { Deadline } from './running-clock.ts'
import { type Exit, exitOf, signalGroup, type WorkerProcess } from './spawn.ts'

/** How long a process that should go may take after it was asked, before SIGKILL. */
const PATIENCE_MS = 1_000
/** How long a process that has ended its work may clean up: listeners of its function for SIGTERM. */
const FAREWELL_MS = 5_000
/** How long the last bytes of a dead process may take, and how long one without a wire may live. */
const LAST_BYTES_MS = 500
/** How often it is looked whether what it had started is gone, and how often at most: then others must be told. */
const CLEAR_EVERY_MS = 5
const MOST_CLEARINGS = 200

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
  /** It was told to end: what it does from then on is not its own doing. */
  wasSignalled = false
  readonly #process: WorkerProcess
  readonly #group: ProcessGroup
  readonly #owner: EndingOwner
  #timer: Deadline | null = null
  #isWireClosed = false
  #isCleared = false
  #clearings = 0

  constructor(process: WorkerProcess, group: ProcessGroup, owner: EndingOwner) {
    this.#process = process
    this.#group = group
    this.#owner = owner
    process.wire.once('close', () => this.#onWireClosed())
    process.handle.once('exit', (code, signal) => this.#onExit(exitOf(process, code, signal)))
  }

  /** It has that long to end by itself; then it is asked, and made to. */
  within(graceMs: number): void {
    if (this.exit !== null) return
    this.#wait(graceMs, () => {
      this.wasSignalled = true
      if (!this.#process.isLaunched) signalGroup(this.#process.pid, 'SIGTERM')
      // What started it would not outlive that, and would take it along at once.
      else this.#group.askLaunched()
      this.#wait(PATIENCE_MS, () => this.kill())
    })
  }

  /** It should be ending by itself already. */
  soon(): void {
    this.within(FAREWELL_MS)
  }

  kill(): void {
    if (this.exit !== null) return
    this.wasSignalled = true
    this.#group.kill()
    signalGroup(this.#process.pid, 'SIGKILL')
    // The group may not exist yet when the process has hardly started.
    this.#process.handle.kill('SIGKILL')
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
    this.#isCleared = this.#group.clear()
    if (this.#isWireClosed) this.#gone()
    else this.#wait(LAST_BYTES_MS, () => this.#process.wire.destroy())
  }

  #gone(): void {
    if (this.#isCleared || this.#clearings >= MOST_CLEARINGS) {
      this.#timer?.clear()
      this.#owner.onGone()
      return
    }
    this.#wait(CLEAR_EVERY_MS, () => {
      this.#clearings++
      this.#isCleared = this.#group.clear()
      this.#gone()
    })
  }

  /** One thing is waited for at a time: the latest. */
  #wait(afterMs: number, then: () => void): void {
    this.#timer?.clear()
    this.#timer = new Deadline(afterMs, then)
  }
}
