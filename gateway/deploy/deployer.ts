/**
 * What changes deployed functions: new versions, which one is live, canaries, the end of a function. Versions of one
 * function are made one after the other, and so is its record changed; who makes one does not keep anybody from going
 * back meanwhile, however long its packages or its health check take. Who changed what is noted down.
 */
import type { Config } from '../config/index.ts'
import type { Catalog } from '../functions/catalog.ts'
import { isFunctionName } from '../functions/discover.ts'
import type { AuditEvent, AuditLog } from './audit-log.ts'
import { type OnStep, timed } from './candidate.ts'
import { Committer, type CommitterParts } from './committer.ts'
import { InTurn } from './in-turn.ts'
import { checkManifest, type Manifest, manifestId } from './manifest.ts'
import {
  type Activation,
  type CanaryRecord,
  type FunctionRecord,
  newRecord,
  type VersionRecord,
  versionOf,
  versionWithId,
  withReplaced,
  withVersion,
} from './record.ts'
import { Refusal } from './refusal.ts'
import type { Principal } from './token-store.ts'
import type { VersionMaker } from './version-maker.ts'

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

export interface DeployerParts extends CommitterParts {
  readonly catalog: Catalog
  readonly maker: VersionMaker
  readonly audit: AuditLog
  readonly config: () => Config
}

export class Deployer {
  readonly #parts: DeployerParts
  /** Of whoever makes a version or removes what is there: it may take minutes. Within it, and never around it, `#turns`. */
  readonly #making = new InTurn()
  /** Of whoever changes a record. */
  readonly #turns = new InTurn()
  readonly #committer: Committer

  constructor(parts: DeployerParts) {
    this.#parts = parts
    this.#committer = new Committer(parts, this.#making)
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
      const changed =
        canary === null ? await this.#committer.endCanary(record) : await this.#startCanary(record, canary)
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
      const record = this.recordOf(name)
      await this.#committer.remove(record)
      await this.#audit({ by, what: 'remove', function: name, from: record.live, to: null })
    }
    return this.#making.take(name, () => this.#turns.take(name, work))
  }

  /** Removes what deployments left that did not come to their end. */
  sweep(): Promise<void> {
    return this.#committer.sweep()
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
          await this.#committer.commit(next, ready, activation)
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
    await timed('switch', onStep, () => this.#committer.commit(record, ready, activation))
    return told(this.recordOf(name), version, record.live, true)
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
