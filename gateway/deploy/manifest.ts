/**
 * What an uploaded folder consists of: plain files by path, size and hash, and nothing else. Links and devices have no way
 * to be said. Its id is a hash of all of it, so the same content has the same id whoever sends it and whenever.
 */
import { sha256 } from '../functions/bundle-id.ts'
import { pathProblem, shown, togetherProblem } from './paths.ts'
import { Refusal } from './refusal.ts'

export interface ManifestFile {
  readonly path: string
  readonly bytes: number
  /** In hex. */
  readonly sha256: string
  readonly executable: boolean
}

export interface Manifest {
  readonly files: readonly ManifestFile[]
  /** How its packages come: as they are in the folder, or installed by the gateway from the lockfile. */
  readonly install: 'no' | 'packages' | 'with-scripts'
}

export interface FolderLimits {
  readonly maxFiles: number
  readonly maxBytes: number
}

/** What was found of a manifest, so that the thousands of files of one are looked at once. */
const known = new WeakMap<Manifest, { readonly limits: string; readonly id: string }>()

/** Note that a manifest passed {@link checkManifest} elsewhere, with these limits, and has this id. */
export function isChecked(manifest: Manifest, limits: FolderLimits, id: string): void {
  known.set(manifest, { limits: inText(limits), id })
}

function inText({ maxFiles, maxBytes }: FolderLimits): string {
  return `${maxFiles} ${maxBytes}`
}

/** Throws `Refusal` for what must not be written, or is more than the configuration allows. */
export function checkManifest(manifest: Manifest, limits: FolderLimits): void {
  if (known.get(manifest)?.limits === inText(limits)) return
  const { files } = manifest
  const { maxFiles, maxBytes } = limits
  if (files.length === 0) throw new Refusal('unacceptable-upload', 'The folder has no file')
  if (files.length > maxFiles) throw new Refusal('upload-too-large', tooMany(files.length, maxFiles))
  for (const { path } of files) {
    const problem = pathProblem(path)
    if (problem !== null) throw new Refusal('unacceptable-upload', `The path ${shown(path)} is refused: ${problem}`)
  }
  const together = togetherProblem(files.map(({ path }) => path))
  if (together !== null) throw new Refusal('unacceptable-upload', `The folder is refused: ${together}`)
  const bytes = bytesOf({ files })
  if (bytes > maxBytes) throw new Refusal('upload-too-large', tooLarge(bytes, maxBytes))
}

export function bytesOf({ files }: Pick<Manifest, 'files'>): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}

export function tooMany(files: number, maxFiles: number): string {
  return `The folder has ${files} files; deploy.maxFiles allows ${maxFiles}`
}

export function tooLarge(bytes: number, maxBytes: number): string {
  return `The folder holds ${bytes} bytes or more; deploy.maxSize allows ${maxBytes}`
}

/** 40 hexadecimal digits. */
export function manifestId(manifest: Manifest): string {
  const { files, install } = manifest
  const found = known.get(manifest)
  if (found !== undefined) return found.id
  const listed = [...files]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, sha256: hash, executable }) => [path, hash, executable])
  return sha256(JSON.stringify([install, listed])).slice(0, 40)
}
