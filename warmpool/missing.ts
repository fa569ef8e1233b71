/** Processes that functions want and that no blank could be given for, summed up by runtime for the supply. */
import type { Claimant } from './policy/fair-share.ts'
import type { RuntimeName } from './runtime.ts'

export interface Missing {
  now: number
  soon: number
  /** Who may claim another's place: somebody waits for them, or they are owed a minimum. */
  readonly claimants: Claimant[]
}

export class MissingByRuntime {
  readonly #sums = new Map<RuntimeName, Missing>()

  add(runtime: RuntimeName, now: number, soon: number, claimant: Claimant): void {
    const sum = this.of(runtime)
    sum.now += now
    sum.soon += soon
    if (claimant.wants > 0) sum.claimants.push(claimant)
    this.#sums.set(runtime, sum)
  }

  of(runtime: RuntimeName): Missing {
    return this.#sums.get(runtime) ?? { now: 0, soon: 0, claimants: [] }
  }

  /** The runtimes for whose processes somebody waits. */
  get awaited(): readonly RuntimeName[] {
    return [...this.#sums].filter(([, { now }]) => now > 0).map(([runtime]) => runtime)
  }

  /** Leaves what somebody waits for. */
  dropSoon(): void {
    for (const sum of this.#sums.values()) sum.soon = 0
  }
}
