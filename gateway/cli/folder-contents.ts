/**
 * What of a folder is deployed: its files, less what its `.gitignore` and `.wranglerfreeignore` leave out, what begins with a dot, and Python's
 * virtual environments. Installed packages go with it, whatever `.gitignore` says of them. Links are not followed: a folder is to
 * be the same wherever it is unpacked.
 */
import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import ignore, { type Ignore } from 'ignore'
import { hashFile } from '../functions/bundle-id.ts'
import { concurrently } from '../functions/concurrently.ts'
import { CommandError, EXIT } from './exit-codes.ts'

export interface FolderEntry {
  /** As it is in the deployed folder. */
  readonly path: string
  /** Where it is read. */
  readonly file: string
  readonly bytes: number
  readonly sha256: string
  readonly executable: boolean
}

export interface FolderOptions {
  /** The gateway installs the packages: those that are here stay here. */
  readonly withoutPackages: boolean
}

/** An ignore file, and the folder that it speaks of. */
interface Rules {
  /** With a slash at its end; '' for the whole. */
  readonly base: string
  readonly rules: Ignore
  /** Speaks of installed packages, too. */
  readonly isOurs: boolean
}

const PACKAGES = 'node_modules'
const IGNORE_FILES = ['.gitignore', '.wranglerfreeignore']
const CONCURRENT_READS = 16

/** Of a folder, or of a single file as the folder that it would be. Throws `CommandError` for what cannot be deployed. */
export async function contentsOf(path: string, options: FolderOptions): Promise<FolderEntry[]> {
  const found = await stat(path).catch(() => null)
  if (found === null) throw new CommandError(EXIT.usage, `There is no ${path}.`)
  const files = found.isDirectory()
    ? await walk(path, '', [], options)
    : [{ path: `index${extname(path)}`, file: path }]
  if (files.length === 0) throw new CommandError(EXIT.usage, `${path} has no file that would be deployed.`)
  return concurrently(files, CONCURRENT_READS, async (one) => {
    const { size, mode } = await stat(one.file)
    return { ...one, bytes: size, executable: (mode & 0o100) !== 0, sha256: await hashFile(one.file) }
  })
}

type Found = Pick<FolderEntry, 'path' | 'file'>

async function walk(root: string, folder: string, outer: readonly Rules[], options: FolderOptions): Promise<Found[]> {
  const isPackages = folder.split('/').includes(PACKAGES)
  const rules = isPackages ? outer : [...outer, ...(await rulesIn(root, folder))]
  const entries = await readdir(join(root, folder), { withFileTypes: true })
  const found = await Promise.all(
    entries.map(async (entry): Promise<Found[]> => {
      const path = `${folder}${entry.name}`
      if (isLeftOut(entry.name, folder, options) || isIgnored(path, entry.isDirectory(), rules)) return []
      if (entry.name.includes('\ufffd')) throw nameRefused(path)
      if (entry.isDirectory()) {
        if (existsSync(join(root, path, 'pyvenv.cfg'))) return []
        return walk(root, `${path}/`, rules, options)
      }
      if (entry.isFile()) return [{ path, file: join(root, path) }]
      if (entry.isSymbolicLink()) throw linkRefused(path)
      return []
    }),
  )
  return found.flat()
}

/** What no version needs: of installed packages what package managers keep for themselves. */
function isLeftOut(name: string, folder: string, { withoutPackages }: FolderOptions): boolean {
  if (name === PACKAGES) return withoutPackages
  // A package may have packages of its own, and then a folder of links to their programs, too.
  const isInPackage = folder.includes(`${PACKAGES}/`) && !folder.endsWith(`${PACKAGES}/`)
  return name.startsWith('.') && !isInPackage
}

async function rulesIn(root: string, folder: string): Promise<Rules[]> {
  const found = await Promise.all(
    IGNORE_FILES.map(async (name) => {
      const text = await readFile(join(root, folder, name), 'utf8').catch(() => null)
      const isOurs = name === '.wranglerfreeignore'
      return text === null ? [] : [{ base: folder, rules: ignore().add(text), isOurs }]
    }),
  )
  return found.flat()
}

/** The last that says something of a path is right, as with git. */
function isIgnored(path: string, isFolder: boolean, all: readonly Rules[]): boolean {
  const isPackages = path.split('/').includes(PACKAGES)
  let ignored = false
  for (const { base, rules, isOurs } of all) {
    if (isPackages && !isOurs) continue
    const said = rules.test(`${path.slice(base.length)}${isFolder ? '/' : ''}`)
    if (said.ignored) ignored = true
    else if (said.unignored) ignored = false
  }
  return ignored
}

function nameRefused(path: string): CommandError {
  const wayOut = 'Give it another name, or name its folder in .wranglerfreeignore.'
  return new CommandError(EXIT.usage, `The name of ${path} is no text in UTF-8. ${wayOut}`)
}

function linkRefused(path: string): CommandError {
  const wayOut = path.split('/').includes(PACKAGES)
    ? 'Packages that are linked (by pnpm, or a workspace) are installed by the gateway with --install.'
    : 'Put a copy in its place, or name it in .wranglerfreeignore.'
  return new CommandError(EXIT.usage, `${path} is a symbolic link, and links are not deployed. ${wayOut}`)
}
