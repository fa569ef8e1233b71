/**
 * Which places a sandbox needs for paths that a function may read and write, as mounts in the order in which they are to
 * be made. Each path is there as it is named, and where symbolic links lead elsewhere, so is what it leads to. What
 * another mount or the system holds already needs none.
 */
import { realpathSync } from 'node:fs'
import type { Mount } from '../wire/messages.ts'
import { SYSTEM_PATHS } from '../wire/system-paths.ts'

/** Of the system's these are made anew for each sandbox, or would show other processes. */
const NOT_SHOWN = ['/proc', '/sys/fs/cgroup']

/** What every sandbox shows of the system. */
export const SHOWN_OF_SYSTEM: readonly string[] = SYSTEM_PATHS.filter((path) => !NOT_SHOWN.includes(path))

/** What is not there is left out. */
export function mountsFor(read: readonly string[], write: readonly string[]): Mount[] {
  const wanted = new Map<string, Mount>()
  for (const [paths, isWritable] of [
    [read, false],
    [write, true],
  ] as const)
    for (const path of paths) {
      const from = realPath(path)
      if (from === null) continue
      wanted.set(from, { from, at: from, isWritable })
      if (path !== from) wanted.set(path, { from, at: path, isWritable })
    }
  // Those that hold others first.
  const sorted = [...wanted.values()].sort((a, b) => (a.at < b.at ? -1 : 1))
  const made: Mount[] = []
  for (const mount of sorted) if (!isThere(mount, made)) made.push(mount)
  return made
}

function isThere({ at, isWritable }: Mount, made: readonly Mount[]): boolean {
  const isInWritable = made.some((other) => other.isWritable && isWithin(at, other.at))
  if (isWritable || isInWritable) return isInWritable
  return [...SHOWN_OF_SYSTEM, ...made.map((other) => other.at)].some((other) => isWithin(at, other))
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

function realPath(path: string): string | null {
  try {
    return realpathSync(path)
  } catch {
    return null
  }
}
