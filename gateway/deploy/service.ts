/**
 * All of deploying that the rest of the gateway deals with: opening it with the state folder, the functions that it
 * serves, and what the admin address offers of it.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { WarmPool } from '../../warmpool/index.ts'
import type { Config } from '../config/index.ts'
import type { Catalog } from '../functions/catalog.ts'
import type { Logger } from '../log.ts'
import type { AnsweredCall } from './answered-window.ts'
import { AuditLog } from './audit-log.ts'
import { receiveBlobs } from './blob-frames.ts'
import { BlobStore } from './blob-store.ts'
import { UploadBuilder } from './build-upload.ts'
import { BundleKeeper } from './bundle-keeper.ts'
import { CallTargets } from './call-target.ts'
import { watchCanaries } from './canaries.ts'
import { CanaryWindows, type Seen, type TakenBack } from './canary-windows.ts'
import type { OnStep } from './candidate.ts'
import { Deployer, type Deployment } from './deployer.ts'
import { Deployments } from './deployments.ts'
import { checkManifest, type FolderLimits, type Manifest } from './manifest.ts'
import { Previews } from './previews.ts'
import { receiveTar } from './receive-tar.ts'
import { type Activation, type CanaryRecord, type FunctionRecord, versionWithId } from './record.ts'
import { RecordStore } from './record-store.ts'
import { checkAll, restoreAll } from './restore.ts'
import { type Principal, TokenStore } from './token-store.ts'
import { Uploads } from './uploads.ts'
import { VersionMaker } from './version-maker.ts'

/** How often uploaded files are looked through that no version has. */
const SWEEP_EVERY_MS = 3_600_000

export interface CanaryEvidence {
  /** Null: none runs. */
  readonly running: { readonly record: CanaryRecord; readonly seen: Seen } | null
  readonly takenBack: TakenBack | null
}

export interface Begun {
  readonly upload: string
  /** Hashes of the files that have not arrived, each once. */
  readonly missing: readonly string[]
  /** The version that has the same content; null: none has. */
  readonly version: number | null
}

export class DeployService {
  readonly deployments: Deployments
  readonly deployer: Deployer
  readonly audit: AuditLog
  /** Which version a call goes to. */
  readonly targets: CallTargets
  readonly tokens: TokenStore
  readonly #records: RecordStore
  readonly #blobs: BlobStore
  readonly #keeper: BundleKeeper
  readonly #builder: UploadBuilder
  readonly #uploads = new Uploads()
  readonly #windows = new CanaryWindows()
  readonly #catalog: Catalog
  readonly #log: Logger
  readonly #config: () => Config
  readonly #stopCanaries: () => void
  readonly #sweeps: NodeJS.Timeout
  #isOver = false

  private constructor(
    pool: WarmPool,
    catalog: Catalog,
    config: () => Config,
    log: Logger,
    onSwitched: (name: string) => void,
  ) {
    const { stateDir } = config()
    this.#catalog = catalog
    this.#config = config
    this.#log = log
    this.#records = new RecordStore(stateDir)
    this.#blobs = new BlobStore(stateDir)
    this.audit = new AuditLog(stateDir)
    this.tokens = new TokenStore(stateDir)
    this.deployments = new Deployments(pool, catalog, this.#records, config())
    this.#keeper = new BundleKeeper(catalog, this.deployments)
    const shared = { catalog, deployments: this.deployments, records: this.#records, keeper: this.#keeper, config }
    this.#builder = new UploadBuilder({ store: catalog.builder.store, config, log })
    const maker = new VersionMaker({ ...shared, pool, blobs: this.#blobs, uploads: this.#builder })
    this.deployer = new Deployer({ ...shared, maker, audit: this.audit, log, onSwitched })
    const previews = new Previews(this.deployments, catalog.builder.store, log)
    this.targets = new CallTargets(this.deployments, previews, () => config().deploy.preview === 'open')
    this.#stopCanaries = watchCanaries(this.deployments, this.#windows, this.deployer, log)
    this.#sweeps = setInterval(() => this.#sweepBlobs(), SWEEP_EVERY_MS).unref()
  }

  /** What was live is an entry of the catalogue again when this resolves. */
  static async open(
    pool: WarmPool,
    catalog: Catalog,
    config: () => Config,
    log: Logger,
    onSwitched: (name: string) => void,
  ): Promise<DeployService> {
    const { stateDir } = config()
    await mkdir(join(stateDir, 'deploy'), { recursive: true, mode: 0o700 })
    const service = new DeployService(pool, catalog, config, log, onSwitched)
    await service.#records.open()
    await service.#blobs.open()
    await restoreAll(service.#restoring())
    return service
  }

  /** What a function's canary is judged by, and what became of the latest that was taken back. */
  canaryEvidence({ name, canary }: FunctionRecord): CanaryEvidence {
    const running = canary && { record: canary, seen: this.#windows.seen(name, canary) }
    return { running, takenBack: this.#windows.takenBack(name) }
  }

  /** Of an uploaded folder. */
  get limits(): FolderLimits {
    return this.#config().deploy
  }

  /** A call that a version of a function answered. */
  onAnswered(name: string, version: number, call: AnsweredCall): void {
    const record = this.deployments.recordOf(name)
    if (record !== null) this.#windows.onAnswered(record, version, call)
  }

  /** Bundles that no sweep may take. */
  bundles(): string[] {
    return this.#keeper.bundles()
  }

  /** What can wait until everything is served: damage is looked for, and rubbish is removed. */
  async lookAfter(): Promise<void> {
    await checkAll(this.#restoring(), () => this.#isOver)
    if (!this.#isOver) await this.deployer.sweep()
    if (!this.#isOver) await this.#sweepBlobs()
  }

  stop(): void {
    this.#isOver = true
    this.#stopCanaries()
    clearInterval(this.#sweeps)
    this.deployments.stop()
    this.#builder.stop()
  }

  /** Takes a manifest, and says what is missing of it. Throws `Refusal`. */
  async begin(name: string, manifest: Manifest): Promise<Begun> {
    this.deployer.checkName(name)
    checkManifest(manifest, this.#config().deploy)
    // While its files arrive. What fails here fails again at the build, which says it.
    this.#builder.prepare().catch(() => {})
    const missing = await this.#blobs.missing(manifest.files)
    const upload = this.#uploads.begin(name, manifest, performance.now())
    const record = this.deployments.recordOf(name)
    const version = record === null ? null : (versionWithId(record, upload)?.number ?? null)
    return { upload, missing: missing.map(({ sha256 }) => sha256), version }
  }

  receive(name: string, upload: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
    return receiveBlobs(this.#uploads.manifestOf(name, upload), this.#blobs, chunks)
  }

  async finish(
    name: string,
    upload: string,
    activation: Activation,
    by: Principal,
    onStep: OnStep,
  ): Promise<Deployment> {
    const manifest = this.#uploads.manifestOf(name, upload)
    const deployment = await this.deployer.deploy(name, manifest, activation, by, onStep)
    this.#uploads.end(name, upload)
    return deployment
  }

  async deployTar(
    name: string,
    chunks: AsyncIterable<Uint8Array>,
    install: Manifest['install'],
    activation: Activation,
    by: Principal,
    onStep: OnStep,
  ): Promise<Deployment> {
    this.deployer.checkName(name)
    const received = await receiveTar(chunks, this.#config().deploy, this.#blobs)
    return this.deployer.deploy(name, { ...received, install }, activation, by, onStep)
  }

  async #sweepBlobs(): Promise<void> {
    await this.#blobs.sweep(Date.now()).catch((error: Error) => {
      this.#log.warn(`uploaded files that no version has could not be removed: ${error.message}`)
    })
  }

  #restoring() {
    const { deployments, audit } = this
    return {
      catalog: this.#catalog,
      deployments,
      audit,
      records: this.#records,
      uploads: this.#builder,
      log: this.#log,
      config: this.#config(),
    }
  }
}
