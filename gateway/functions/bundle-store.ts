/**
 * The bundles on disk, one immutable folder each, named by content:
 *
 *   <stateDir>/bundles/<id>/bundle.mjs         the code
 *                          /bundle.mjs.map     its source map, leading to files/
 *                          /bundle.json        what it is made of
 *                          /package.json       empty: Node looks for one no further up
 *                          /files/             the function's own files; its working directory; its `node_modules` as links
 *                          /node_modules       a link to the one above the function, or links to packages: those with
 *                                              native parts, and what several such folders above it hold
 *
 * A bundle appears under its id whole or not at all: it is written under `<stateDir>/tmp` and moved. A process that
 * dies while writing leaves only that, and the next one to open the store removes it. (A power cut may still lose
 * bytes that the system had not written yet: `verify` finds out.)
 */
import { access, mkdir, readdir, readFile, realpath, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BuildResult } from './build.ts'
import { bundleIdWith, hashFile, isBundleId, sha256 } from './bundle-id.ts'
import { concurrently } from './concurrently.ts'
import { listFolder } from './folder-files.ts'
import { newTemporaryPath, sweepTemporaries } from './temporary.ts'
import { type BundleManifest, writeBundle } from './write-bundle.ts'

/** A stored bundle. All paths are absolute. */
export interface Bundle {
  readonly id: string
  readonly dir: string
  /** The module to import, of what is bundled. */
  readonly entryFile: string
}

const CONCURRENT_READS = 8

export class BundleStore {
  readonly #stateDir: string
  readonly #bundlesDir: string

  private constructor(stateDir: string) {
    this.#stateDir = stateDir
    this.#bundlesDir = join(stateDir, 'bundles')
  }

  /** Makes the folders that are missing and removes what dead processes left half-written. */
  static async open(stateDir: string): Promise<BundleStore> {
    const store = new BundleStore(stateDir)
    await mkdir(store.#bundlesDir, { recursive: true })
    await sweepTemporaries(stateDir, Date.now())
    return store
  }

  /**
   * Stores what was built; one that is there already is not written again. Throws `ChangedWhileBuilding`, and
   * what the file system throws.
   */
  async put(build: BuildResult): Promise<Bundle> {
    const bundle = this.#bundle(build.id)
    if (!(await this.has(build.id))) await this.#write(build, bundle)
    return bundle
  }

  /** A path for a bundle that is being written elsewhere, on the same file system. Nothing is there yet. */
  newDraft(): Promise<string> {
    return newTemporaryPath(this.#stateDir)
  }

  /** Stores a bundle that was written into `draft`, with this id; one that is there already stays. */
  async adopt(id: string, draft: string): Promise<Bundle> {
    const bundle = this.#bundle(id)
    if (!(await this.has(id))) await this.#move(draft, bundle)
    return bundle
  }

  async has(id: string): Promise<boolean> {
    return isBundleId(id) && exists(join(this.#bundlesDir, id, 'bundle.json'))
  }

  async get(id: string): Promise<Bundle | undefined> {
    return (await this.has(id)) ? this.#bundle(id) : undefined
  }

  /** The ids of all bundles: for whoever would ask for thousands, one by one. */
  async ids(): Promise<Set<string>> {
    return new Set((await readdir(this.#bundlesDir)).filter(isBundleId))
  }

  /** Where a bundle of this id is, if it is. */
  at(id: string): Bundle {
    return this.#bundle(id)
  }

  /** Reads the whole bundle and tells whether it is still what its id says. False too if there is none. */
  async verify(id: string): Promise<boolean> {
    if (!(await this.has(id))) return false
    const { dir, entryFile } = this.#bundle(id)
    try {
      const manifest = JSON.parse(await readFile(join(dir, 'bundle.json'), 'utf8')) as BundleManifest
      const [code, map] = await Promise.all([hashFile(entryFile), hashFile(`${entryFile}.map`)])
      const filesDir = join(dir, 'files')
      const files = await concurrently(await listFolder(filesDir), CONCURRENT_READS, async (file) => ({
        ...file,
        hash: file.kind === 'link' ? sha256(file.target) : await hashFile(join(filesDir, file.path)),
      }))
      return bundleIdWith({ ...manifest, files }, code, map) === id && (await linksLead(dir, manifest))
    } catch {
      return false
    }
  }

  /** Removes all bundles but those of `keep`. Tells the ids that it removed. */
  async sweep(keep: Pick<ReadonlySet<string>, 'has'>): Promise<string[]> {
    const ids = (await readdir(this.#bundlesDir)).filter((id) => isBundleId(id) && !keep.has(id))
    await concurrently(ids, CONCURRENT_READS, (id) => this.discard(id))
    return ids
  }

  /** Removes one bundle, which has to be there. */
  async discard(id: string): Promise<void> {
    // Moved first, so that nobody ever finds half a bundle.
    const grave = await newTemporaryPath(this.#stateDir)
    await rename(join(this.#bundlesDir, id), grave)
    await rm(grave, { recursive: true, force: true })
  }

  #bundle(id: string): Bundle {
    const dir = join(this.#bundlesDir, id)
    return { id, dir, entryFile: join(dir, 'bundle.mjs') }
  }

  async #write(build: BuildResult, bundle: Bundle): Promise<void> {
    const draft = await newTemporaryPath(this.#stateDir)
    try {
      await writeBundle(draft, build)
      await this.#move(draft, bundle)
    } finally {
      await rm(draft, { recursive: true, force: true })
    }
  }

  /** Somebody else may have stored the same meanwhile. */
  async #move(draft: string, bundle: Bundle): Promise<void> {
    try {
      await rename(draft, bundle.dir)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const isStored = (code === 'ENOTEMPTY' || code === 'EEXIST') && (await this.has(bundle.id))
      if (!isStored) throw error
    }
  }
}

/** Whether each linked package is there, and is where the bundle's identity says. */
async function linksLead(bundleDir: string, { externals }: BundleManifest): Promise<boolean> {
  const checks = externals.map(async ({ name, dir }) => {
    const real = await realpath(join(bundleDir, 'node_modules', name)).catch(() => null)
    return real !== null && (dir === undefined || real === dir)
  })
  return (await Promise.all(checks)).every(Boolean)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
