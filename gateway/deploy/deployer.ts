/**
 * What changes deployed functions: new versions, which one is live, canaries, the end of a function. Versions of one function are
 * made one after the other, and so is its record changed; who makes one does not keep anybody from going back meanwhile, however long its
 * packages or its health check take. Whatever fails before the record is written leaves everything as it was, on the disk and for
 * callers; when it is written, the new version is live here and after any restart.
 */
import type { Config } from '../config/index.ts'
import type { Catalog } from '../functions/catalog.ts'
import { isFunctionName } from '../functions/discover.ts'
import type { Logger } from '../log.ts'
import type { AuditEvent, AuditLog } from './audit-log.ts'
import type { BundleKeeper } from './bundle-keeper.ts'
import { type OnStep, timed } from './candidate.ts'
import type { Deployments } from './deployments.ts'
import { InTurn } from './in-turn.ts'
import { checkManifest, type Manifest, manifestId } from './manifest.ts'
import {
  type Activation,
  activated,
  type CanaryRecord,
  type FunctionRecord,
  hasTraffic,
  newRecord,
  type VersionRecord,
  versionOf,
  versionWithId,
  withReplaced,
  withVersion,
} from './record.ts'
import type { RecordStore } from './record-store.ts'
import { Refusal } from './refusal.ts'
import type { Principal } from './token-store.ts'
import type { Ready, VersionMaker } from './version-maker.ts'

export interface Deployment {
  readonly function: string
  readonly version: VersionRecord
  readonly live: number | null
  /** What was live before. */
  readonly previous: number | null
  /** The same content was there already: nothing was built. */
  readonly isKnown: boolean
  /** And it was live already: nothing was done. */
  readonly isUnchanged: boolean
}

export interface DeployerParts {
  readonly catalog: Catalog
  readonly deployments: Deployments
  readonly records: RecordStore
  readonly keeper: BundleKeeper
  readonly maker: VersionMaker
  readonly audit: AuditLog
  readonly log: Logger
  readonly config: () => Config
  /** The gateway routes anew. */
  readonly onSwitched: (name: string) => void
}

export class Deployer {
  readonly #parts: DeployerParts
  /** Of whoever makes a version or removes what is there: it may take minutes. Within it, and never around it, `#turns`. */
  readonly #making = new InTurn()
  /** Of whoever changes a record. */
  readonly #turns = new InTurn()

  constructor(parts: DeployerParts) {
    this.#parts = parts
  }

  /** Throws `Refusal` where a folder of this name cannot be deployed at all. */
  checkName(name: string): void {
    if (!isFunctionName(name)) {
      const form = '1 to 63 letters, digits, "-", "_" and ".", beginning with a letter or digit'
      const detail = `${JSON.stringify(name.slice(0, 80))} is no name for a function: use ${form}`
      throw new Refusal('unacceptable-upload', detail)
    }
    const entry = this.#parts.catalog.entries.get(name)
    if (entry === undefined || entry.version !== null) return
    const { functionsDir } = this.#parts.config()
    const detail = `"${name}" is a function of the folder ${functionsDir}: deploy under another name, or take it out of there`
    throw new Refusal('name-taken', detail)
  }

  /** Makes a version of what was uploaded. Throws `Refusal`, and what the file system throws. */
  deploy(name: string, manifest: Manifest, activation: Activation, by: Principal, onStep: OnStep): Promise<Deployment> {
    return this.#making.take(name, async () => {
      this.checkName(name)
      checkManifest(manifest, this.#parts.config().deploy)
      const record = this.#parts.deployments.recordOf(name) ?? newRecord(name)
      try {
        const known = versionWithId(record, manifestId(manifest))
        const isSound = known !== null && (await this.#parts.maker.isSound(name, known))
        return isSound
          ? await this.#deployAgain(name, known, activation, by, onStep)
          : await this.#deployNew(name, known, manifest, activation, by, onStep)
      } catch (error) {
        const why = (error as Error).message
        await this.#audit({ by: by.name, what: 'deploy-failed', function: name, from: record.live, to: null, why })
        throw error
      }
    })
  }

  /** Makes a version live that is there already: forwards or back. */
  activate(
    name: string,
    choose: (record: FunctionRecord) => VersionRecord,
    by: string,
    onStep: OnStep,
  ): Promise<Deployment> {
    return this.#turns.take(name, async () => {
      const record = this.recordOf(name)
      const version = choose(record)
      const deployment = await this.#deployKnown(record, version, { kind: 'live' }, onStep)
      const isBack = record.live !== null && version.number < record.live
      await this.#noteDown(by, isBack ? 'rollback' : 'promote', record, deployment, 'live')
      return deployment
    })
  }

  /** Changes or ends a canary, whose version is there. `seen`: unless somebody has changed it since. */
  setCanary(
    name: string,
    canary: CanaryRecord | null,
    by: string,
    { why, seen }: { readonly why?: string; readonly seen?: CanaryRecord } = {},
  ): Promise<FunctionRecord> {
    return this.#turns.take(name, async () => {
      const record = this.recordOf(name)
      if (seen !== undefined && record.canary !== seen) return record
      const changed = canary === null ? await this.#endCanary(record) : await this.#startCanary(record, canary)
      const from = record.canary === null ? record.live : record.canary.version
      const what = canary === null ? 'canary-ended' : 'canary'
      const how = why ?? (canary === null ? undefined : `${canary.percent} %`)
      const to = canary?.version ?? changed.live
      await this.#audit({ by, what, function: name, from, to, ...(how === undefined ? {} : { why: how }) })
      return changed
    })
  }

  /** Takes a deployed function away, with all its versions. */
  remove(name: string, by: string): Promise<void> {
    const work = async (): Promise<void> => {
      const { live, versions } = this.recordOf(name)
      const { records, deployments, onSwitched, log } = this.#parts
      await records.forget(name)
      deployments.remove(name)
      onSwitched(name)
      await records
        .remove(name)
        .catch((error: Error) => log.warn({ function: name }, `its files could not be removed: ${error.message}`))
      await this.#parts.keeper.discardUnused(versions.map(({ bundle }) => bundle))
      await this.#audit({ by, what: 'remove', function: name, from: live, to: null })
    }
    return this.#making.take(name, () => this.#turns.take(name, work))
  }

  /** Removes what deployments left that did not come to their end. */
  async sweep(): Promise<void> {
    for (const name of await this.#parts.records.names())
      await this.#making.take(name, () => this.#parts.records.sweep(name, this.#idsOf(name)))
  }

  /** Throws `Refusal` where nothing of this name was deployed. */
  recordOf(name: string): FunctionRecord {
    const record = this.#parts.deployments.recordOf(name)
    if (record !== null) return record
    throw new Refusal('not-found', `No function "${name}" was deployed here`)
  }

  /** `damaged`: a version of the same content, which the new one takes the place of. */
  #deployNew(
    name: string,
    damaged: VersionRecord | null,
    manifest: Manifest,
    activation: Activation,
    by: Principal,
    onStep: OnStep,
  ): Promise<Deployment> {
    const { config, deployments, maker } = this.#parts
    const began = deployments.recordOf(name) ?? newRecord(name)
    return maker.make(began, manifest, by, onStep, (ready, synced) =>
      this.#turns.take(name, async () => {
        // What is live may have changed while it was made.
        const record = deployments.recordOf(name) ?? newRecord(name)
        const kept = damaged === null ? record : withReplaced(record, damaged, ready.version)
        const next = withVersion(kept, ready.version, config().deploy.keep)
        await timed('switch', onStep, async () => {
          await synced
          await this.#commit(next, ready, activation)
        })
        const deployment = told(this.recordOf(name), ready.version, record.live, false)
        await this.#noteDown(by.name, 'deploy', record, deployment, activation.kind)
        return deployment
      }),
    )
  }

  #deployAgain(
    name: string,
    known: VersionRecord,
    activation: Activation,
    by: Principal,
    onStep: OnStep,
  ): Promise<Deployment> {
    return this.#turns.take(name, async () => {
      const record = this.recordOf(name)
      const deployment = await this.#deployKnown(record, known, activation, onStep)
      await this.#noteDown(by.name, 'deploy', record, deployment, activation.kind)
      return deployment
    })
  }

  async #deployKnown(
    record: FunctionRecord,
    version: VersionRecord,
    activation: Activation,
    onStep: OnStep,
  ): Promise<Deployment> {
    const { name } = record
    const isLive = record.live === version.number
    const isDone = activation.kind === 'preview' || (isLive && (activation.kind === 'canary' || record.canary === null))
    if (isDone) return told(record, version, record.live, true)
    const ready = await this.#parts.maker.again(name, version, onStep)
    await timed('switch', onStep, () => this.#commit(record, ready, activation))
    return told(this.recordOf(name), version, record.live, true)
  }

  /** Writes what is so from now on, and makes it so. `record` has the version already. */
  async #commit(record: FunctionRecord, { version, source, bundle }: Ready, activation: Activation): Promise<void> {
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

  async #startCanary(record: FunctionRecord, canary: CanaryRecord): Promise<FunctionRecord> {
    const { name, live } = record
    const version = versionOf(record, canary.version)
    if (version === null) throw new Refusal('not-found', `"${name}" has no version ${canary.version}`)
    if (live === null) throw new Refusal('unacceptable-upload', `"${name}" has no live version to compare with`)
    if (canary.version === live) throw new Refusal('unacceptable-upload', `Version ${live} is live: it has all traffic`)
    await this.#deployKnown(record, version, { kind: 'canary', canary }, () => {})
    return this.recordOf(name)
  }

  async #endCanary(record: FunctionRecord): Promise<FunctionRecord> {
    if (record.canary === null) return record
    const next = { ...record, canary: null }
    await this.#parts.records.write(next)
    this.#parts.deployments.switchTo(next)
    return next
  }

  /** What is not kept any longer goes, after whoever deployed was told. */
  #clearUp(before: readonly VersionRecord[], { name, versions }: FunctionRecord): void {
    const { deployments, records, keeper, log } = this.#parts
    const kept = new Set(versions.map(({ number }) => number))
    const gone = before.filter(({ number }) => !kept.has(number))
    if (gone.length === 0) return
    for (const { number } of gone) deployments.lay(name, number)
    const work = this.#making.take(name, async () => {
      await records.sweep(name, this.#idsOf(name))
      await keeper.discardUnused(gone.map(({ bundle }) => bundle))
    })
    work.catch((error: Error) => log.warn({ function: name }, `old versions could not be removed: ${error.message}`))
  }

  #idsOf(name: string): Set<string> {
    return new Set(this.#parts.deployments.recordOf(name)?.versions.map(({ id }) => id))
  }

  async #noteDown(
    by: string,
    what: string,
    before: FunctionRecord,
    { version, isUnchanged }: Deployment,
    as: string,
  ): Promise<void> {
    if (isUnchanged) return
    const { name, live } = before
    await this.#audit({ by, what, function: name, from: live, to: version.number, ...(as !== 'live' && { why: as }) })
    this.#parts.log.info({ function: name, version: String(version.number) }, `${what} by ${by}: ${as}`)
  }

  /** What was done is done: a log that takes no more lines does not make it undone, and the gateway's own says so. */
  async #audit(event: AuditEvent): Promise<void> {
    await this.#parts.audit.append(event).catch((error: Error) => {
      this.#parts.log.error({ ...event }, `this could not be written into the audit log: ${error.message}`)
    })
  }
}

function told(record: FunctionRecord, version: VersionRecord, previous: number | null, isKnown: boolean): Deployment {
  const isUnchanged = isKnown && record.live === previous && record.live === version.number
  return { function: record.name, version, live: record.live, previous, isKnown, isUnchanged }
}
