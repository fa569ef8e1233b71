/**
 * What is known of one deployed function, and what follows when something is deployed: plain data and pure decisions. The
 * store writes it (records.ts).
 */
import type { Identity } from '../functions/detection.ts'
import type { Manifest } from './manifest.ts'

export interface VersionRecord {
  /** Counts up from 1, never given twice. */
  readonly number: number
  /** Hash of its content. */
  readonly id: string
  /** Whoever knows it may call this version although it is not live. */
  readonly key: string
  readonly createdAt: string
  /** Name of the token. */
  readonly by: string
  readonly files: number
  readonly bytes: number
  readonly install: Manifest['install']
  readonly bundle: string
  /** Of what is bundled and lies elsewhere. */
  readonly outsideInputs: readonly string[]
  /** What it was taken for. */
  readonly source: {
    /** Relative to its folder. */
    readonly entry: string
    readonly identity: Identity
    /** Text of its `function.json`; null without one. */
    readonly file: string | null
    readonly routes: readonly string[]
    readonly notes: readonly string[]
  }
}

/** Which callers a canary is for: so many of a hundred calls, or of a hundred values of a header or cookie. */
export interface CanaryBy {
  readonly kind: 'calls' | 'header' | 'cookie'
  /** Of the header or cookie; '' for calls. */
  readonly name: string
}

export interface CanaryRecord {
  readonly version: number
  /** Of 100. */
  readonly percent: number
  readonly by: CanaryBy
  /** What `percent` becomes next, rising; 100 makes it live. */
  readonly steps: readonly number[]
  readonly stepMs: number
  readonly bounds: CanaryBounds
}

export interface CanaryBounds {
  /** Calls that each of the two versions has to have answered before anything is decided. */
  readonly minCalls: number
  /** By how much the share of failed calls may be higher than the live version's: 0.01 is one of a hundred. */
  readonly errors: number
  /** How many times as long as the live version's its 95th percentile may be. */
  readonly latency: number
  /** So much longer it may be in any case: below that a ratio says nothing. */
  readonly latencyFloorMs: number
}

export interface FunctionRecord {
  readonly layout: 1
  readonly name: string
  /** Rising by number. */
  readonly versions: readonly VersionRecord[]
  readonly next: number
  /** Null: none was made live yet. */
  readonly live: number | null
  /** What was live before, which `rollback` goes back to. */
  readonly previous: number | null
  readonly canary: CanaryRecord | null
}

/** What becomes of a version: it takes all traffic, none, or some of it. */
export type Activation =
  | { readonly kind: 'live' }
  | { readonly kind: 'preview' }
  | { readonly kind: 'canary'; readonly canary: Omit<CanaryRecord, 'version'> }

export function newRecord(name: string): FunctionRecord {
  return { layout: 1, name, versions: [], next: 1, live: null, previous: null, canary: null }
}

/** With one version more, and without those that are too many. */
export function withVersion(record: FunctionRecord, version: VersionRecord, keep: number): FunctionRecord {
  const next = Math.max(record.next, version.number + 1)
  return pruned({ ...record, next, versions: [...record.versions, version] }, keep)
}

/** With another version live. A canary ends with that, whichever it was. */
export function withLive(record: FunctionRecord, live: number): FunctionRecord {
  const previous = record.live === null || record.live === live ? record.previous : record.live
  return { ...record, live, previous, canary: null }
}

export function activated(record: FunctionRecord, version: VersionRecord, activation: Activation): FunctionRecord {
  if (activation.kind === 'live') return withLive(record, version.number)
  if (activation.kind === 'preview') return record
  // Nothing to compare it with: then it is what there is.
  if (record.live === null) return withLive(record, version.number)
  return { ...record, canary: { ...activation.canary, version: version.number } }
}

/** With the place of a damaged version taken by one of the same content: what was live, previous or a canary is it still. */
export function withReplaced(
  record: FunctionRecord,
  damaged: VersionRecord,
  { number }: VersionRecord,
): FunctionRecord {
  const now = (known: number | null): number | null => (known === damaged.number ? number : known)
  const canary = record.canary?.version === damaged.number ? { ...record.canary, version: number } : record.canary
  const versions = record.versions.filter((version) => version.number !== damaged.number)
  return { ...record, versions, live: now(record.live), previous: now(record.previous), canary }
}

/** A version that callers get without asking for it. */
export function hasTraffic({ live, canary }: FunctionRecord, number: number): boolean {
  return live === number || canary?.version === number
}

/** The last ones, and whatever has traffic or may get it back. */
export function pruned(record: FunctionRecord, keep: number): FunctionRecord {
  const needed = new Set([record.live, record.previous, record.canary?.version])
  const surplus = record.versions.length - keep
  const removable = record.versions.filter(
    ({ number }) => !needed.has(number) && number !== record.versions.at(-1)?.number,
  )
  const removed = new Set(removable.slice(0, Math.max(0, surplus)).map(({ number }) => number))
  return { ...record, versions: record.versions.filter(({ number }) => !removed.has(number)) }
}

export function versionOf(record: FunctionRecord, number: number | null | undefined): VersionRecord | null {
  return record.versions.find((version) => version.number === number) ?? null
}

export function versionWithId(record: FunctionRecord, id: string): VersionRecord | null {
  return record.versions.find((version) => version.id === id) ?? null
}

/** A version as people name it: its number, or its id from its eighth digit on. */
export function namedVersion(record: FunctionRecord, named: string): VersionRecord | null {
  if (/^v?\d{1,7}$/.test(named)) return versionOf(record, Number(named.replace('v', '')))
  if (!/^[0-9a-f]{8,40}$/.test(named)) return null
  const found = record.versions.filter(({ id }) => id.startsWith(named))
  return found.length === 1 ? found[0]! : null
}
