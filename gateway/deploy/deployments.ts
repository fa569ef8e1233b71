/**
 * The deployed functions as they are served: which versions of each the pool knows, which one a call goes to, and what a
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
import { AnsweredWindow } from './answered-window.ts'
import { cookieIn, headerIn, mayHaveHeader, VERSION_HEADER } from './call-marks.ts'
import { isCanarys } from './canary-policy.ts'
import { warmWorkers } from './candidate.ts'
import { type CanaryRecord, type FunctionRecord, namedVersion, type VersionRecord, versionOf } from './record.ts'
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
  /** Since the canary's last step. */
  liveWindow: AnsweredWindow
  canaryWindow: AnsweredWindow
  steppedAtMs: number
}

/** What a preview is named with in an address: `/hello@<key>/`. */
export const PREVIEW_MARK = '@'

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
    else
      this.#deployed.set(record.name, {
        record,
        standing: new Map(),
        liveWindow: new AnsweredWindow(),
        canaryWindow: new AnsweredWindow(),
        steppedAtMs: performance.now(),
      })
  }

  // Which version a call goes to.

  /** What the pool calls the version that this call is for; null: there is none. `head` is what its worker would read. */
  poolOf(name: string, head: string): { readonly pool: string; readonly version: number } | null {
    const markAt = name.indexOf(PREVIEW_MARK)
    if (markAt >= 0) return this.#preview(name.slice(0, markAt), name.slice(markAt + 1))
    const deployed = this.#deployed.get(name)
    if (deployed === undefined) return null
    if (mayHaveHeader(head, VERSION_HEADER)) {
      const pinned = this.#preview(name, headerIn(head, VERSION_HEADER) ?? '')
      if (pinned !== null) return pinned
    }
    const { live, canary } = deployed.record
    if (live === null) return null
    const isForCanary = canary !== null && isCanarys(canary, markOf(head, canary.by), Math.random())
    const version = isForCanary ? canary.version : live
    return { pool: poolName(name, version), version }
  }

  /** Whether a preview of this name is to be had. */
  hasPreview(name: string): boolean {
    return this.poolOf(name, '') !== null
  }

  #preview(name: string, key: string): { readonly pool: string; readonly version: number } | null {
    const deployed = this.#deployed.get(name)
    if (deployed === undefined || key === '') return null
    const byKey = deployed.record.versions.find((one) => one.key === key)
    const version = byKey ?? (this.#config.deploy.preview === 'open' ? namedVersion(deployed.record, key) : null)
    if (version === null) return null
    if (!deployed.standing.has(version.number)) {
      const bundle = this.#catalog.builder.store.at(version.bundle)
      this.stand(name, version, this.sourceOf(name, version), bundle, 0)
    }
    const standing = deployed.standing.get(version.number)!
    if (standing.timer !== null) this.#layLater(name, standing)
    return { pool: standing.spec.name, version: version.number }
  }

  // What the pool knows.

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

  /**
   * From here on calls go to the version that is live in this record. The one before stays warm; any other is
   * let go, and what waits for it is given to the live one.
   */
  switchTo(record: FunctionRecord): void {
    const { name } = record
    this.setRecord(record)
    const deployed = this.#deployed.get(name)!
    deployed.steppedAtMs = performance.now()
    deployed.liveWindow = new AnsweredWindow()
    deployed.canaryWindow = new AnsweredWindow()
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

  // What canaries are judged by.

  /** A call that version `number` answered. */
  onAnswered(name: string, number: number, status: number, tookMs: number): void {
    const deployed = this.#deployed.get(name)
    if (deployed === undefined || deployed.record.canary === null) return
    if (number === deployed.record.live) deployed.liveWindow.add(status, tookMs)
    else if (number === deployed.record.canary.version) deployed.canaryWindow.add(status, tookMs)
  }

  windowsOf(name: string) {
    const { liveWindow, canaryWindow, steppedAtMs } = this.#deployed.get(name)!
    return {
      live: liveWindow.answered(),
      canary: canaryWindow.answered(),
      sinceStepMs: performance.now() - steppedAtMs,
    }
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
      if (record !== null && record.live !== number && record.canary?.version !== number) this.lay(name, number)
    }, this.#config.deploy.keepWarmMs)
    standing.timer.unref()
  }
}

export function poolName(name: string, number: number): string {
  return `${name}${PREVIEW_MARK}${number}`
}

function markOf(head: string, { kind, name }: { readonly kind: string; readonly name: string }): string | null {
  if (kind === 'calls') return null
  return kind === 'header' ? headerIn(head, name) : cookieIn(head, name)
}

/** What is live of a record that has anything live. */
export function liveVersionOf(record: FunctionRecord): VersionRecord | null {
  return versionOf(record, record.live)
}
