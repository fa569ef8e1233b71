/**
 * Writing that survives a power cut: a file that is replaced is the old one or the new one, and a folder that a record
 * speaks of is on the disk before the record is.
 */
import { execFile } from 'node:child_process'
import { open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { newTemporaryPath } from '../functions/temporary.ts'

/** So many files are synced one by one in less time than it takes to start a program that syncs all. */
const FEW_FILES = 12

/** Replaces a file of the state folder. What throws left the old one, or nothing. */
export async function writeDurably(stateDir: string, path: string, text: string): Promise<void> {
  const draft = await newTemporaryPath(stateDir)
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  await syncPath(dirname(path))
}

/** Brings folders with all that is in them to the disk. They are on one file system. */
export async function syncFolders(folders: readonly string[]): Promise<void> {
  const paths = (await Promise.all(folders.map(allIn))).flat()
  const parents = new Set(folders.map((folder) => dirname(folder)))
  if (paths.length > FEW_FILES && (await syncFileSystem(folders[0]!))) return
  await Promise.all([...paths, ...parents].map(syncPath))
}

async function allIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const inside = entries.filter((entry) => entry.isFile() || entry.isDirectory())
  return [folder, ...inside.map(({ parentPath, name }) => join(parentPath, name))]
}

export async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** False where there is no such program. */
function syncFileSystem(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('sync', ['-f', path], (error) => resolve(error === null))
  })
}
