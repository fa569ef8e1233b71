/**
 * Those workers of one function that are loading it: what each is told, and the end of those that are not ready within the
 * function's boot time-out. One that is being killed counts until it is gone.
 */
import type { EgressLocator } from './egress.ts'
import { FolderMissing, loadFor } from './function-load.ts'
import type { FunctionSpec } from './function-spec.ts'
import type { FunctionSettings } from './settings.ts'
import type { Worker } from './worker.ts'
import type { WorkerOwner } from './worker-owner.ts'
import type { DeathReason } from './worker-state.ts'

export class LoadingWorkers {
  readonly #spec: FunctionSpec
  readonly #egressOf: EgressLocator
  readonly #workers: Worker[] = []

  constructor(spec: FunctionSpec, egressOf: EgressLocator) {
    this.#spec = spec
    this.#egressOf = egressOf
  }

  get count(): number {
    return this.#workers.length
  }

  /** The one that will be able to take an invocation first; undefined: none is on its way. */
  get first(): Worker | undefined {
    return this.#workers[0]
  }

  /** Makes a blank this function's, and `owner` its owner. */
  load(worker: Worker, settings: FunctionSettings, owner: WorkerOwner, nowMs: number): void {
    const { secrets, bootTimeoutMs } = settings
    try {
      worker.keepSecret(secrets)
      worker.load(loadFor(worker, this.#spec, settings, this.#egressOf), owner, nowMs)
    } catch (error) {
      if (!(error instanceof FolderMissing)) throw error
      worker.owner = owner
      worker.death.note = error.message
      return worker.kill('init-failed')
    }
    this.#workers.push(worker)
    worker.setDeadline(bootTimeoutMs, () => {
      worker.death.note = `it did not load within its boot time-out of ${bootTimeoutMs} ms`
      worker.kill('init-failed')
    })
  }

  /** It has loaded the function, or is gone. */
  remove(worker: Worker): void {
    worker.clearDeadline()
    const at = this.#workers.indexOf(worker)
    if (at >= 0) this.#workers.splice(at, 1)
  }

  killAll(reason: DeathReason): void {
    for (const worker of this.#workers) worker.kill(reason)
  }
}
