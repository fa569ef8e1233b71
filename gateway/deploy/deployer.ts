/**
 * Deploying: from an uploaded folder to the version that is live, step by step, each told with its time. Deployments of one
 * function are made one after the other. Whatever fails before the record is written leaves everything as it was, on
 * the disk and for callers; when it is written, the new version is live here and after any restart.
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { WarmPool } from '../../warmpool/index.ts'
import { type Config, FUNCTION_FILE } from '../config/index.ts'
import type { Bundle } from '../functions/bundle-store.ts'
import type { Catalog } from '../functions/catalog.ts'
import { discoverFolder, type FunctionSource, isFunctionName } from '../functions/discover.ts'
import type { Logger } from '../log.ts'
import type { AuditLog } from './audit-log.ts'
import type { BlobStore } from './blob-store.ts'
import { buildUpload } from './build-upload.ts'
import { type OnStep, proveCandidate, timed } from './candidate.ts'
import type { Deployments } from './deployments.ts'
import { InTurn } from './in-turn.ts'
import { installPackages } from './install-packages.ts'
import { bytesOf, checkManifest, type Manifest, manifestId } from './manifest.ts'
import {
  type CanaryRecord,
  type FunctionRecord,
  newRecord,
  type VersionRecord,
  versionOf,
  versionWithId,
  withLive,
  withVersion,
} from './record.ts'
import type { RecordStore } from './record-store.ts'
import { Refusal } from './refusal.ts'

/** What becomes of a new version: it takes all traffic, none, or some of it. */
export type Activation =
  | { readonly kind: 'live' }
  | { readonly kind: 'preview' }
  | { readonly kind: 'canary'; readonly canary: Omit<CanaryRecord, 'version'> }

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

interface Built {
  readonly source: FunctionSource
  readonly bundle: Bundle
  readonly outsideInputs: readonly string[]
}

export class Deployer {
  readonly #pool: WarmPool
  readonly #catalog: Catalog
  readonly #deployments: Deployments
  readonly #records: RecordStore
  readonly #blobs: BlobStore
  readonly #audit: AuditLog
  readonly #log: Logger
  readonly #config: () => Config
  /** The gateway routes anew. */
  readonly #onSwitched: () => void
  readonly #turns = new InTurn()
  /** Bundles that are being deployed, which no record has yet. */
  readonly #inWork = new Map<string, number>()

  constructor(
    parts: {
      readonly pool: WarmPool
      readonly catalog: Catalog
      readonly deployments: Deployments
      readonly records: RecordStore
      readonly blobs: BlobStore
      readonly audit: AuditLog
      readonly log: Logger
    },
    config: () => Config,
    onSwitched: () => void,
  ) {
    this.#pool = parts.pool
    this.#catalog = parts.catalog
    this.#deployments = parts.deployments
    this.#records = parts.records
    this.#blobs = parts.blobs
    this.#audit = parts.audit
    this.#log = parts.log
    this.#config = config
    this.#onSwitched = onSwitched
  }

  /** Bundles that no sweep may take. */
  bundles(): string[] {
    return [...this.#deployments.bundles(), ...this.#inWork.keys()]
  }

  /** Throws `Refusal` where a folder of this name cannot be deployed at all. */
  checkName(name: string): void {
    if (!isFunctionName(name)) {
      const form = '1 to 63 letters, digits, "-", "_" and ".", beginning with a letter or digit'
      throw new Refusal(
        'unacceptable-upload',
        `${JSON.stringify(name.slice(0, 80))} is no name for a function: use ${form}`,
      )
    }
    const entry = this.#catalog.entries.get(name)
    if (entry === undefined || entry.version !== null) return
    const detail = `"${name}" is a function of the folder ${this.#config().functionsDir}: deploy under another name, or take it out of there`
    throw new Refusal('name-taken', detail)
  }

  /** Makes a version of what was uploaded. Throws `Refusal`, and what the file system throws. */
  deploy(name: string, manifest: Manifest, activation: Activation, by: string, onStep: OnStep): Promise<Deployment> {
    return this.#turns.take(name, async () => {
      this.checkName(name)
      checkManifest(manifest, this.#config().deploy)
      const record = this.#deployments.recordOf(name) ?? newRecord(name)
      try {
        const known = versionWithId(record, manifestId(manifest))
        const isSound = known !== null && (await this.#isSound(name, known))
        const deployment = isSound
          ? await this.#deployKnown(record, known, activation, onStep)
          : await this.#deployNew(without(record, known), manifest, activation, by, onStep)
        await this.#noteDown(by, 'deploy', record, deployment, activation.kind)
        return deployment
      } catch (error) {
        const why = (error as Error).message
        await this.#audit.append({ by, what: 'deploy-failed', function: name, from: record.live, to: null, why })
        throw error
      }
    })
  }

  /** Makes a version live that is there already: forwards or back. `number` null: the one before. */
  activate(
    name: string,
    choose: (record: FunctionRecord) => VersionRecord,
    by: string,
    onStep: OnStep,
  ): Promise<Deployment> {
    return this.#turns.take(name, async () => {
      const record = this.#recordOf(name)
      const version = choose(record)
      const deployment = await this.#deployKnown(record, version, { kind: 'live' }, onStep)
      const isBack = record.live !== null && version.number < record.live
      await this.#noteDown(by, isBack ? 'rollback' : 'promote', record, deployment, 'live')
      return deployment
    })
  }

  /** Changes or ends a canary, whose version is there. */
  setCanary(name: string, canary: CanaryRecord | null, by: string, why?: string): Promise<FunctionRecord> {
    return this.#turns.take(name, async () => {
      const record = this.#recordOf(name)
      const changed = canary === null ? await this.#endCanary(record) : await this.#startCanary(record, canary)
      const from = record.canary === null ? record.live : record.canary.version
      const what = canary === null ? 'canary-ended' : 'canary'
      const to = canary?.version ?? changed.live
      const how = why ?? (canary === null ? '' : `${canary.percent} %`)
      await this.#audit.append({ by, what, function: name, from, to, ...(how === '' ? {} : { why: how }) })
      return changed
    })
  }

  /** A canary that was decided about, unless somebody has changed it meanwhile. */
  async judge(name: string, seen: CanaryRecord, next: CanaryRecord | null, why: string): Promise<void> {
    if (this.#deployments.recordOf(name)?.canary !== seen) return
    this.#log[next === null ? 'warn' : 'info']({ function: name, version: String(seen.version) }, `canary: ${why}`)
    await this.setCanary(name, next, 'gateway', why)
  }

  /** Takes a deployed function away, with all its versions. */
  remove(name: string, by: string): Promise<void> {
    return this.#turns.take(name, async () => {
      const { live, versions } = this.#recordOf(name)
      this.#deployments.remove(name)
      this.#onSwitched()
      await this.#records.remove(name)
      await this.#discardBundles(versions)
      await this.#audit.append({ by, what: 'remove', function: name, from: live, to: null })
    })
  }

  /** Removes what deployments left that did not come to their end. */
  async sweep(): Promise<void> {
    for (const name of await this.#records.names())
      await this.#turns.take(name, () => {
        const versions = this.#deployments.recordOf(name)?.versions ?? []
        return this.#records.sweep(name, new Set(versions.map(({ id }) => id)))
      })
  }

  #recordOf(name: string): FunctionRecord {
    const record = this.#deployments.recordOf(name)
    if (record !== null) return record
    throw new Refusal('not-found', `No function "${name}" was deployed here`)
  }

  async #deployNew(
    record: FunctionRecord,
    manifest: Manifest,
    activation: Activation,
    by: string,
    onStep: OnStep,
  ): Promise<Deployment> {
    const { name } = record
    const id = manifestId(manifest)
    let bundleId = ''
    try {
      await timed('verify', onStep, () => this.#assemble(name, id, manifest, onStep))
      const built = await timed('build', onStep, () =>
        this.#build(name, id, (bundle) => {
          bundleId = bundle
          this.#inWork.set(bundle, (this.#inWork.get(bundle) ?? 0) + 1)
        }),
      )
      const version = await versionFrom(record, id, manifest, built, by)
      // What makes it survive a power cut goes on while it boots.
      const synced = this.#records.sync(name, id, built.bundle.dir)
      synced.catch(() => {})
      await this.#prove(name, version, built, onStep)
      await timed('switch', onStep, async () => {
        await synced
        await this.#commit(withVersion(record, version, this.#config().deploy.keep), version, built, activation)
      })
      this.#letGo(bundleId)
      return told(this.#recordOf(name), version, record.live, false)
    } catch (error) {
      this.#letGo(bundleId)
      await this.#undo(name, id, bundleId)
      throw error
    }
  }

  async #assemble(name: string, id: string, manifest: Manifest, onStep: OnStep): Promise<void> {
    const missing = await this.#blobs.missing(manifest.files)
    if (missing.length > 0)
      throw new Refusal(
        'unacceptable-upload',
        `${missing.length} of its files have not arrived: send them, and finish again`,
      )
    await this.#records.assemble(name, id, manifest, this.#blobs, async (folder) => {
      if (manifest.install === 'no') return
      await timed('install', onStep, () => installPackages(folder, manifest.install === 'with-scripts'))
    })
  }

  async #build(name: string, id: string, onBuilt: (bundleId: string) => void): Promise<Built> {
    const found = await discoverFolder(name, this.#records.folderOf(name, id), this.#config())
    if ('problem' in found) throw new Refusal('build-failed', found.problem)
    const { missing } = this.#config().secretsOf(name, found.source.file ?? undefined)
    if (missing.length > 0) throw new Refusal('secret-missing', missing.join(' '))
    const built = await buildUpload(this.#catalog.builder, found.source, onBuilt)
    return { source: found.source, ...built }
  }

  async #prove(name: string, version: VersionRecord, { source, bundle }: Built, onStep: OnStep): Promise<void> {
    const spec = this.#deployments.specOf(name, version, source, bundle)
    await proveCandidate(this.#pool, spec, source.file?.health ?? null, onStep)
  }

  /** One that is there already: the pool may know it, for its previews. */
  async #proveAgain(name: string, version: VersionRecord, built: Built, onStep: OnStep): Promise<void> {
    try {
      await this.#prove(name, version, built, onStep)
    } catch (error) {
      const record = this.#deployments.recordOf(name)
      if (record?.live !== version.number && record?.canary?.version !== version.number)
        this.#deployments.lay(name, version.number)
      throw error
    }
  }

  /** Writes what is so from now on, and makes it so. `record` has the version already. */
  async #commit(
    record: FunctionRecord,
    version: VersionRecord,
    { source, bundle }: Built,
    activation: Activation,
  ): Promise<void> {
    const { name } = record
    const next = activated(record, version, activation)
    try {
      await this.#records.write(next)
    } catch (error) {
      if (!this.#deployments.isStanding(name, version.number))
        this.#pool.remove(this.#deployments.specOf(name, version, source, bundle).name)
      throw error
    }
    const before = this.#deployments.recordOf(name)
    this.#deployments.setRecord(next)
    const minWorkers = activation.kind === 'preview' ? 0 : null
    this.#deployments.stand(name, version, source, bundle, minWorkers)
    if (next.live !== null && activation.kind !== 'preview') this.#deployments.switchTo(next)
    this.#onSwitched()
    this.#clearUp(before?.versions ?? [], next)
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
    const source = this.#deployments.sourceOf(name, version)
    const bundle = await this.#storedBundle(name, version, onStep)
    const built = { source, bundle, outsideInputs: version.outsideInputs }
    if (!this.#deployments.isWarm(name, version.number)) await this.#proveAgain(name, version, built, onStep)
    await timed('switch', onStep, () => this.#commit(record, version, built, activation))
    return told(this.#recordOf(name), version, record.live, true)
  }

  /** What a warm version runs is in its workers; a cold one is read before it is started. */
  async #isSound(name: string, { number, bundle }: VersionRecord): Promise<boolean> {
    const { store } = this.#catalog.builder
    return this.#deployments.isWarm(name, number) ? store.has(bundle) : store.verify(bundle)
  }

  async #storedBundle(name: string, version: VersionRecord, onStep: OnStep): Promise<Bundle> {
    const isSound = await timed('verify', onStep, () => this.#isSound(name, version))
    if (isSound) return this.#catalog.builder.store.at(version.bundle)
    const detail = `What was built of version ${version.number} is damaged on the disk (its bytes are not those of its hash): deploy its folder again`
    throw new Refusal('corrupted', detail)
  }

  async #startCanary(record: FunctionRecord, canary: CanaryRecord): Promise<FunctionRecord> {
    const version = versionOf(record, canary.version)
    if (version === null) throw new Refusal('not-found', `"${record.name}" has no version ${canary.version}`)
    if (record.live === null)
      throw new Refusal('unacceptable-upload', `"${record.name}" has no live version to compare with`)
    if (canary.version === record.live)
      throw new Refusal('unacceptable-upload', `Version ${canary.version} is live: it has all traffic`)
    await this.#deployKnown(record, version, { kind: 'canary', canary }, () => {})
    return this.#recordOf(record.name)
  }

  async #endCanary(record: FunctionRecord): Promise<FunctionRecord> {
    if (record.canary === null) return record
    const next = { ...record, canary: null }
    await this.#records.write(next)
    this.#deployments.switchTo(next)
    return next
  }

  async #undo(name: string, id: string, bundleId: string): Promise<void> {
    const versions = this.#deployments.recordOf(name)?.versions ?? []
    if (versions.some((version) => version.id === id)) return
    const keep = new Set(versions.map((version) => version.id))
    await this.#records.sweep(name, keep).catch(() => {})
    if (bundleId !== '') await this.#discardUnused(bundleId)
  }

  #letGo(bundleId: string): void {
    const count = this.#inWork.get(bundleId)
    if (count === undefined) return
    if (count === 1) this.#inWork.delete(bundleId)
    else this.#inWork.set(bundleId, count - 1)
  }

  /** What is not kept any longer goes, after whoever deployed was told. */
  #clearUp(before: readonly VersionRecord[], { name, versions }: FunctionRecord): void {
    const kept = new Set(versions.map(({ number }) => number))
    const gone = before.filter(({ number }) => !kept.has(number))
    if (gone.length === 0) return
    for (const { number } of gone) this.#deployments.lay(name, number)
    const work = this.#turns.take(name, async () => {
      const keep = new Set(this.#deployments.recordOf(name)?.versions.map(({ id }) => id))
      await this.#records.sweep(name, keep)
      await this.#discardBundles(gone)
    })
    work.catch((error: Error) =>
      this.#log.warn({ function: name }, `old versions could not be removed: ${error.message}`),
    )
  }

  async #discardBundles(versions: readonly VersionRecord[]): Promise<void> {
    for (const { bundle } of versions) await this.#discardUnused(bundle)
  }

  async #discardUnused(bundle: string): Promise<void> {
    const isUsed = (id: string): boolean => this.bundles().includes(id) || isInFolder(this.#catalog, id)
    if (isUsed(bundle) || !(await this.#catalog.builder.store.has(bundle))) return
    await this.#catalog.builder.store.discard(bundle).catch(() => {})
  }

  async #noteDown(
    by: string,
    what: string,
    before: FunctionRecord,
    { version, isUnchanged }: Deployment,
    as: string,
  ): Promise<void> {
    if (isUnchanged) return
    const how = as === 'live' ? {} : { why: as }
    await this.#audit.append({ by, what, function: before.name, from: before.live, to: version.number, ...how })
    this.#log.info(
      { function: before.name, version: String(version.number) },
      `${what} by ${by}${as === 'live' ? ': live' : `: ${as}`}`,
    )
  }
}

function activated(record: FunctionRecord, version: VersionRecord, activation: Activation): FunctionRecord {
  if (activation.kind === 'live') return withLive(record, version.number)
  if (activation.kind === 'preview') return record
  // Nothing to compare it with: then it is what there is.
  if (record.live === null) return withLive(record, version.number)
  return { ...record, canary: { ...activation.canary, version: version.number } }
}

function told(record: FunctionRecord, version: VersionRecord, previous: number | null, isKnown: boolean): Deployment {
  const isUnchanged = isKnown && record.live === previous && record.live === version.number
  return { function: record.name, version, live: record.live, previous, isKnown, isUnchanged }
}

/** Without one whose bundle is damaged: it is deployed anew. */
function without(record: FunctionRecord, damaged: VersionRecord | null): FunctionRecord {
  if (damaged === null) return record
  return { ...record, versions: record.versions.filter((version) => version !== damaged) }
}

function isInFolder({ entries }: Catalog, bundle: string): boolean {
  return [...entries.values()].some((entry) => entry.bundle === bundle)
}

async function versionFrom(
  record: FunctionRecord,
  id: string,
  manifest: Manifest,
  { source, bundle, outsideInputs }: Built,
  by: string,
): Promise<VersionRecord> {
  const { identity, routes, notes, dir, entry } = source
  const file = await readFile(join(dir, FUNCTION_FILE), 'utf8').catch(() => null)
  return {
    number: record.next,
    id,
    key: randomBytes(16).toString('base64url'),
    createdAt: new Date().toISOString(),
    by,
    files: manifest.files.length,
    bytes: bytesOf(manifest),
    install: manifest.install,
    bundle: bundle.id,
    outsideInputs,
    source: { entry: relative(dir, entry), identity, file, routes, notes },
  }
}
