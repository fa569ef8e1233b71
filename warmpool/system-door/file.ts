/**
 * The system door as a file that workers load. The package is built with one for each processor; from the sources it is
 * made where only this user may write, since whoever could write it would have code in every worker.
 */
import { createHash } from 'node:crypto'
import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { doorLibrary } from './library.ts'

export function doorName(architecture: string): string {
  return `system-door-${architecture}.node`
}

/** False for a processor that there is no code for. */
export function writeDoor(file: string, architecture: string): boolean {
  const library = doorLibrary(architecture)
  if (library !== null) writeFileSync(file, library)
  return library !== null
}

/** Null where there is none to be had: no folder, or another processor. */
export function cachedDoor(folder: string | null, architecture: string): string | null {
  const library = doorLibrary(architecture)
  if (folder === null || library === null) return null
  // Named after what it holds, so that processes of several versions do not disturb each other.
  const hash = createHash('sha256').update(library).digest('hex').slice(0, 32)
  const file = join(folder, `${hash}-${doorName(architecture)}`)
  if (!existsSync(file)) {
    const unfinished = `${file}.${process.pid}`
    writeFileSync(unfinished, library)
    renameSync(unfinished, file)
  }
  return file
}
