/**
 * What no event tells: ages, idle times, memory and event loops that stand still. They are looked at once a second, and
 * memory more often where only looking keeps it in bounds. The tick holds the program open only while it is asked to.
 */
import type { Balance } from './balance.ts'
import type { FunctionPools } from './function-pools.ts'
import type { ProcessSupply } from './process-supply.ts'
import { clock } from './running-clock.ts'

const TICK_MS = 1_000
const PING_EVERY_MS = 5_000
/** How often memory is looked at between two ticks, where only looking helps. */
const GLANCE_EVERY_MS = 200
/** How often it is asked whether a tree of processes grows, which is cheap. */
const GROWTH_EVERY_MS = 50

export class Tick {
  readonly #supply: ProcessSupply
  readonly #functions: FunctionPools
  readonly #balance: Balance
  readonly #interval: NodeJS.Timeout
  #nextAtMs = 0
  #hasEnded = false
  #nextGlanceAtMs = 0

  constructor(supply: ProcessSupply, functions: FunctionPools, balance: Balance) {
    this.#supply = supply
    this.#functions = functions
    this.#balance = balance
    // What has arrived is read before anything is judged: timers come before sockets in a turn of the loop.
    this.#interval = setInterval(() => setImmediate(() => this.#look(clock.now())), TICK_MS)
    this.#interval.unref()
    this.#nextAtMs = clock.now() + TICK_MS
    this.#glanceSoon()
  }

  /**
   * Somebody waits for what may not even be booting: between two tries nothing but the tick keeps the program alive.
   * Where nobody waits, it must not.
   */
  stayAlive(isAwaited: boolean): void {
    if (isAwaited === this.#interval.hasRef()) return
    if (isAwaited) this.#interval.ref()
    else this.#interval.unref()
  }

  end(): void {
    this.#hasEnded = true
    clearInterval(this.#interval)
  }

  #look(nowMs: number): void {
    if (this.#hasEnded) return
    this.#nextAtMs = nowMs + TICK_MS
    this.#supply.watchGrowth(nowMs, () => this.#checkLimits(nowMs))
    this.#supply.measure(nowMs)
    this.#nextGlanceAtMs = nowMs + GLANCE_EVERY_MS
    if (this.#supply.isPolling) this.#glanceSoon()
    this.#checkLimits(nowMs)
    for (const pool of this.#functions.live.values()) {
      if (pool.workers.length === 0 && pool.settings.minWorkers === 0) continue
      pool.checkResponsive(nowMs, PING_EVERY_MS)
      pool.shareProcessors()
      this.#balance.include(pool)
    }
    // What there is has been measured anew.
    this.#balance.shareAnew()
    this.#balance.run(nowMs)
  }

  #checkLimits(nowMs: number): void {
    for (const pool of this.#functions.all) pool.checkLimits(nowMs)
  }

  #glanceSoon(): void {
    setTimeout(() => {
      if (this.#hasEnded) return
      const nowMs = clock.now()
      if (nowMs >= this.#nextGlanceAtMs) {
        this.#nextGlanceAtMs = nowMs + GLANCE_EVERY_MS
        this.#supply.glance()
        this.#checkLimits(nowMs)
      }
      this.#supply.watchGrowth(nowMs, () => this.#checkLimits(nowMs))
      if (nowMs < this.#nextAtMs - GROWTH_EVERY_MS) this.#glanceSoon()
    }, GROWTH_EVERY_MS).unref()
  }
}
