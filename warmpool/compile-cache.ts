/**
 * Where workers keep their own runtime compiled, so that each boot costs half of what it would. A folder that only
 * this user may write to: whoever could write there could put code into every worker.
 */
import { lstatSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PRIVATE = 0o700

let folder: string | null | undefined

/** The folder, made with the first question; null where there is none that can be trusted. */
export function compileCacheFolder(): string | null {
  folder ??= privateFolder(join(tmpdir(), `wrangler-free-compiled-${process.getuid?.() ?? 'user'}`))
  return folder
}

function privateFolder(path: string): string | null {
  try {
    mkdirSync(path, { mode: PRIVATE, recursive: true })
    const { uid, mode } = lstatSync(path)
    const isOurs = process.getuid === undefined || uid === process.getuid()
    return isOurs && lstatSync(path).isDirectory() && (mode & 0o077) === 0 ? path : null
  } catch {
    return null
  }
}
