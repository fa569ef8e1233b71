/**
 * Makes so what was decided of a function: on the disk first, then for the pool and the callers. Whatever fails before
 * the record is written leaves everything as it was, on the disk and for callers; when it is written, the new version is
 * live here and after any restart. What no record speaks of any longer is cleared up. Whoever asks for a change has the
 * turn of that function.
 */
import type { Logger } from '../log.ts'
import type { BundleKeeper } from './bundle-keeper.ts'
import type { Deployments } from './deployments.ts'
import type { InTurn } from './in-turn.ts'
import { type Activation, activated, type FunctionRecord, hasTraffic, type VersionRecord } from './record.ts'
import type { RecordStore } from './record-store.ts'
import type { Ready } from './version-maker.ts'

export interface CommitterParts {
  readonly deployments: Deployments
  readonly records: RecordStore
  readonly keeper: BundleKeeper
  readonly log: Logger
  /** The gateway routes anew. */
  readonly onSwitched: (name: string) => void
}

export class Committer {
  readonly #parts: CommitterParts
  /** The turns of whoever makes a version: what is swept is no folder of one that is being made. */
  readonly #making: InTurn

  constructor(parts: CommitterParts, making: InTurn) {
    this.#parts = parts
    this.#making = making
  }

  /** Writes what is so from now on, and makes it so. `record` has the version already. */
  async commit(record: FunctionRecord, { version, source, bundle }: Ready, activation: Activation): Promise<void> {
    const { deployments, records, onSwitched } = this.#parts
    const { name } = record
    const next = activated(record, version, activation)
    await records.write(next)
    const before = deployments.recordOf(name)
    deployments.setRecord(next)
    deployments.stand(name, version, source, bundle, activation.kind === 'preview' ? 0 : null)
    if (next.live !== null && (activation.kind !== 'preview' || hasTraffic(next, version.number)))
      deployments.switchTo(next)
    onSwitched(name)
    this.#clearUp(before?.versions ?? [], next)
  }

  async endCanary(record: FunctionRecord): Promise<FunctionRecord> {
    if (record.canary === null) return record
    const next = { ...record, canary: null }
    await this.#parts.records.write(next)
    this.#parts.deployments.switchTo(next)
    return next
  }

  /** Takes a function away, with all its versions. Whoever calls has also the turn of making one. */
  async remove({ name, versions }: FunctionRecord): Promise<void> {
    const { records, deployments, keeper, onSwitched, log } = this.#parts
    await records.forget(name)
    deployments.remove(name)
    onSwitched(name)
    await records
      .remove(name)
      .catch((error: Error) => log.warn({ function: name }, `its files could not be removed: ${error.message}`))
    await keeper.discardUnused(versions.map(({ bundle }) => bundle))
  }

  /** Removes what deployments left that did not come to their end. */
  async sweep(): Promise<void> {
    for (const name of await this.#parts.records.names()) await this.#making.take(name, () => this.#sweepOne(name))
  }

  /** What is not kept any longer goes, after whoever deployed was told. */
  #clearUp(before: readonly VersionRecord[], { name, versions }: FunctionRecord): void {
    const { deployments, keeper, log } = this.#parts
    const kept = new Set(versions.map(({ number }) => number))
    const gone = before.filter(({ number }) => !kept.has(number))
    if (gone.length === 0) return
    for (const { number } of gone) deployments.lay(name, number)
    const work = this.#making.take(name, async () => {
      await this.#sweepOne(name)
      await keeper.discardUnused(gone.map(({ bundle }) => bundle))
    })
    work.catch((error: Error) => log.warn({ function: name }, `old versions could not be removed: ${error.message}`))
  }

  #sweepOne(name: string): Promise<void> {
    const { deployments, records } = this.#parts
    return records.sweep(name, new Set(deployments.recordOf(name)?.versions.map(({ id }) => id)))
  }
}
