/**
 * From sources to stored bundles: what is unchanged is taken from the store, the rest is built. One function's
 * failure is that function's result and stops no other.
 */
import { availableParallelism } from 'node:os'
import { type BuildResult, build, buildFrom, stopBuilding } from './build.ts'
import { BuildCache, ownStamps, type Stamp, type StampReader, stampReader } from './build-cache.ts'
import { BuildError, plainBuildError, storeError } from './build-error.ts'
import { type Bundle, BundleStore } from './bundle-store.ts'
import { bundleTogether } from './bundle-together.ts'
import { type Bundled, type Located, locate } from './bundling.ts'
import { concurrently } from './concurrently.ts'
import type { FunctionSource } from './discover.ts'
import { isBundled } from './plain-build.ts'
import { ChangedWhileBuilding } from './write-bundle.ts'

export type BuildOutcome =
  | {
      readonly ok: true
      readonly bundle: Bundle
      /** True if nothing had to be built. */
      readonly cached: boolean
      /** Absolute paths of what the bundle was made from besides the function's own files: worth watching, too. */
      readonly outsideInputs: readonly string[]
    }
  | { readonly ok: false; readonly error: BuildError }

export interface BuildProgress {
  readonly done: number
  readonly total: number
  readonly source: FunctionSource
  readonly outcome: BuildOutcome
}

export interface BuildAllOptions {
  /** Functions built at the same time. Default: four for each core. */
  readonly concurrency?: number
  /** Told once a function, in the order in which they are done. */
  readonly onProgress?: (progress: BuildProgress) => void
}

const ATTEMPTS = 3
/** Functions that are bundled with one call: enough for its fixed costs not to count. */
const TOGETHER = 64

/** A first step that was taken for many functions together. */
interface Prepared {
  readonly startMs: number
  readonly own: readonly Stamp[] | undefined
  readonly located: Located
  readonly bundled: Bundled
}

export class Builder {
  /** Where the bundles are. */
  readonly store: BundleStore
  readonly #cache: BuildCache

  private constructor(store: BundleStore, cache: BuildCache) {
    this.store = store
    this.#cache = cache
  }

  /** Opens store and cache in `stateDir`, which is made if it is missing. */
  static async open(stateDir: string): Promise<Builder> {
    return new Builder(await BundleStore.open(stateDir), await BuildCache.load(stateDir))
  }

  /** Builds these functions, which are taken to be all there are: what the cache knows of others is forgotten. */
  async buildAll(
    sources: readonly FunctionSource[],
    options: BuildAllOptions = {},
  ): Promise<Map<string, BuildOutcome>> {
    const limit = options.concurrency ?? 4 * availableParallelism()
    const stampOf = stampReader()
    const outcomes = new Map<string, BuildOutcome>()
    const changed: FunctionSource[] = []
    const isDone = (source: FunctionSource, outcome: BuildOutcome) => {
      outcomes.set(source.name, outcome)
      options.onProgress?.({ done: outcomes.size, total: sources.length, source, outcome })
    }
    await concurrently(sources, limit, async (source) => {
      const outcome = await this.#fromCache(source, stampOf)
      if (outcome === undefined) changed.push(source)
      else isDone(source, outcome)
    })
    await concurrently(inGroups(changed, TOGETHER), availableParallelism(), async (group) => {
      const prepared = await prepare(group)
      await concurrently(group, limit, async (source) =>
        isDone(source, await this.#outcome(source, prepared.get(source))),
      )
    })
    this.#cache.keepOnly(new Set(sources.map(({ name }) => name)))
    await this.#saveUnlessAllCached(outcomes.values())
    return outcomes
  }

  /** Builds one function and leaves what is known of the others alone. */
  async buildOne(source: FunctionSource): Promise<BuildOutcome> {
    const outcome = (await this.#fromCache(source, stampReader())) ?? (await this.#outcome(source))
    await this.#saveUnlessAllCached([outcome])
    return outcome
  }

  /** Ends esbuild's process (tens of MiB), once no build is under way. Building again afterwards starts it anew. */
  async close(): Promise<void> {
    await stopBuilding()
  }

  async #saveUnlessAllCached(outcomes: Iterable<BuildOutcome>): Promise<void> {
    if ([...outcomes].every((outcome) => outcome.ok && outcome.cached)) return
    // Without a cache the next start is slower, and that is all: no reason to fail this one.
    await this.#cache.save().catch(() => {})
  }

  async #outcome(source: FunctionSource, prepared?: Prepared): Promise<BuildOutcome> {
    try {
      return await this.#build(source, prepared)
    } catch (error) {
      this.#cache.delete(source.name)
      return { ok: false, error: asBuildError(source, error) }
    }
  }

  async #fromCache(source: FunctionSource, stampOf: StampReader): Promise<BuildOutcome | undefined> {
    const own = await stampsOrNothing(source)
    const record = own && (await this.#cache.lookUp(source, own, stampOf))
    const bundle = record && (await this.store.get(record.bundleId))
    return bundle && { ok: true, bundle, cached: true, outsideInputs: record.outside.map(([path]) => path) }
  }

  async #build(source: FunctionSource, prepared?: Prepared): Promise<BuildOutcome> {
    for (let attempt = 1; ; attempt++) {
      const first = attempt === 1 ? prepared : undefined
      const startMs = first?.startMs ?? Date.now()
      // Before building: a file that changes meanwhile must not look like the one that was built.
      const own = first === undefined ? await stampsOrNothing(source) : first.own
      const result = await (first === undefined ? build(source) : buildFrom(first.located, first.bundled))
      try {
        const bundle = await this.store.put(result)
        if (own !== undefined) await this.#remember(source, result, own, startMs)
        return { ok: true, bundle, cached: false, outsideInputs: result.outsideInputs }
      } catch (error) {
        if (!(error instanceof ChangedWhileBuilding) || attempt === ATTEMPTS) throw error
      }
    }
  }

  async #remember(source: FunctionSource, result: BuildResult, own: readonly Stamp[], startMs: number): Promise<void> {
    const outside = await Promise.all(result.outsideInputs.map(stampReader()))
    // Which of these were read is known only now: one that changed since the start may have been read before that.
    if (outside.some(([, mtimeMs]) => mtimeMs >= startMs)) return this.#cache.delete(source.name)
    const { kind, dir, entry } = source
    this.#cache.set(source.name, { kind, dir, entry, own, outside, bundleId: result.id })
  }
}

/** Bundles many functions together; what cannot be is not among the results. */
async function prepare(sources: readonly FunctionSource[]): Promise<Map<FunctionSource, Prepared>> {
  if (sources.length < 2) return new Map()
  const startMs = Date.now()
  const stamps = new Map<FunctionSource, Stamp[] | undefined>()
  const located = await Promise.all(
    sources.filter(isBundled).map(async (source) => {
      stamps.set(source, await stampsOrNothing(source))
      return locate(source).catch(() => null)
    }),
  )
  const together = await bundleTogether(located.filter((one) => one !== null))
  return new Map(
    [...together].map(([one, bundled]) => {
      const { source } = one
      return [source, { startMs, own: stamps.get(source), located: one, bundled }]
    }),
  )
}

function inGroups<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size))
}

/** A folder that cannot be listed cannot be built either; building it finds the words. */
async function stampsOrNothing(source: FunctionSource): Promise<Stamp[] | undefined> {
  return ownStamps(source).catch(() => undefined)
}

function asBuildError(source: FunctionSource, error: unknown): BuildError {
  if (error instanceof BuildError) return error
  if (error instanceof ChangedWhileBuilding)
    return plainBuildError(source.name, `${error.message} Build it again when its files are at rest.`)
  return storeError(source.name, error as Error)
}
