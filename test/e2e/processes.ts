/** Looking at the machine's processes from outside, as whoever finds an orphan would. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { sep } from 'node:path'

/** Longer than anything here takes, shorter than a test may: what does not come is told with what there was instead. */
const PATIENCE_MS = 45_000

/** Waits for a condition over the outside world, which tells nobody when it changes. `describe` is for the failure. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  describe: () => string = () => String(condition),
  patienceMs: number = PATIENCE_MS,
): Promise<void> {
  const deadlineMs = performance.now() + patienceMs
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`It did not happen within ${patienceMs} ms: ${describe()}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** True for a process that runs or is stopped; a zombie is gone. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** All that it has started and that still has its parent, itself included. */
export function descendants(pid: number): number[] {
  const found = [pid]
  for (const one of found)
    for (const task of readdirSync(`/proc/${one}/task`)) {
      const children = readFileSync(`/proc/${one}/task/${task}/children`, 'latin1')
      found.push(...children.split(' ').filter(Boolean).map(Number))
    }
  return found
}

export function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1])
}

/** One that ends holds none, from some moments before it is gone. */
export function rssBytesOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

/** Every living process whose current folder is `folder` or below it: a gateway's workers, and all that they started. */
export function processesIn(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isBelow(currentFolderOf(pid), folder) && isAlive(pid))
}

function isBelow(path: string | null, folder: string): boolean {
  return path === folder || (path?.startsWith(folder + sep) ?? false)
}

function currentFolderOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return null
  }
}
