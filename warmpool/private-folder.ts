/**
 * A folder for each worker that is confined: its temporary files, its home, the only place where it may write. Named by
 * this process, so that what a process that was killed has left behind can be told from what is in use, and removed by
 * the next one.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { chmod, lstat, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isLeftBehind, ownerName } from './resources/identity.ts'

const PRIVATE = 0o700
const PASSABLE = 0o711
const SHARED = 0o1777

let base: string | null = null
let made = 0

/** Throws an error that says what to do when no folder can be trusted. @param user whose it is; null: this process's. */
export function makePrivateFolder(user: number | null = null): string {
  base ??= openBase()
  const path = join(base, String(++made))
  mkdirSync(path, { mode: PRIVATE })
  if (user !== null) chownSync(path, user, user)
  return path
}

/** In a sandbox it is what stands at `/tmp`: beside what else is to be seen there, which is mounted into it. */
const AT_TMP = '.tmp'

/** @param user whose it is; null: this process's. */
export function makeFolderAtTmp(folder: string, user: number | null): string {
  const path = join(folder, AT_TMP)
  // What mounts it is not its user yet. Nobody else comes by here: the folder above is closed.
  if (user !== null) chmodSync(folder, PASSABLE)
  mkdirSync(path)
  chmodSync(path, SHARED)
  return path
}

/** Never fails: what is left is swept with the next start. */
export function removePrivateFolder(path: string): void {
  void remove(path).catch(() => {})
}

/** A function may have closed its folders to everybody, which only the superuser passes over. */
async function remove(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch {
    await reopen(path)
    await rm(path, { recursive: true, force: true })
  }
}

async function reopen(folder: string): Promise<void> {
  await chmod(folder, PRIVATE)
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    if ((await lstat(path)).isDirectory()) await reopen(path)
  }
}

/** Short, for a socket in it has to have a name of some hundred bytes at most. */
function openBase(): string {
  const user = process.getuid?.() ?? 0
  const shared = join(tmpdir(), `wrangler-free-workers-${user}`)
  mkdirSync(shared, { mode: PRIVATE, recursive: true })
  const { uid, mode } = lstatSync(shared)
  if (!lstatSync(shared).isDirectory() || (process.getuid !== undefined && uid !== user) || (mode & 0o077) !== 0)
    throw new Error(`${shared} is not this user's alone, and workers' temporary files would be in it: remove it`)
  sweep(shared)
  // Where the system does not tell who is who, nothing is swept, either.
  const own = join(shared, ownerName() || String(process.pid))
  mkdirSync(own, { mode: PRIVATE, recursive: true })
  process.once('exit', () => removeNow(own))
  return own
}

function removeNow(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch {
    // Swept with the next start.
  }
}

/** Those of processes that are gone; of other PID namespaces' nothing is known, and they are left alone. */
function sweep(shared: string): void {
  for (const name of readdirSync(shared)) if (isLeftBehind(name)) removePrivateFolder(join(shared, name))
}
