/**
 * A folder for each worker that is confined: its temporary files, its home, the only place where it may write. Named by
 * this process, so that what a process that was killed has left behind can be told from what is in use, and removed by
 * the next one.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { chmod, lstat, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PRIVATE = 0o700

let base: string | null = null
let made = 0

/** Throws an error that says what to do when no folder can be trusted. */
export function makePrivateFolder(): string {
  base ??= openBase()
  const path = join(base, String(++made))
  mkdirSync(path, { mode: PRIVATE })
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
  const own = join(shared, ownName())
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

/** Processes of another pid namespace cannot be told from dead ones: theirs are left alone. */
function sweep(shared: string): void {
  const ours = `${namespaceId()}-`
  for (const name of readdirSync(shared)) {
    if (!name.startsWith(ours)) continue
    const [pid, started] = name.slice(ours.length).split('-').map(Number)
    if (startOf(pid!) !== started) removePrivateFolder(join(shared, name))
  }
}

function ownName(): string {
  return `${namespaceId()}-${process.pid}-${startOf(process.pid)}`
}

function namespaceId(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))![0]
  } catch {
    return '0'
  }
}

/** When a process was started, in ticks since the machine was; 0 where that is not known. */
function startOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
  } catch {
    return process.pid === pid ? 0 : -1
  }
}
