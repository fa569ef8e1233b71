/**
 * Time in which this process runs: monotonic milliseconds without the stalls of its event loop. A process that is
 * stopped, frozen or starved of processors reads nothing, so what it waits for cannot reach it meanwhile: a stall is
 * neither its callers' time nor its functions'. Every deadline of the pool and of the HTTP server counts in this time.
 *
 * A stall can only be told from a quiet time while the clock beats: whoever judges by this time holds the clock.
 */

/** Turns of the event loop that the clock asks for while it is held. */
const BEAT_MS = 50
/** A longer gap between two turns is a stall, and none of it counts. */
const STALL_MS = 150
/** The longest that setTimeout can count. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export class RunningClock {
  readonly #real: () => number
  #seenMs: number
  #lostMs = 0
  #holders = 0
  #beat: NodeJS.Timeout | null = null

  /** `real`: milliseconds that also pass in a stall. */
  constructor(real: () => number = () => performance.now()) {
    this.#real = real
    this.#seenMs = real()
  }

  /** Never goes back. */
  now(): number {
    const realMs = this.#real()
    if (realMs - this.#seenMs > STALL_MS && this.#holders > 0) this.#lostMs += realMs - this.#seenMs
    this.#seenMs = realMs
    return realMs - this.#lostMs
  }

  /** From now on stalls are noticed, until {@link release} has been called as often. Holds no process open. */
  hold(): void {
    // What lies before is no stall: nobody has waited.
    this.now()
    this.#holders++
    this.#beat ??= setInterval(() => this.now(), BEAT_MS).unref()
  }

  release(): void {
    this.now()
    this.#holders--
    if (this.#holders > 0 || this.#beat === null) return
    clearInterval(this.#beat)
    this.#beat = null
  }
}

/** This process's. */
export const clock = new RunningClock()

/**
 * One deadline: calls back once so much running time is over. What has arrived by then is read first, so that it can
 * still clear the deadline. Holds the process open.
 */
export class Deadline {
  readonly #clock: RunningClock
  readonly #atMs: number
  readonly #onMissed: () => void
  #timer: NodeJS.Timeout | null = null
  #judgement: NodeJS.Immediate | null = null

  constructor(afterMs: number, onMissed: () => void, of: RunningClock = clock) {
    this.#clock = of
    this.#onMissed = onMissed
    of.hold()
    this.#atMs = of.now() + afterMs
    this.#wait(afterMs)
  }

  /** Harmless after it was missed. */
  clear(): void {
    if (this.#timer === null && this.#judgement === null) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#judgement !== null) clearImmediate(this.#judgement)
    this.#over()
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.ceil(ms), LONGEST_TIMER_MS))
  }

  #look(): void {
    const leftMs = this.#atMs - this.#clock.now()
    if (leftMs > 0) return this.#wait(leftMs)
    this.#timer = null
    // Timers come before sockets in a turn of the loop, and immediates after them.
    this.#judgement = setImmediate(() => {
      this.#over()
      this.#onMissed()
    })
  }

  #over(): void {
    this.#timer = null
    this.#judgement = null
    this.#clock.release()
  }
}
