/**
 * Deadlines for very many short-lived things without a timer each: a wheel of buckets holding intrusive lists, so that
 * setting and clearing one touches three pointers and allocates nothing. Deadlines fire up to one tick late, never
 * early: they count in running time (running-clock.ts), and what has arrived by then is read before one fires. The one
 * interval behind it runs only while deadlines are set (and a little longer), and holds no process open.
 */

import { clock, type RunningClock } from './running-clock.ts'

const TICK_MS = 16
const BUCKETS = 1024
/** Idle ticks after which the interval is stopped. Stopping and starting it for every call would cost more than it. */
const REST_TICKS = 256

/** What can have a deadline: the wheel owns these three fields. */
export interface Expiring {
  expiresAtMs: number
  wheelNext: Expiring | null
  wheelPrevious: Expiring | null
  onExpired(nowMs: number): void
}

class Sentinel implements Expiring {
  expiresAtMs = 0
  wheelNext: Expiring = this
  wheelPrevious: Expiring = this
  onExpired(): void {}
}

export class DeadlineWheel {
  readonly #clock: RunningClock
  readonly #buckets = Array.from({ length: BUCKETS }, () => new Sentinel())
  #interval: NodeJS.Timeout | null = null
  /** The last tick that was worked off. */
  #tick = 0
  #count = 0
  #restedTicks = 0

  constructor(of: RunningClock = clock) {
    this.#clock = of
  }

  /** Sets the deadline; `Infinity` sets none. One that is set already must be cleared first. */
  set(item: Expiring, expiresAtMs: number): void {
    item.expiresAtMs = expiresAtMs
    if (expiresAtMs === Number.POSITIVE_INFINITY) return
    if (this.#interval === null) this.#start()
    // A deadline inside the tick that was just worked off belongs to the next one.
    const tick = Math.max(Math.ceil(expiresAtMs / TICK_MS), this.#tick + 1)
    const bucket = this.#buckets[tick % BUCKETS]!
    const last = bucket.wheelPrevious
    item.wheelPrevious = last
    item.wheelNext = bucket
    last.wheelNext = item
    bucket.wheelPrevious = item
    this.#count++
  }

  /** Clears the deadline; without one it does nothing. */
  clear(item: Expiring): void {
    const next = item.wheelNext
    if (next === null) return
    next.wheelPrevious = item.wheelPrevious
    item.wheelPrevious!.wheelNext = next
    item.wheelNext = null
    item.wheelPrevious = null
    this.#count--
  }

  #start(): void {
    this.#clock.hold()
    this.#tick = Math.floor(this.#clock.now() / TICK_MS)
    this.#restedTicks = 0
    this.#interval = setInterval(() => this.#turn(this.#clock.now()), TICK_MS)
    this.#interval.unref()
  }

  #turn(nowMs: number): void {
    this.#restedTicks = this.#count === 0 ? this.#restedTicks + 1 : 0
    if (this.#restedTicks > REST_TICKS) {
      clearInterval(this.#interval!)
      this.#interval = null
      this.#clock.release()
      return
    }
    const now = Math.floor(nowMs / TICK_MS)
    // After a long pause one round over the wheel sees every bucket.
    const first = Math.max(this.#tick + 1, now - BUCKETS + 1)
    this.#tick = now
    const due: Expiring[] = []
    for (let tick = first; tick <= now; tick++) collectDue(this.#buckets[tick % BUCKETS]!, nowMs, due)
    // Timers come before sockets in a turn of the loop, and immediates after them.
    if (due.length > 0) setImmediate(() => this.#expire(due))
  }

  #expire(due: readonly Expiring[]): void {
    const nowMs = this.#clock.now()
    for (const late of due) {
      // What was read meanwhile, or an earlier one's ending, may have cleared this one, and set it again for later.
      if (late.wheelNext === null || late.expiresAtMs > nowMs) continue
      this.clear(late)
      late.onExpired(nowMs)
    }
  }
}

function collectDue(bucket: Sentinel, nowMs: number, due: Expiring[]): void {
  for (let item: Expiring = bucket.wheelNext; item !== bucket; item = item.wheelNext!)
    if (item.expiresAtMs <= nowMs) due.push(item)
}
