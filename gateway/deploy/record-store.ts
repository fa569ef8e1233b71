/**
 * The deployed functions on disk:
 *
 *   <stateDir>/deploy/functions/<name>/record.json        its versions, and which is live
 *                                     /<version id>/<name>/  what was uploaded, and what was installed into it
 *
 * A record is replaced whole, and written only after everything that it speaks of is there: so it is what decides, and a
 * folder that no record speaks of is rubbish of a deployment that did not come to its end.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { concurrently } from '../functions/concurrently.ts'
import { newTemporaryPath } from '../functions/temporary.ts'
import type { BlobStore } from './blob-store.ts'
import { syncFolders, syncPath, writeDurably } from './durable.ts'
import type { Manifest } from './manifest.ts'
import type { FunctionRecord } from './record.ts'

const RECORD = 'record.json'
const CONCURRENT_FILES = 16

export class RecordStore {
  readonly #stateDir: string
  readonly #dir: string
  /** Functions whose record is there and says nothing to this gateway: what it speaks of is not known, so nothing is rubbish. */
  readonly #unreadable = new Set<string>()

  constructor(stateDir: string) {
    this.#stateDir = stateDir
    this.#dir = join(stateDir, 'deploy', 'functions')
  }

  async open(): Promise<void> {
    await mkdir(this.#dir, { recursive: true })
  }

  /** All records, read synchronously: thousands are a matter of a start. `unreadable` hears of those that are none. */
  readAll(unreadable: (name: string, why: string) => void): FunctionRecord[] {
    return readdirSync(this.#dir).flatMap((name) => {
      try {
        const record = JSON.parse(readFileSync(`${this.#dir}/${name}/${RECORD}`, 'utf8')) as FunctionRecord
        if (record.layout !== 1 || record.name !== name || !Array.isArray(record.versions))
          throw new Error('it is of another layout')
        return [withFloor(record)]
      } catch (error) {
        // A first deployment that did not come to its end.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
        this.#unreadable.add(name)
        unreadable(name, (error as Error).message)
        return []
      }
    })
  }

  async write(record: FunctionRecord): Promise<void> {
    await mkdir(join(this.#dir, record.name), { recursive: true })
    await writeDurably(this.#stateDir, join(this.#dir, record.name, RECORD), JSON.stringify(record))
    this.#unreadable.delete(record.name)
  }

  /** From here on nothing was deployed of this name, after a power cut, too. */
  async forget(name: string): Promise<void> {
    await rm(join(this.#dir, name, RECORD), { force: true })
    await syncPath(join(this.#dir, name))
  }

  /** Removes what is left of a function that was forgotten; what stays is rubbish for the next start. */
  async remove(name: string): Promise<void> {
    const grave = await newTemporaryPath(this.#stateDir)
    await rename(join(this.#dir, name), grave)
    await rm(grave, { recursive: true, force: true })
  }

  /** Where a version's files are. */
  folderOf(name: string, id: string): string {
    return `${this.#dir}/${name}/${id}/${name}`
  }

  /** Makes a version's folder of its blobs; `finish` may add to it before it gets its name. One that is there is replaced. */
  async assemble(
    name: string,
    id: string,
    { files }: Manifest,
    blobs: BlobStore,
    finish: (folder: string) => Promise<void>,
  ): Promise<void> {
    const draft = await newTemporaryPath(this.#stateDir)
    try {
      const folder = join(draft, name)
      const folders = new Set(files.map(({ path }) => dirname(join(folder, path))))
      for (const one of folders) await mkdir(one, { recursive: true })
      await concurrently(files, CONCURRENT_FILES, (file) => blobs.place(file, join(folder, file.path)))
      await finish(folder)
      const place = join(this.#dir, name, id)
      await mkdir(dirname(place), { recursive: true })
      await rm(place, { recursive: true, force: true })
      await rename(draft, place)
    } catch (error) {
      await rm(draft, { recursive: true, force: true })
      throw error
    }
  }

  /** What the next record will speak of is on the disk when this resolves. */
  async sync(name: string, id: string, bundleDir: string): Promise<void> {
    await syncFolders([join(this.#dir, name, id), bundleDir])
  }

  /** Removes the folders of a function that its record does not speak of. */
  async sweep(name: string, keep: ReadonlySet<string>): Promise<void> {
    if (this.#unreadable.has(name)) return
    const entries = await readdir(join(this.#dir, name)).catch(() => [])
    for (const entry of entries) {
      if (entry === RECORD || keep.has(entry)) continue
      await rm(join(this.#dir, name, entry), { recursive: true, force: true })
    }
  }

  /** Functions that have a folder here, with a record or without. */
  names(): Promise<string[]> {
    return readdir(this.#dir)
  }
}

/** Records of before canaries had a floor for latencies. */
function withFloor(record: FunctionRecord): FunctionRecord {
  const { canary } = record
  if (canary === null) return record
  return {
    ...record,
    canary: { ...canary, bounds: { ...canary.bounds, latencyFloorMs: canary.bounds.latencyFloorMs ?? 20 } },
  }
}
