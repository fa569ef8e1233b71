/**
 * From an uploaded folder to a version that is proven and warm beside the live one: the steps, and what each refuses. It
 * decides nothing about traffic and writes no record; what it made and nobody took is undone.
 */
import { randomBytes } from 'node:crypto'
import { join, relative } from 'node:path'
import type { WarmPool } from '../../warmpool/index.ts'
import { type Config, FUNCTION_FILE, readFunctionFile } from '../config/index.ts'
import type { Bundle } from '../functions/bundle-store.ts'
import type { Catalog } from '../functions/catalog.ts'
import type { FunctionSource } from '../functions/discover.ts'
import type { BlobStore } from './blob-store.ts'
import type { BuiltUpload, UploadBuilder } from './build-upload.ts'
import type { BundleKeeper } from './bundle-keeper.ts'
import { type OnStep, proveCandidate, timed } from './candidate.ts'
import type { Deployments } from './deployments.ts'
import { installPackages } from './install-packages.ts'
import { bytesOf, type Manifest, manifestId } from './manifest.ts'
import { poolName } from './pool-name.ts'
import { type FunctionRecord, hasTraffic, type VersionRecord } from './record.ts'
import type { RecordStore } from './record-store.ts'
import { Refusal } from './refusal.ts'
import { mayDo, type Principal } from './token-store.ts'

/** A version that the pool can be told of. */
export interface Ready {
  readonly version: VersionRecord
  readonly source: FunctionSource
  readonly bundle: Bundle
}

export interface MakerParts {
  readonly pool: WarmPool
  readonly catalog: Catalog
  readonly deployments: Deployments
  readonly records: RecordStore
  readonly blobs: BlobStore
  readonly keeper: BundleKeeper
  readonly uploads: UploadBuilder
  readonly config: () => Config
}

export class VersionMaker {
  readonly #parts: MakerParts

  constructor(parts: MakerParts) {
    this.#parts = parts
  }

  /**
   * Hands a new version, proven, warm and on the disk, to `take`, which makes it known. Throws `Refusal`, and what the file
   * system or `take` throws, with nothing left behind.
   */
  async make<T>(
    record: FunctionRecord,
    manifest: Manifest,
    by: Principal,
    onStep: OnStep,
    take: (ready: Ready, synced: Promise<void>) => Promise<T>,
  ): Promise<T> {
    const { name } = record
    const { keeper, records } = this.#parts
    const id = manifestId(manifest)
    let bundleId: string | null = null
    checkScripts(manifest, by)
    try {
      await timed('verify', onStep, () => this.#assemble(name, id, manifest, onStep))
      const built = await timed('build', onStep, () =>
        this.#build(name, id, (bundle) => {
          bundleId = bundle
          return keeper.take(bundle)
        }),
      )
      checkRoutes(built.source, by)
      const version = await versionFrom(record, id, manifest, built, by.name)
      // What makes it survive a power cut goes on while it boots.
      const synced = records.sync(name, id, built.bundle.dir)
      synced.catch(() => {})
      const ready = { version, source: built.source, bundle: built.bundle }
      await this.#prove(name, ready, onStep)
      const taken = await take(ready, synced)
      keeper.letGo(built.bundle.id)
      return taken
    } catch (error) {
      if (bundleId !== null) keeper.letGo(bundleId)
      await this.#undo(record, id, bundleId)
      throw error
    }
  }

  /** A version that was made before, started where it is not warm. Throws `Refusal`. */
  async again(name: string, version: VersionRecord, onStep: OnStep): Promise<Ready> {
    const { deployments, catalog } = this.#parts
    const source = deployments.sourceOf(name, version)
    const isSound = await timed('verify', onStep, () => this.isSound(name, version))
    if (!isSound) {
      const detail = `What was built of version ${version.number} is damaged on the disk (its bytes are not those of its hash): deploy its folder again`
      throw new Refusal('corrupted', detail)
    }
    const ready = { version, source, bundle: catalog.builder.store.at(version.bundle) }
    if (deployments.isWarm(name, version.number)) return ready
    try {
      await this.#prove(name, ready, onStep)
    } catch (error) {
      // The pool may have known it, for its previews.
      const record = deployments.recordOf(name)
      if (record === null || !hasTraffic(record, version.number)) deployments.lay(name, version.number)
      throw error
    }
    return ready
  }

  /** What a warm version runs is in its workers; a cold one is read. */
  async isSound(name: string, { number, bundle }: VersionRecord): Promise<boolean> {
    const { store } = this.#parts.catalog.builder
    return this.#parts.deployments.isWarm(name, number) ? store.has(bundle) : store.verify(bundle)
  }

  async #assemble(name: string, id: string, manifest: Manifest, onStep: OnStep): Promise<void> {
    const { blobs, records } = this.#parts
    const missing = await blobs.missing(manifest.files)
    if (missing.length > 0) {
      const detail = `${missing.length} of its files have not arrived: send them, and finish again`
      throw new Refusal('unacceptable-upload', detail)
    }
    await records.assemble(name, id, manifest, blobs, async (folder) => {
      if (manifest.install === 'no') return
      await timed('install', onStep, () => installPackages(folder, manifest.install === 'with-scripts'))
    })
  }

  #build(name: string, id: string, built: (bundleId: string) => Promise<void>): Promise<BuiltUpload> {
    const { records, uploads, config } = this.#parts
    const found = ({ file }: FunctionSource): void => {
      const { missing } = config().secretsOf(name, file ?? undefined)
      if (missing.length > 0) throw new Refusal('secret-missing', missing.join(' '))
    }
    return uploads.build({ name, dir: records.folderOf(name, id), source: null }, { found, built })
  }

  async #prove(name: string, { version, source, bundle }: Ready, onStep: OnStep): Promise<void> {
    const spec = this.#parts.deployments.specOf(name, version, source, bundle)
    await proveCandidate(this.#parts.pool, spec, source.file?.health ?? null, onStep)
  }

  async #undo({ name, next }: FunctionRecord, id: string, bundleId: string | null): Promise<void> {
    const { deployments, records, pool, keeper } = this.#parts
    if (!deployments.isStanding(name, next)) pool.remove(poolName(name, next))
    const versions = deployments.recordOf(name)?.versions ?? []
    // One that is deployed again because it was damaged.
    if (versions.some((version) => version.id === id)) return
    await records.sweep(name, new Set(versions.map((version) => version.id))).catch(() => {})
    if (bundleId !== null) await keeper.discardUnused([bundleId])
  }
}

/** They run with the rights of the gateway, and what a function may do is less. */
function checkScripts({ install }: Manifest, by: Principal): void {
  if (install !== 'with-scripts' || mayDo(by, 'admin')) return
  const detail = `Install scripts run with the gateway's own rights, and the token "${by.name}" may ${by.scope}: deploy without --scripts, or with a token that may admin`
  throw new Refusal('forbidden', detail)
}

/** Routes win over the paths of other functions: who may deploy one must not take the calls of another. */
function checkRoutes({ name, routes }: FunctionSource, by: Principal): void {
  const own = `/${name}`
  const foreign = routes.find((path) => path !== own && !path.startsWith(`${own}/`))
  if (by.functions === null || foreign === undefined) return
  const detail = `It asks for the route ${foreign}, and the token "${by.name}" is for single functions, which have what is below ${own}: let the configuration's \`routes\` say it, or deploy with a token for all functions`
  throw new Refusal('forbidden', detail)
}

async function versionFrom(
  record: FunctionRecord,
  id: string,
  manifest: Manifest,
  { source, bundle, outsideInputs }: BuiltUpload,
  by: string,
): Promise<VersionRecord> {
  const { identity, routes, notes, dir, entry } = source
  const file = source.file === null ? null : await readFunctionFile(join(dir, FUNCTION_FILE), FUNCTION_FILE)
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
