/**
 * Names for what is not finished, under `<stateDir>/tmp`: each carries the process that owns it, so that what a dead
 * one left can be told from what a living one (another gateway, a command line beside it) is still writing.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const ABANDONED_AFTER_MS = 3_600_000

/** A path that nobody uses, on the file system of the state folder. Nothing is created there. */
export async function newTemporaryPath(stateDir: string): Promise<string> {
  const dir = join(stateDir, 'tmp')
  await mkdir(dir, { recursive: true })
  return join(dir, `${process.pid}-${randomBytes(8).toString('hex')}`)
}

/** Replaces a file of the state folder whole, or not at all. */
export async function writeAtomically(stateDir: string, path: string, text: string): Promise<void> {
  const draft = await newTemporaryPath(stateDir)
  try {
    await writeFile(draft, text)
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

/** Removes what belongs to no living process, or is older than an hour (a process id may be in use again). */
export async function sweepTemporaries(stateDir: string, nowMs: number): Promise<void> {
  const dir = join(stateDir, 'tmp')
  for (const name of await readdir(dir).catch(() => [])) {
    const path = join(dir, name)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }))
    if (isAlive(Number.parseInt(name, 10)) && nowMs - mtimeMs < ABANDONED_AFTER_MS) continue
    await rm(path, { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
