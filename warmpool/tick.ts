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

export class Tick {
  readonly #supply: ProcessSupply
  readonly #functions: FunctionPools
  readonly #balance: Balance
  readonly #interval: NodeJS.Timeout
  #nextAtMs = 0
  #hasEnded = false

  constructor(supply: ProcessSupply, functions: FunctionPools, balance: Balance) {
    this.#supply = supply
    this.#functions = functions
    this.#balance = balance
    // What has arrived is read before anything is judged: timers come before sockets in a turn of the loop.
    this.#interval = setInterval(() => setImmediate(() => this.#look(clock.now())), TICK_MS)
    this.#interval.unref()
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
    this.#supply.measure(nowMs)
    if (this.#supply.isPolling) this.#glanceSoon()
    for (const pool of this.#functions.all) pool.checkLimits(nowMs)
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

  #glanceSoon(): void {
    setTimeout(() => {
      this.#supply.glance()
      for (const pool of this.#functions.all) pool.checkLimits(clock.now())
      if (clock.now() < this.#nextAtMs - GLANCE_EVERY_MS) this.#glanceSoon()
    }, GLANCE_EVERY_MS).unref()
  }
}
