/**
 * The deployed functions as the pool knows them: which versions of each it has been told of, for how long, and what a
 * switch does. A switch is one assignment, made when the version that comes is warm; a call that was admitted before stays with
 * the version that it was given to. The version that was live before stays warm for a while, for whoever wants it back.
 */
import { join } from 'node:path'
import type { FunctionSpec, WarmPool } from '../../warmpool/index.ts'
import { type Config, FUNCTION_FILE, parseFunctionFile } from '../config/index.ts'
import type { Bundle } from '../functions/bundle-store.ts'
import type { Catalog } from '../functions/catalog.ts'
import type { FunctionSource } from '../functions/discover.ts'
import { runAs } from '../functions/run-as.ts'
import { warmWorkers } from './candidate.ts'
import { poolName } from './pool-name.ts'
import { type CanaryRecord, type FunctionRecord, hasTraffic, type VersionRecord } from './record.ts'
import type { RecordStore } from './record-store.ts'

/** A version that the pool knows. */
interface Standing {
  readonly version: VersionRecord
  readonly source: FunctionSource
  readonly spec: FunctionSpec
  /** Workers that it keeps beyond what its settings say: null takes those. */
  minWorkers: number | null
  timer: NodeJS.Timeout | null
}

interface Deployed {
  record: FunctionRecord
  /** By number. */
  readonly standing: Map<number, Standing>
}

export class Deployments {
  readonly #pool: WarmPool
  readonly #catalog: Catalog
  readonly #store: RecordStore
  readonly #deployed = new Map<string, Deployed>()
  #config: Config

  constructor(pool: WarmPool, catalog: Catalog, store: RecordStore, config: Config) {
    this.#pool = pool
    this.#catalog = catalog
    this.#store = store
    this.#config = config
  }

  get records(): FunctionRecord[] {
    return [...this.#deployed.values()].map(({ record }) => record)
  }

  /** Looked through once a second, of thousands that have none. */
  withCanary(): { readonly name: string; readonly canary: CanaryRecord }[] {
    const found: { readonly name: string; readonly canary: CanaryRecord }[] = []
    for (const [name, { record }] of this.#deployed)
      if (record.canary !== null) found.push({ name, canary: record.canary })
    return found
  }

  recordOf(name: string): FunctionRecord | null {
    return this.#deployed.get(name)?.record ?? null
  }

  /** Bundles of all versions that are kept. */
  bundles(): string[] {
    return this.records.flatMap(({ versions }) => versions.map(({ bundle }) => bundle))
  }

  /** Takes a changed record, with the pool as it is. */
  setRecord(record: FunctionRecord): void {
    const known = this.#deployed.get(record.name)
    if (known !== undefined) known.record = record
    else this.#deployed.set(record.name, { record, standing: new Map() })
  }

  /** The function that a version is, as it was found when it was deployed. Throws ConfigError where its file is none any more. */
  sourceOf(name: string, { id, source }: VersionRecord): FunctionSource {
    const dir = this.#store.folderOf(name, id)
    const { identity, routes, notes } = source
    const shown = `${name}/${FUNCTION_FILE}`
    const file = source.file === null ? null : parseFunctionFile(source.file, shown, this.#config.runtimeNames)
    return { name, kind: 'folder', dir, entry: join(dir, source.entry), identity, file, routes, notes }
  }

  /** How the pool is told of a version. */
  specOf(name: string, version: VersionRecord, source: FunctionSource, bundle: Bundle): FunctionSpec {
    const settings = this.#config.functionSettings(name, source.file ?? undefined)
    const as = runAs(source, bundle, version.outsideInputs)
    return { name: poolName(name, version.number), title: name, bundle: bundle.id, ...as, settings }
  }

  /** Makes the pool know a version that has a record. `minWorkers`: null takes its settings'. */
  stand(
    name: string,
    version: VersionRecord,
    source: FunctionSource,
    bundle: Bundle,
    minWorkers: number | null,
  ): FunctionSpec {
    const deployed = this.#deployed.get(name)!
    const spec = this.specOf(name, version, source, bundle)
    clearTimeout(deployed.standing.get(version.number)?.timer ?? undefined)
    const standing: Standing = { version, source, spec, minWorkers, timer: null }
    deployed.standing.set(version.number, standing)
    this.#define(standing)
    if (minWorkers === 0) this.#layLater(name, standing)
    return spec
  }

  /** Whether a version is warm, so that switching to it takes no start. */
  isWarm(name: string, number: number): boolean {
    const standing = this.#deployed.get(name)?.standing.get(number)
    return standing !== undefined && warmWorkers(this.#pool, standing.spec.name) > 0
  }

  isStanding(name: string, number: number): boolean {
    return this.#deployed.get(name)?.standing.has(number) === true
  }

  /** Somebody calls it: where it is known for a while only, that begins anew. */
  keepStanding(name: string, number: number): void {
    const standing = this.#deployed.get(name)?.standing.get(number)
    if (standing !== undefined && standing.timer !== null) this.#layLater(name, standing)
  }

  /**
   * From here on calls go to the version that is live in this record. The one before stays warm; any other is
   * let go, and what waits for it is given to the live one.
   */
  switchTo(record: FunctionRecord): void {
    const { name } = record
    this.setRecord(record)
    const deployed = this.#deployed.get(name)!
    const live = record.live === null ? undefined : deployed.standing.get(record.live)
    if (live !== undefined) {
      this.#keep(live, null)
      this.#enter(live)
    }
    for (const [number, standing] of [...deployed.standing]) {
      if (number === record.live) continue
      if (number === record.canary?.version) this.#keep(standing, Math.max(1, standing.spec.settings.minWorkers))
      else if (number === record.previous && this.#config.deploy.keepWarmMs > 0) this.#rest(name, standing)
      else this.lay(name, number)
    }
  }

  /** Makes the pool forget a version. */
  lay(name: string, number: number): void {
    const deployed = this.#deployed.get(name)
    const standing = deployed?.standing.get(number)
    if (standing === undefined) return
    clearTimeout(standing.timer ?? undefined)
    deployed!.standing.delete(number)
    const { live } = deployed!.record
    this.#pool.remove(standing.spec.name, live === null ? undefined : poolName(name, live))
  }

  /** Forgets a function and all its versions. */
  remove(name: string): void {
    const deployed = this.#deployed.get(name)
    if (deployed === undefined) return
    for (const standing of deployed.standing.values()) {
      clearTimeout(standing.timer ?? undefined)
      this.#pool.remove(standing.spec.name)
    }
    this.#deployed.delete(name)
    this.#catalog.removeDeployed(name)
  }

  /** New settings for the versions that the pool knows. */
  retune(config: Config): void {
    this.#config = config
    for (const [name, { standing, record }] of this.#deployed)
      for (const [number, one] of standing) {
        const settings = config.functionSettings(name, one.source.file ?? undefined)
        const tuned = { ...one, spec: { ...one.spec, settings } }
        standing.set(number, tuned)
        // Its timer is the old one's, which knows it by its number.
        this.#define(tuned)
        if (number === record.live) this.#enter(tuned)
      }
  }

  /** The live version cannot be served, for everybody to see. */
  setBroken(name: string, version: VersionRecord, code: string, message: string): void {
    const entry = { name, source: null, bundle: null, outsideInputs: [], pool: poolName(name, version.number) }
    this.#catalog.setDeployed({ ...entry, version: version.number, error: { code, message } })
    this.lay(name, version.number)
  }

  stop(): void {
    for (const { standing } of this.#deployed.values())
      for (const { timer } of standing.values()) clearTimeout(timer ?? undefined)
  }

  #define(standing: Standing): void {
    const { spec, source, minWorkers } = standing
    if (this.#missingSecrets(source) !== null) return this.#pool.remove(spec.name)
    const settings = minWorkers === null ? spec.settings : { ...spec.settings, minWorkers }
    this.#pool.define({ ...spec, settings })
  }

  #missingSecrets({ name, file }: FunctionSource): string | null {
    const { missing } = this.#config.secretsOf(name, file ?? undefined)
    return missing.length === 0 ? null : missing.join(' ')
  }

  /** As the live one, where everybody looks functions up. */
  #enter({ version, source, spec }: Standing): void {
    const missing = this.#missingSecrets(source)
    const error = missing === null ? null : { code: 'secret-missing', message: missing }
    const { bundle, outsideInputs, number } = version
    this.#catalog.setDeployed({
      name: source.name,
      source,
      bundle,
      error,
      outsideInputs,
      pool: spec.name,
      version: number,
    })
  }

  #keep(standing: Standing, minWorkers: number | null): void {
    clearTimeout(standing.timer ?? undefined)
    standing.timer = null
    if (standing.minWorkers === minWorkers) return
    standing.minWorkers = minWorkers
    this.#define(standing)
  }

  /** What is warm of it stays so for a while; nothing is started for that. */
  #rest(name: string, standing: Standing): void {
    const wanted = Math.max(1, standing.spec.settings.minWorkers)
    this.#keep(standing, Math.min(wanted, warmWorkers(this.#pool, standing.spec.name)))
    this.#layLater(name, standing)
  }

  #layLater(name: string, standing: Standing): void {
    clearTimeout(standing.timer ?? undefined)
    const { number } = standing.version
    standing.timer = setTimeout(() => {
      const record = this.recordOf(name)
      if (record !== null && !hasTraffic(record, number)) this.lay(name, number)
    }, this.#config.deploy.keepWarmMs)
    standing.timer.unref()
  }
}
