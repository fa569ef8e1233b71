/** The files that a function brings along, each with the hash of its contents. Throws `BuildError` for what cannot be read. */
import { resolve } from 'node:path'
import { type BuildError, plainBuildError, shownPath } from './build-error.ts'
import { type BundleFile, hashFile, sha256 } from './bundle-id.ts'
import { concurrently } from './concurrently.ts'
import type { FunctionSource } from './discover.ts'
import { type FolderFile, listFolder, UnusableFolder } from './folder-files.ts'

const CONCURRENT_HASHES = 8

/** All files of a folder. */
export async function hashedFiles(source: FunctionSource, root: string): Promise<BundleFile[]> {
  try {
    const listed = await listFolder(root)
    return await concurrently(listed, CONCURRENT_HASHES, (file) => hashed(root, file))
  } catch (error) {
    throw folderError(source, root, error)
  }
}

async function hashed(root: string, { path, kind, mode, target }: FolderFile): Promise<BundleFile> {
  const contents = kind === 'link' ? sha256(target) : await hashFile(resolve(root, path))
  return { path, kind, mode, hash: contents, target }
}

function folderError(source: FunctionSource, root: string, error: unknown): BuildError {
  if (!(error instanceof UnusableFolder)) {
    return plainBuildError(source.name, `A file of the function cannot be read: ${(error as Error).message}`)
  }
  return plainBuildError(source.name, error.message, error.path && shownPath(source, root, error.path))
}
