/**
 * The functions that the warm pool knows: the live bundle of each by its name, and earlier bundles as long as their workers
 * finish what they have. It alone changes which bundle is live, and sees to it that blanks are kept of the kinds that
 * live ones need.
 */
import type { Balance } from './balance.ts'
import type { ShortageEvent } from './events.ts'
import { FunctionPool, type FunctionPoolHost } from './function-pool.ts'
import { type FunctionSpec, isSameCode } from './function-spec.ts'
import { FunctionStats } from './function-stats.ts'
import { placesIn, shareMinimums } from './policy/minimums.ts'
import type { ProcessSupply } from './process-supply.ts'
import { clock } from './running-clock.ts'
import type { FunctionSettings } from './settings.ts'
import type { FunctionStatus } from './status.ts'

export class FunctionPools {
  readonly #live = new Map<string, FunctionPool>()
  readonly #retired = new Set<FunctionPool>()
  readonly #supply: ProcessSupply
  readonly #balance: Balance
  readonly #host: FunctionPoolHost

  constructor(supply: ProcessSupply, balance: Balance, host: FunctionPoolHost) {
    this.#supply = supply
    this.#balance = balance
    this.#host = host
  }

  /** Those that take invocations, by their functions' names. */
  get live(): ReadonlyMap<string, FunctionPool> {
    return this.#live
  }

  /** Those of earlier bundles included. */
  get all(): readonly FunctionPool[] {
    return [...this.#live.values(), ...this.#retired]
  }

  status(nowMs: number): FunctionStatus[] {
    return [...this.#live.values()].map((pool) => {
      const status = pool.status(nowMs)
      // Workers of an earlier bundle finish what they have: they are still this function's.
      const earlier = [...this.#retired].filter(({ spec }) => spec.name === status.name)
      return { ...status, workers: [...status.workers, ...earlier.flatMap((old) => old.status(nowMs).workers)] }
    })
  }

  /** Makes a function known, or gives it a new bundle or new settings. */
  define(spec: FunctionSpec): void {
    const current = this.#live.get(spec.name)
    if (current === undefined) this.add(spec)
    else if (isSameCode(current.spec, spec)) this.#retune(current, spec.settings)
    else this.#replace(current, spec)
  }

  /**
   * Shares the places of the pool out to the minimums. Returns what they are short of, or null where all of them fit.
   */
  shareMinimums(): ShortageEvent | null {
    const { settings } = this.#supply
    const places = placesIn(settings, this.#supply)
    const pools = [...this.#live.values()]
    const parts = shareMinimums(
      pools.map((pool) => pool.settings.minWorkers),
      places,
    )
    // Several versions of one function ask for it together, and only while it is being replaced.
    const wanted = new Map<string, number>()
    for (const [at, pool] of pools.entries()) {
      const part = parts[at]!
      // What is about to take another's place gets one first.
      const least = pool.isAwaitedWarm ? Math.min(1, pool.settings.minWorkers) : 0
      pool.minimum = { guaranteed: Math.max(least, part.guaranteed), warmed: Math.max(least, part.warmed) }
      const name = pool.spec.title ?? pool.spec.name
      wanted.set(name, Math.max(wanted.get(name) ?? 0, pool.settings.minWorkers))
    }
    const minimums = [...wanted.values()]
    const sum = minimums.reduce((total, count) => total + count, 0)
    const kept = minimums.includes(0) ? 1 : 0
    if (sum + kept <= places) return null
    const { maxWorkers, memoryBytes } = settings
    return { wanted: sum, functions: minimums.filter((count) => count > 0).length, places, maxWorkers, memoryBytes }
  }

  /** One that is not known yet. */
  add(spec: FunctionSpec): FunctionPool {
    const pool = new FunctionPool(spec, 1, new FunctionStats(), this.#host)
    this.#supply.use(pool.kind)
    this.#live.set(spec.name, pool)
    this.#balance.shareAnew()
    if (spec.settings.minWorkers > 0) this.#balance.requestFor(pool)
    return pool
  }

  /** Forgets a function. What waits for a worker of it goes to `successor`, or is told. */
  remove(name: string, successor?: string): void {
    const pool = this.#live.get(name)
    if (pool === undefined) return
    this.#live.delete(name)
    this.#retire(pool, (successor === undefined ? undefined : this.#live.get(successor)) ?? null)
  }

  /** An earlier bundle is forgotten with its last worker. */
  onDied(pool: FunctionPool): void {
    if (pool.workers.length === 0) this.#retired.delete(pool)
  }

  #replace(current: FunctionPool, spec: FunctionSpec): void {
    const next = new FunctionPool(spec, current.version + 1, current.stats, this.#host)
    this.#supply.use(next.kind)
    this.#live.set(spec.name, next)
    this.#retire(current, next)
    this.#balance.shareAnew()
    this.#balance.requestFor(next)
  }

  #retune(pool: FunctionPool, settings: FunctionSettings): void {
    const { kind } = pool
    const nowMs = clock.now()
    pool.retune(settings, nowMs)
    this.#balance.shareAnew()
    if (pool.kind === kind) return
    this.#supply.use(pool.kind)
    this.#supply.leave(kind, nowMs)
  }

  #retire(pool: FunctionPool, successor: FunctionPool | null): void {
    this.#balance.forget(pool)
    this.#balance.shareAnew()
    if (pool.workers.length > 0) this.#retired.add(pool)
    const nowMs = clock.now()
    pool.retire(successor, 'replaced', nowMs)
    this.#supply.leave(pool.kind, nowMs)
  }
}
