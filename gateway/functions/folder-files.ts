/**
 * Lists the files that belong to a function: everything in its folder except `node_modules`, a Python `venv`, and what
 * begins with a dot. A link must stay inside the folder and is kept as a link, so that a copy leads nowhere else.
 */
import { existsSync } from 'node:fs'
import { readdir, readlink, realpath, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

export interface FolderFile {
  /** Relative to the folder, with forward slashes. */
  readonly path: string
  readonly kind: 'file' | 'link'
  /** Of copies: 0o755 for what its owner may execute, else 0o644. */
  readonly mode: number
  readonly sizeBytes: number
  readonly mtimeMs: number
  /** Of a link: relative to the link, inside the folder. '' for a file. */
  readonly target: string
}

/** A folder that must not or cannot be copied. */
export class UnusableFolder extends Error {
  override readonly name = 'UnusableFolder'
  /** Relative to the folder; null if it is about the whole. */
  readonly path: string | null

  constructor(message: string, path: string | null) {
    super(message)
    this.path = path
  }
}

/** The most that a function's own files may weigh together, `node_modules` not counted: 512 MiB. */
export const MAX_FOLDER_BYTES = 512 * 1024 * 1024

/**
 * All files under `root` (a real path), sorted by path. Sockets, pipes and devices are left out. Throws
 * {@link UnusableFolder} for a link that leads out of the folder or to what is not copied, and beyond `maxBytes`.
 */
export async function listFolder(root: string, maxBytes = MAX_FOLDER_BYTES): Promise<FolderFile[]> {
  const files: FolderFile[] = []
  await collect(root, '', files)
  const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  if (totalBytes > maxBytes) {
    const message = `The folder holds ${inMiB(totalBytes)} MiB of files; ${inMiB(maxBytes)} MiB are allowed. Keep large data elsewhere and read it from there.`
    throw new UnusableFolder(message, null)
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Whether a file or folder of this name is left out, wherever in the folder it lies. */
export function isLeftOut(name: string): boolean {
  return name.startsWith('.') || name === 'node_modules'
}

/** Installed by Python's tools, under whatever name: as `node_modules` it is no file of the author's. */
function isVirtualEnvironment(root: string, path: string): boolean {
  return path.endsWith('venv') && existsSync(join(root, path, 'pyvenv.cfg'))
}

function inMiB(bytes: number): number {
  return Math.ceil(bytes / 1024 / 1024)
}

async function collect(root: string, folder: string, files: FolderFile[]): Promise<void> {
  const entries = await readdir(join(root, folder), { withFileTypes: true })
  const visits = entries.map(async (entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (isLeftOut(entry.name) || isVirtualEnvironment(root, path)) return
    if (entry.isDirectory()) await collect(root, path, files)
    else if (entry.isSymbolicLink()) files.push(await link(root, path))
    else if (entry.isFile()) files.push(await file(root, path))
  })
  await Promise.all(visits)
}

async function file(root: string, path: string): Promise<FolderFile> {
  const { mode, size, mtimeMs } = await stat(join(root, path))
  return { path, kind: 'file', mode: mode & 0o100 ? 0o755 : 0o644, sizeBytes: size, mtimeMs, target: '' }
}

async function link(root: string, path: string): Promise<FolderFile> {
  const place = join(root, path)
  const real = await realpath(place).catch(() => undefined)
  if (real === undefined) {
    throw new UnusableFolder(`The link ${path} leads to ${await readlink(place)}, which does not exist.`, path)
  }
  const inside = relative(root, real)
  if (inside.split('/')[0] === '..') {
    const message = `The link ${path} leads out of the function's folder, to ${real}. Replace it by a copy, or import that file from code.`
    throw new UnusableFolder(message, path)
  }
  if (inside.split('/').some(isLeftOut)) {
    throw new UnusableFolder(`The link ${path} leads to ${inside}, which is not part of a bundle.`, path)
  }
  const target = relative(dirname(place), real) || '.'
  return { path, kind: 'link', mode: 0o644, sizeBytes: 0, mtimeMs: 0, target }
}

/** Every plain file under a folder, whatever its name. */
export async function filesUnder(
  folder: string,
): Promise<{ readonly path: string; readonly bytes: number; readonly executable: boolean }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return Promise.all(
    files.map(async (path) => {
      const { size, mode } = await stat(path)
      return { path: relative(folder, path), bytes: size, executable: (mode & 0o100) !== 0 }
    }),
  )
}
