/**
 * The functions that the warm pool knows: the live bundle of each by its name, and earlier bundles as long as their workers
 * finish what they have. It alone changes which bundle is live, and sees to it that blanks are kept of the kinds that
 * live ones need.
 */
import type { Balance } from './balance.ts'
import { FunctionPool, type FunctionPoolHost } from './function-pool.ts'
import { type FunctionSpec, isSameCode } from './function-spec.ts'
import { FunctionStats } from './function-stats.ts'
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

  /** One that is not known yet. */
  add(spec: FunctionSpec): FunctionPool {
    const pool = new FunctionPool(spec, 1, new FunctionStats(), this.#host)
    this.#supply.use(pool.kind)
    this.#live.set(spec.name, pool)
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
    this.#balance.requestFor(next)
  }

  #retune(pool: FunctionPool, settings: FunctionSettings): void {
    const { kind } = pool
    const nowMs = clock.now()
    pool.retune(settings, nowMs)
    if (pool.kind === kind) return
    this.#supply.use(pool.kind)
    this.#supply.leave(kind, nowMs)
  }

  #retire(pool: FunctionPool, successor: FunctionPool | null): void {
    this.#balance.forget(pool)
    if (pool.workers.length > 0) this.#retired.add(pool)
    const nowMs = clock.now()
    pool.retire(successor, 'replaced', nowMs)
    this.#supply.leave(pool.kind, nowMs)
  }
}
