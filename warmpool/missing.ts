/** Processes that functions want and that no blank could be given for, summed up by runtime for the supply. */
import type { RuntimeName } from './runtime.ts'

export interface Missing {
  now: number
  soon: number
  /** Somebody waits for a function that has no worker at all. */
  isStarving: boolean
}

export class MissingByRuntime {
  readonly #sums = new Map<RuntimeName, Missing>()

  add(runtime: RuntimeName, { now, soon, isStarving }: Missing): void {
    const sum = this.of(runtime)
    this.#sums.set(runtime, {
      now: sum.now + now,
      soon: sum.soon + soon,
      isStarving: sum.isStarving || isStarving,
    })
  }

  of(runtime: RuntimeName): Missing {
    return this.#sums.get(runtime) ?? { now: 0, soon: 0, isStarving: false }
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
