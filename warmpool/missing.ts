/** Processes that functions want and that no blank could be given for, summed up by kind for the supply. */
import type { Claimant } from './policy/fair-share.ts'
import type { Wanted } from './policy/scheduling.ts'

export interface Missing {
  now: number
  /** Of those, what is only warmed up: who waits for that has no call that waits. */
  warming: number
  soon: number
  /** Who may claim another's place: somebody waits for them, or they are owed a minimum. */
  readonly claimants: Claimant[]
}

export class MissingByKind {
  readonly #sums = new Map<string, Missing>()

  add(kind: string, { now, soon, warming = 0 }: Wanted & { warming?: number }, claimant: Claimant): void {
    const sum = this.of(kind)
    sum.now += now
    sum.warming += warming
    sum.soon += soon
    if (claimant.wants > 0) sum.claimants.push(claimant)
    this.#sums.set(kind, sum)
  }

  of(kind: string): Missing {
    return this.#sums.get(kind) ?? { now: 0, warming: 0, soon: 0, claimants: [] }
  }

  /** The kinds for whose processes somebody waits. */
  get awaited(): readonly string[] {
    return [...this.#sums].filter(([, { now }]) => now > 0).map(([kind]) => kind)
  }

  /** Leaves what somebody waits for. */
  dropSoon(): void {
    for (const sum of this.#sums.values()) sum.soon = 0
  }
}
