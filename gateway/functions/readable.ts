/**
 * What a function consists of on disk, besides the system: the paths that it may read whatever its isolation. Its bundle,
 * its sources, the packages that it sees (they are looked for in every folder above it), and the program that it is.
 */
import { accessSync, constants, readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join } from 'node:path'
import type { Bundle } from './bundle-store.ts'
import type { FunctionSource } from './discover.ts'

/** Absolute; not all of them need be there. */
export function readableBy(source: FunctionSource, bundle: Bundle, outsideInputs: readonly string[]): string[] {
  const own = source.kind === 'folder' ? source.dir : source.entry
  // What is installed into a folder may be linked from elsewhere: then the link's end is meant, too.
  const installed = source.kind === 'folder' ? ['.venv', 'venv'].map((name) => join(source.dir, name)) : []
  const { command } = source.identity
  const packages = packageFolders(source.dir)
  return [
    bundle.dir,
    own,
    ...installed,
    ...packages,
    ...packages.flatMap(linkedFrom),
    ...outsideInputs,
    ...(command === null ? [] : programFolders(command[0]!, join(bundle.dir, 'files'))),
  ]
}

function packageFolders(dir: string): string[] {
  const above = dirname(dir)
  return [join(dir, 'node_modules'), ...(above === dir ? [] : packageFolders(above))]
}

/** By folder: where the packages of a workspace really lie, as of the folder's last change. */
const links = new Map<string, { readonly mtimeMs: number; readonly ends: readonly string[] }>()

/** Packages that a `node_modules` folder has as links to somewhere else. */
function linkedFrom(folder: string): readonly string[] {
  const mtimeMs = statSync(folder, { throwIfNoEntry: false })?.mtimeMs
  if (mtimeMs === undefined) return []
  const known = links.get(folder)
  if (known?.mtimeMs === mtimeMs) return known.ends
  const ends = endsOfLinks(folder, realpathSync(folder))
  links.set(folder, { mtimeMs, ends })
  return ends
}

function endsOfLinks(folder: string, root: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name.startsWith('@') ? endsOfLinks(path, root) : []
    const end = entry.isSymbolicLink() ? realPathOf(path) : null
    return end === null || end.startsWith(`${root}/`) ? [] : [end]
  })
}

function realPathOf(path: string): string | null {
  try {
    return realpathSync(path)
  } catch {
    return null
  }
}

/** The program's file, and where it is in a `bin`, as interpreters are, the libraries that lie beside that. */
function programFolders(program: string, cwd: string): string[] {
  const file = fileOf(program, cwd)
  if (file === null) return []
  const folder = dirname(file)
  const beside = basename(folder) === 'bin' ? [join(dirname(folder), 'lib')] : []
  // Of managers of versions, whose shims look up what to start.
  const managed = basename(folder) === 'shims' ? [dirname(folder)] : []
  return [file, ...beside, ...managed]
}

function fileOf(program: string, cwd: string): string | null {
  const places = program.includes('/')
    ? [isAbsolute(program) ? program : join(cwd, program)]
    : (process.env.PATH ?? '').split(':').map((folder) => join(folder, program))
  const found = places.find(isExecutable)
  return found === undefined ? null : realpathSync(found)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
