/**
 * The `node_modules` folders that a function's modules see, and how its bundle shows them. Code that loads by a name which
 * only it knows (`require(name)`, a worker thread, a view engine) searches from the bundle upwards, so that the same
 * folders have to lie there as above the sources.
 */
import { existsSync } from 'node:fs'
import { readdir, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BundleFile } from './bundle-id.ts'

/** A link in a bundle's `node_modules`. An empty name: that folder itself is the link. */
export interface VisiblePackage {
  readonly name: string
  /** Absolute. */
  readonly dir: string
}

export interface PackageFolders {
  /** Those in the function's folder, by their place in it; a workspace has several. */
  readonly own: readonly VisiblePackage[]
  /** Real paths of those above it, the nearest first. */
  readonly above: readonly string[]
}

/** What package managers write whenever they install something. */
const INSTALL_RECORDS = ['.package-lock.json', '.modules.yaml', '.yarn-integrity']

/** `root`: the real path of the function's folder, with its `files`; of a single file (null) the folder that it lies in. */
export async function packageFolders(root: string, files: readonly BundleFile[] | null): Promise<PackageFolders> {
  const inside = files === null ? [] : [...new Set(['.', ...files.flatMap(({ path }) => foldersOf(path))])]
  const own = inside.map((folder) => join(folder, 'node_modules')).filter((name) => existsSync(join(root, name)))
  const above = foldersAbove(files === null ? root : dirname(root)).filter((dir) => existsSync(dir))
  return {
    own: await Promise.all(own.map(async (name) => ({ name, dir: await realpath(join(root, name)) }))),
    above: await Promise.all(above.map((dir) => realpath(dir))),
  }
}

function foldersOf(path: string): string[] {
  const folder = dirname(path)
  return folder === '.' ? [] : [folder, ...foldersOf(folder)]
}

function foldersAbove(dir: string): string[] {
  const parent = dirname(dir)
  return [join(dir, 'node_modules'), ...(parent === dir ? [] : foldersAbove(parent))]
}

/**
 * The links of a bundle that has other links too, or of a function with several folders above it: one for each package,
 * of the nearest folder that has it. Otherwise the one folder is linked as a whole, and shows what is installed later.
 */
export async function visiblePackages(above: readonly string[], isAlone: boolean): Promise<VisiblePackage[]> {
  if (above.length === 0) return []
  if (above.length === 1 && isAlone) return [{ name: '', dir: above[0]! }]
  const found = new Map<string, string>()
  for (const dir of above)
    for (const name of await packagesIn(dir)) if (!found.has(name)) found.set(name, join(dir, name))
  return [...found].map(([name, dir]) => ({ name, dir }))
}

/** Files that change when packages are added or removed; a bundle with a link for each package is then another. */
export function installRecords(above: readonly string[]): string[] {
  return above.flatMap((dir) => INSTALL_RECORDS.map((name) => join(dir, name))).filter((path) => existsSync(path))
}

async function packagesIn(dir: string): Promise<string[]> {
  const names = (await readdir(dir)).filter((name) => !name.startsWith('.'))
  const scoped = names.filter((name) => name.startsWith('@'))
  const within = await Promise.all(
    scoped.map(async (scope) => (await readdir(join(dir, scope)).catch(() => [])).map((name) => `${scope}/${name}`)),
  )
  return [...names.filter((name) => !name.startsWith('@')), ...within.flat()]
}
