/**
 * Writes the files of one bundle. What is copied is compared with what was built, so that a bundle never holds
 * anything but what its id says. What is always there (three small texts, two folders) is written synchronously: a
 * dozen trips through the thread pool took five times as long, and most of a first start with thousands of functions.
 */
import { chmodSync, closeSync, constants, fchmodSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs'
import { chmod, copyFile, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BuildResult } from './build.ts'
import { hashFile, type LinkedPackage } from './bundle-id.ts'
import { concurrently } from './concurrently.ts'
import type { VisiblePackage } from './package-folders.ts'

/** A file of the function is no longer what it was when the bundle was built: build again. */
export class ChangedWhileBuilding extends Error {
  override readonly name = 'ChangedWhileBuilding'

  constructor(path: string) {
    super(`${path} changed while the function was being built.`)
  }
}

/** What bundle.json holds. */
export interface BundleManifest {
  readonly id: string
  readonly entry: string
  readonly externals: readonly LinkedPackage[]
  readonly installed: readonly { readonly name: string; readonly dir: string }[]
  readonly visible?: readonly VisiblePackage[]
  readonly layoutVersion: number
  readonly esbuildVersion: string
}

const CONCURRENT_COPIES = 8
/**
 * Ends the search for a package.json. Without it Node looks in every folder above the bundle, and stops with an error at
 * one that a confined worker may not read: the package.json of the project that the state folder lies in.
 */
const BOUNDARY = '{}\n'

/** Writes all of a bundle into `dir`, which must not exist. Throws {@link ChangedWhileBuilding}. */
export async function writeBundle(dir: string, build: BuildResult): Promise<void> {
  const { id, entry, externals, installed, visible = [], layoutVersion, esbuildVersion } = build
  const packages = externals.map(({ name, version, dir }) => ({ name, version, dir }))
  const manifest: BundleManifest = { id, entry, externals: packages, installed, visible, layoutVersion, esbuildVersion }
  makeDir(dir)
  makeDir(join(dir, 'files'))
  writeText(join(dir, 'bundle.mjs'), build.code)
  writeText(join(dir, 'bundle.mjs.map'), build.map)
  writeText(join(dir, 'package.json'), BOUNDARY)
  await copyFiles(join(dir, 'files'), build)
  for (const external of externals) {
    const link = join(dir, 'node_modules', external.name)
    makeDir(dirname(link))
    await symlink(external.dir, link)
  }
  showPackages(join(dir, 'node_modules'), visible, new Set(externals.map(({ name }) => name)))
  for (const { name, dir: target } of installed) await symlink(target, join(dir, 'files', name))
  writeText(join(dir, 'bundle.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}

/** There may be hundreds. What the bundle imports itself is linked already. */
function showPackages(folder: string, visible: readonly VisiblePackage[], linked: ReadonlySet<string>): void {
  const scopes = new Set<string>()
  for (const { name, dir: target } of visible) {
    if (linked.has(name)) continue
    const link = name === '' ? folder : join(folder, name)
    const scope = dirname(link)
    if (!scopes.has(scope)) makeDir(scope)
    scopes.add(scope)
    symlinkSync(target, link)
  }
}

async function copyFiles(to: string, { root, files }: BuildResult): Promise<void> {
  const folders = new Set(files.map(({ path }) => dirname(path)))
  for (const folder of folders) if (folder !== '.') makeDirs(to, folder)
  await concurrently(files, CONCURRENT_COPIES, async (file) => {
    const copy = join(to, file.path)
    if (file.kind === 'link') return symlink(file.target, copy)
    try {
      await copyFile(join(root, file.path), copy, constants.COPYFILE_FICLONE)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new ChangedWhileBuilding(file.path)
      throw error
    }
    await chmod(copy, file.mode)
    if ((await hashFile(copy)) !== file.hash) throw new ChangedWhileBuilding(file.path)
  })
}

function makeDirs(root: string, folder: string): void {
  let dir = root
  for (const segment of folder.split('/')) {
    dir = join(dir, segment)
    makeDir(dir)
  }
}

/** Modes are set apart from creation, because a worker may be another user and the umask takes bits away. */
export function makeDir(dir: string): void {
  mkdirSync(dir, { recursive: true })
  chmodSync(dir, 0o755)
}

function writeText(path: string, text: string): void {
  const fd = openSync(path, 'w')
  try {
    writeFileSync(fd, text)
    fchmodSync(fd, 0o644)
  } finally {
    closeSync(fd)
  }
}
