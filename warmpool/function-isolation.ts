/**
 * What keeps one function's workers from others: which kind of blanks they are made from, and what holds them by their own
 * word. Where the machine has no sandbox for it, that is told as missing, before the first has loaded it and afterwards.
 */
import { type BlankKind, kindAfter, kindFor } from './blank-kind.ts'
import { sameIsolation, withoutSandbox } from './confinement.ts'
import type { FunctionSpec } from './function-spec.ts'
import { lastAnswer } from './sandbox/available.ts'
import type { FunctionSettings } from './settings.ts'
import type { IsolationStatus } from './status.ts'
import type { Confined } from './wire/messages.ts'
import type { Worker } from './worker.ts'

export class FunctionIsolation {
  /** What its workers are made from. */
  kind: BlankKind
  readonly #spec: FunctionSpec
  /** What the last one that loaded has of it; null: none has yet. */
  #confined: Confined | null = null

  constructor(spec: FunctionSpec) {
    this.#spec = spec
    this.kind = kindFor(spec, spec.settings)
  }

  onLoaded(worker: Worker): void {
    const { degraded } = this.kind
    if (degraded !== null) worker.confined = withoutSandbox(worker.confined, degraded)
    this.#confined = worker.confined
  }

  /** True: workers that were started before are not isolated as they should be now. */
  retune(before: FunctionSettings, settings: FunctionSettings): boolean {
    const isOutdated = !sameIsolation(settings, before)
    if (isOutdated) this.#confined = null
    this.kind = kindAfter(this.kind, this.#spec, before, settings)
    return isOutdated
  }

  status({ isolation: profile, network }: FunctionSettings): IsolationStatus {
    const { inForce, missing } = this.#confined ?? { inForce: null, missing: missingSandbox(this.kind) }
    return { profile, network, inForce: profile === 'trusted' ? [] : inForce, missing }
  }
}

function missingSandbox({ degraded, sandbox }: BlankKind): Confined['missing'] {
  const why = degraded ?? (sandbox === null ? null : lastAnswer(sandbox.network))
  return why === null ? [] : [{ mechanism: 'namespaces', why }]
}
