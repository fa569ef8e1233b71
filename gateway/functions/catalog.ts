/**
 * What is deployed: it finds the functions of the folder, builds them, makes the pool know their bundles, and
 * remembers for each that has none why. A broken function never stops another, and an unchanged one is not touched.
 */

import { join } from 'node:path'
import type { ErrorReport, FunctionSpec, WarmPool } from '../../warmpool/index.ts'
import type { FunctionError } from '../admin/status.ts'
import type { Config } from '../config/index.ts'
import type { BuildError } from './build-error.ts'
import { Builder, type BuildOutcome } from './builder.ts'
import { type Discovery, discover, type FunctionSource } from './discover.ts'
import { runAs } from './run-as.ts'

/** A function of the folder: it has a bundle that the pool knows, or an error, or after a failed rebuild both. */
export interface CatalogEntry {
  readonly name: string
  readonly source: FunctionSource | null
  readonly bundle: string | null
  readonly error: FunctionError | null
  readonly outsideInputs: readonly string[]
}

export class Catalog {
  readonly #pool: WarmPool
  readonly #builder: Builder
  readonly #entries = new Map<string, CatalogEntry>()
  #config: Config

  private constructor(pool: WarmPool, builder: Builder, config: Config) {
    this.#pool = pool
    this.#builder = builder
    this.#config = config
  }

  static async open(pool: WarmPool, config: Config): Promise<Catalog> {
    return new Catalog(pool, await Builder.open(config.stateDir), config)
  }

  get entries(): ReadonlyMap<string, CatalogEntry> {
    return this.#entries
  }

  /** Finds and builds everything. Throws MissingFunctionsFolder. */
  async loadAll(onProgress: (done: number, total: number) => void): Promise<void> {
    const found = await discover(this.#config.functionsDir, this.#config)
    const outcomes = await this.#builder.buildAll(found.functions, {
      onProgress: ({ done, total }) => onProgress(done, total),
    })
    this.#removeMissing(found)
    for (const { name, message } of found.problems) this.#setBroken(name, null, { code: 'build-failed', message })
    for (const source of found.functions) this.#deploy(source, outcomes.get(source.name)!)
    const live = new Set([...this.#entries.values()].flatMap(({ bundle }) => (bundle === null ? [] : [bundle])))
    await this.#builder.store.sweep(live)
  }

  /** Looks again at these functions: new, changed or removed. Returns the entries that are there now. */
  async reload(names: ReadonlySet<string>): Promise<CatalogEntry[]> {
    const found = await discover(this.#config.functionsDir, this.#config)
    this.#removeMissing(found)
    for (const { name, message } of found.problems)
      if (names.has(name)) this.#setBroken(name, null, { code: 'build-failed', message })
    const changed = found.functions.filter(({ name }) => names.has(name))
    await Promise.all(changed.map(async (source) => this.#deploy(source, await this.#builder.buildOne(source))))
    return [...names].flatMap((name) => this.#entries.get(name) ?? [])
  }

  /** New settings for the bundles there are. */
  retune(config: Config): void {
    this.#config = config
    for (const entry of this.#entries.values()) {
      if (entry.bundle === null) continue
      const spec = this.#specs.get(entry.name)!
      this.#define({ ...spec, settings: this.#settingsOf(entry.source!) }, entry.source!)
    }
  }

  /** The pool could not load it, or could again. */
  setLoadError(name: string, report: ErrorReport | null): void {
    const entry = this.#entries.get(name)
    if (entry !== undefined && entry.error?.code !== 'secret-missing')
      this.#entries.set(name, { ...entry, error: report === null ? null : loadError(report, entry) })
  }

  async close(): Promise<void> {
    await this.#builder.close()
  }

  readonly #specs = new Map<string, FunctionSpec>()

  #deploy(source: FunctionSource, outcome: BuildOutcome): void {
    if (!outcome.ok) return this.#setBroken(source.name, source, buildError(outcome.error))
    const { bundle, outsideInputs } = outcome
    this.#entries.set(source.name, { name: source.name, source, bundle: bundle.id, error: null, outsideInputs })
    const settings = this.#settingsOf(source)
    const as = runAs(source, bundle, outsideInputs)
    this.#define({ name: source.name, bundle: bundle.id, ...as, settings }, source)
  }

  #settingsOf({ name, file }: FunctionSource): FunctionSpec['settings'] {
    return this.#config.functionSettings(name, file ?? undefined)
  }

  /** One that lacks a secret keeps its bundle and has no workers: started without, it would fail in ways of its own. */
  #define(spec: FunctionSpec, { name, file }: FunctionSource): void {
    this.#specs.set(name, spec)
    const { missing } = this.#config.secretsOf(name, file ?? undefined)
    const entry = this.#entries.get(name)!
    if (missing.length > 0) {
      this.#entries.set(name, { ...entry, error: { code: 'secret-missing', message: missing.join(' ') } })
      return this.#pool.remove(name)
    }
    if (entry.error?.code === 'secret-missing') this.#entries.set(name, { ...entry, error: null })
    this.#pool.define(spec)
  }

  /** No bundle of the newest source: what ran before is not run any longer, so that nobody is served stale code. */
  #setBroken(name: string, source: FunctionSource | null, error: FunctionError): void {
    const outsideInputs = this.#entries.get(name)?.outsideInputs ?? []
    this.#entries.set(name, { name, source, bundle: null, error, outsideInputs })
    this.#pool.remove(name)
  }

  #removeMissing(found: Discovery): void {
    const present = new Set([...found.functions.map(({ name }) => name), ...found.problems.map(({ name }) => name)])
    for (const name of [...this.#entries.keys()]) {
      if (present.has(name)) continue
      this.#entries.delete(name)
      this.#specs.delete(name)
      this.#pool.remove(name)
    }
  }
}

function buildError(error: BuildError): FunctionError {
  const { code, message, file, line, frame } = error
  return {
    code,
    message,
    ...(file ? { file } : {}),
    ...(line ? { line } : {}),
    ...(frame ? { frame } : {}),
  }
}

/** Places inside a bundle's copy of the sources are told as the author knows them. */
function loadError(report: ErrorReport, entry: CatalogEntry): FunctionError {
  const { name, message, line, frame } = report
  const inCopy = report.file?.split('/files/').at(-1)
  const file = inCopy === undefined ? undefined : entry.source?.kind === 'folder' ? join(entry.name, inCopy) : inCopy
  return {
    code: 'init-failed',
    message: `${name}: ${message}`,
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { line }),
    ...(frame === undefined ? {} : { frame }),
  }
}
