/**
 * Remembers from which files each bundle was built, by time and size, so that a restart with unchanged sources builds
 * nothing. Only ever a shortcut: a missing or damaged cache costs one build of everything.
 */
import { readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as bundler from '../bundler.ts'
import { LAYOUT_VERSION } from './bundle-id.ts'
import type { FunctionSource } from './discover.ts'
import { listFolder } from './folder-files.ts'
import { writeAtomically } from './temporary.ts'

/** Path, time of change in ms, size in bytes. A missing file has size -1. */
export type Stamp = readonly [path: string, mtimeMs: number, sizeBytes: number]

/** Looks at a file. */
export type StampReader = (path: string) => Promise<Stamp>

export interface BuildRecord {
  readonly kind: FunctionSource['kind']
  readonly dir: string
  readonly entry: string
  /** All files of the function, so that one more or one less shows. */
  readonly own: readonly Stamp[]
  /** What the bundle was made from besides: packages, shared modules. */
  readonly outside: readonly Stamp[]
  readonly bundleId: string
}

interface CacheFile {
  readonly builder: string
  readonly records: Readonly<Record<string, BuildRecord>>
}

const FILE = 'builds.json'
const BUILDER = `layout ${LAYOUT_VERSION}, esbuild ${bundler.version}`

export class BuildCache {
  readonly #stateDir: string
  #records: Map<string, BuildRecord>
  #saving: Promise<void> = Promise.resolve()

  private constructor(stateDir: string, records: Map<string, BuildRecord>) {
    this.#stateDir = stateDir
    this.#records = records
  }

  static async load(stateDir: string): Promise<BuildCache> {
    return new BuildCache(stateDir, await readRecords(join(stateDir, FILE)))
  }

  /** The record of a function if all that it was built from is as it was; `own` is what its files are now. */
  async lookUp(source: FunctionSource, own: readonly Stamp[], stampOf: StampReader): Promise<BuildRecord | undefined> {
    const record = this.#records.get(source.name)
    if (record === undefined || record.entry !== source.entry || record.kind !== source.kind) return undefined
    if (!sameStamps(record.own, own)) return undefined
    const outside = await Promise.all(record.outside.map(([path]) => stampOf(path)))
    return sameStamps(record.outside, outside) ? record : undefined
  }

  set(name: string, record: BuildRecord): void {
    this.#records.set(name, record)
  }

  delete(name: string): void {
    this.#records.delete(name)
  }

  /** Forgets all functions but these. */
  keepOnly(names: ReadonlySet<string>): void {
    this.#records = new Map([...this.#records].filter(([name]) => names.has(name)))
  }

  /** Writes the cache; calls that overlap write one after the other. */
  save(): Promise<void> {
    const write = () => {
      const content: CacheFile = { builder: BUILDER, records: Object.fromEntries(this.#records) }
      return writeAtomically(this.#stateDir, join(this.#stateDir, FILE), JSON.stringify(content))
    }
    const saved = this.#saving.then(write)
    this.#saving = saved.catch(() => {})
    return saved
  }
}

/** Stamps of all files of a function. Throws what `listFolder` throws. */
export async function ownStamps(source: FunctionSource): Promise<Stamp[]> {
  if (source.kind === 'file') return [await readStamp(source.entry)]
  const files = await listFolder(await realpath(source.dir))
  return files.map((file) => [
    file.kind === 'link' ? `${file.path} -> ${file.target}` : `${file.path} ${file.mode}`,
    file.mtimeMs,
    file.sizeBytes,
  ])
}

/** Looks at each file once, however many functions were made from it. For one pass only: it never looks again. */
export function stampReader(): StampReader {
  const seen = new Map<string, Promise<Stamp>>()
  return (path) => {
    const stamp = seen.get(path) ?? readStamp(path)
    seen.set(path, stamp)
    return stamp
  }
}

async function readStamp(path: string): Promise<Stamp> {
  const stats = await stat(path).catch(() => undefined)
  return stats === undefined ? [path, 0, -1] : [path, stats.mtimeMs, stats.size]
}

function sameStamps(some: readonly Stamp[], others: readonly Stamp[]): boolean {
  return (
    some.length === others.length && some.every((stamp, index) => stamp.every((part, i) => part === others[index]?.[i]))
  )
}

async function readRecords(path: string): Promise<Map<string, BuildRecord>> {
  try {
    const content = JSON.parse(await readFile(path, 'utf8')) as CacheFile
    return content.builder === BUILDER
      ? new Map(Object.entries(content.records).filter(([, r]) => isRecord(r)))
      : new Map()
  } catch {
    return new Map()
  }
}

/** The file may be damaged in ways that are still JSON. */
function isRecord(record: BuildRecord | null): boolean {
  return Array.isArray(record?.own) && Array.isArray(record.outside) && typeof record.bundleId === 'string'
}
