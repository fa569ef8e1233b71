/**
 * What is served: it finds the functions of the folder, builds them, makes the pool know their bundles, and remembers for each
 * that has none why. A broken function never stops another, and an unchanged one is not touched. Functions that were
 * deployed to the running gateway are entries here like the others, and gateway/deploy/ sees to them: a name is one's or the
 * other's, and whoever is there first keeps it.
 */

import { join } from 'node:path'
import type { ErrorReport, FunctionSpec, WarmPool } from '../../warmpool/index.ts'
import type { FunctionError } from '../admin/status.ts'
import type { Config } from '../config/index.ts'
import { type OnStep, proveCandidate } from '../deploy/candidate.ts'
import { Refusal } from '../deploy/refusal.ts'
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
  /** What the pool calls the version that is live. */
  readonly pool: string
  /** The number of the live version of one that was deployed; null: it is the folder's. */
  readonly version: number | null
}

/** What to do with a change that does not work: its author wants to see that, its callers do not. */
export type OnBroken = 'serve-nothing' | 'keep-serving'

export class Catalog {
  readonly builder: Builder
  /** Functions of the folder that are not served, because what was deployed has their name. */
  taken: readonly string[] = []
  readonly #pool: WarmPool
  /** Counts the versions that took another's place. */
  #swaps = 0
  readonly #entries = new Map<string, CatalogEntry>()
  #config: Config

  private constructor(pool: WarmPool, builder: Builder, config: Config) {
    this.#pool = pool
    this.builder = builder
    this.#config = config
  }

  static async open(pool: WarmPool, config: Config): Promise<Catalog> {
    return new Catalog(pool, await Builder.open(config.stateDir), config)
  }

  get entries(): ReadonlyMap<string, CatalogEntry> {
    return this.#entries
  }

  /** Finds and builds everything; of bundles also those of `others` are kept. Throws MissingFunctionsFolder. */
  async loadAll(
    onProgress: (done: number, total: number) => void,
    others: () => Iterable<string> = () => [],
  ): Promise<void> {
    const found = await this.#discover()
    const outcomes = await this.builder.buildAll(found.functions, {
      onProgress: ({ done, total }) => onProgress(done, total),
    })
    this.#removeMissing(found)
    for (const { name, message } of found.problems) this.#setBroken(name, null, { code: 'build-failed', message })
    for (const source of found.functions) this.#deploy(source, outcomes.get(source.name)!)
    const live = [...this.#entries.values()].flatMap(({ bundle }) => (bundle === null ? [] : [bundle]))
    let keep: Set<string> | null = null
    // Asked for once it is known what lies there: what is deployed meanwhile is among them.
    const has = (id: string): boolean => {
      keep ??= new Set([...live, ...others()])
      return keep.has(id)
    }
    await this.builder.store.sweep({ has })
  }

  /**
   * Looks again at these functions: new, changed or removed. A change is started beside what is live and takes its place
   * once it is warm. Returns the entries that are there now.
   */
  async reload(names: ReadonlySet<string>, onBroken: OnBroken): Promise<CatalogEntry[]> {
    const found = await this.#discover()
    this.#removeMissing(found)
    for (const { name, message } of found.problems)
      if (names.has(name)) this.#setUnfit(name, null, { code: 'build-failed', message }, onBroken)
    const changed = found.functions.filter(({ name }) => names.has(name))
    await Promise.all(changed.map(async (source) => this.#swap(source, await this.builder.buildOne(source), onBroken)))
    return [...names].flatMap((name) => this.#entries.get(name) ?? [])
  }

  /** One that was deployed: whoever calls has made the pool know it. */
  setDeployed(entry: CatalogEntry): void {
    this.#entries.set(entry.name, entry)
  }

  removeDeployed(name: string): void {
    this.#entries.delete(name)
  }

  /** New settings for the bundles there are. */
  retune(config: Config): void {
    this.#config = config
    for (const entry of this.#entries.values()) {
      if (entry.bundle === null || entry.version !== null) continue
      const spec = this.#specs.get(entry.name)!
      this.#define({ ...spec, settings: this.#settingsOf(entry.source!) }, entry.source!)
    }
  }

  /** The pool could not load it, or could again. `pool` is what the pool calls it. */
  setLoadError(pool: string, report: ErrorReport | null): void {
    const name = functionOf(pool)
    const entry = this.#entries.get(name)
    if (entry === undefined || entry.pool !== pool) return
    // What is told of the newest source is not undone by what still runs of the one before.
    if (entry.error === null || entry.error.code === 'init-failed')
      this.#entries.set(name, { ...entry, error: report === null ? null : loadError(report, entry) })
  }

  async close(): Promise<void> {
    await this.builder.close()
  }

  readonly #specs = new Map<string, FunctionSpec>()

  /** Those of the folder whose names are not taken by what was deployed. */
  async #discover(): Promise<Discovery> {
    const found = await discover(this.#config.functionsDir, this.#config)
    const isFree = ({ name }: { readonly name: string }): boolean => (this.#entries.get(name)?.version ?? null) === null
    this.taken = found.functions.filter((one) => !isFree(one)).map(({ name }) => name)
    return { functions: found.functions.filter(isFree), problems: found.problems.filter(isFree) }
  }

  #deploy(source: FunctionSource, outcome: BuildOutcome): void {
    if (!outcome.ok) return this.#setBroken(source.name, source, buildError(outcome.error))
    this.#install(source, this.#specOf(source, outcome, this.#entries.get(source.name)?.pool ?? source.name), outcome)
  }

  #install(source: FunctionSource, spec: FunctionSpec, { outsideInputs }: Built): void {
    const { name } = source
    const entry = { name, source, bundle: spec.bundle, error: null, outsideInputs, pool: spec.name, version: null }
    this.#entries.set(name, entry)
    this.#define(spec, source)
  }

  #specOf(source: FunctionSource, { bundle, outsideInputs }: Built, pool: string): FunctionSpec {
    const title = pool === source.name ? {} : { title: source.name }
    const as = runAs(source, bundle, outsideInputs)
    return { name: pool, ...title, bundle: bundle.id, ...as, settings: this.#settingsOf(source) }
  }

  /** Puts a changed function in the place of the one that is live, once it is warm. */
  async #swap(source: FunctionSource, outcome: BuildOutcome, onBroken: OnBroken): Promise<void> {
    const { name } = source
    if (!outcome.ok) return this.#setUnfit(name, source, buildError(outcome.error), onBroken)
    const before = this.#entries.get(name)
    const lacksSecret = this.#config.secretsOf(name, source.file ?? undefined).missing.length > 0
    const isUnchanged = before?.bundle === outcome.bundle.id && before.error === null
    if (before === undefined || before.bundle === null || isUnchanged || lacksSecret)
      return this.#deploy(source, outcome)
    const spec = this.#specOf(source, outcome, `${name}@${++this.#swaps}`)
    try {
      await proveCandidate(this.#pool, spec, source.file?.health ?? null, UNHEARD)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { code, message, frame } = error
      if (onBroken === 'keep-serving') {
        this.#entries.set(name, { ...before, error: { code, message, ...(frame === null ? {} : { frame }) } })
        return
      }
    }
    // Of what does not load its author is told by the calls.
    this.#install(source, spec, outcome)
    this.#pool.remove(before.pool, spec.name)
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
      return this.#pool.remove(entry.pool)
    }
    if (entry.error?.code === 'secret-missing') this.#entries.set(name, { ...entry, error: null })
    this.#pool.define(spec)
  }

  /** No bundle of the newest source: what ran before is not run any longer, so that nobody is served stale code. */
  #setBroken(name: string, source: FunctionSource | null, error: FunctionError): void {
    const before = this.#entries.get(name)
    const { outsideInputs, pool } = before ?? { outsideInputs: [], pool: name }
    this.#entries.set(name, { name, source, bundle: null, error, outsideInputs, pool, version: null })
    this.#pool.remove(pool)
  }

  #setUnfit(name: string, source: FunctionSource | null, error: FunctionError, onBroken: OnBroken): void {
    const before = this.#entries.get(name)
    if (onBroken === 'serve-nothing' || before === undefined || before.bundle === null)
      this.#setBroken(name, source, error)
    else this.#entries.set(name, { ...before, error })
  }

  #removeMissing(found: Discovery): void {
    const present = new Set([...found.functions.map(({ name }) => name), ...found.problems.map(({ name }) => name)])
    for (const { name, pool, version } of [...this.#entries.values()]) {
      if (version !== null || present.has(name)) continue
      this.#entries.delete(name)
      this.#specs.delete(name)
      this.#pool.remove(pool)
    }
  }
}

type Built = Extract<BuildOutcome, { readonly ok: true }>

const UNHEARD: OnStep = () => {}

/** The function of which the pool knows a version by this name. */
export function functionOf(pool: string): string {
  return pool.split('@', 1)[0]!
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
