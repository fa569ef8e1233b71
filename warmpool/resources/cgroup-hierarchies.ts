/**
 * Where this process may make cgroups, from what the system says of its own: of version 2 one hierarchy for all, of
 * version 1 one for each controller, and on many machines both beside each other. Pure over the texts of /proc, but for
 * preparing a hierarchy of version 2, where a cgroup that hands controllers on may hold no processes itself.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export type Controller = 'memory' | 'pids' | 'cpu'

export interface Hierarchy {
  readonly version: 1 | 2
  /** This process's own cgroup there, in which those of its workers are made. */
  readonly folder: string
  readonly controllers: ReadonlySet<Controller>
}

const CONTROLLERS: readonly Controller[] = ['memory', 'pids', 'cpu']

/** @param cgroups of /proc/self/cgroup. @param mounts of /proc/self/mountinfo. */
export function hierarchiesOf(cgroups: string, mounts: string): Hierarchy[] {
  const own = new Map(
    cgroups.split('\n').flatMap((line) => {
      const [, names, ...path] = line.split(':')
      return names === undefined || path.length === 0 ? [] : [[names, path.join(':')] as const]
    }),
  )
  return mounts.split('\n').flatMap((line): Hierarchy[] => {
    const [before, after] = line.split(' - ')
    const [type, , options = ''] = (after ?? '').split(' ')
    const [, , , root = '', mountPoint = ''] = before!.split(' ')
    if (type === 'cgroup2') {
      const folder = folderOf(own.get(''), root, mountPoint)
      return folder === null ? [] : [{ version: 2, folder, controllers: new Set() }]
    }
    if (type !== 'cgroup') return []
    const controllers = CONTROLLERS.filter((controller) => options.split(',').includes(controller))
    const [first] = controllers
    if (first === undefined) return []
    const path = [...own].find(([names]) => names.split(',').includes(first))?.[1]
    const folder = folderOf(path, root, mountPoint)
    return folder === null ? [] : [{ version: 1, folder, controllers: new Set(controllers) }]
  })
}

/** A hierarchy of version 2 with the controllers that are handed on to the cgroups made in it. */
export function withControllers(hierarchy: Hierarchy, pid: number): Hierarchy {
  const { version, folder } = hierarchy
  if (version === 1) return hierarchy
  const offered = wordsIn(folder, 'cgroup.controllers')
  const wanted = CONTROLLERS.filter((controller) => offered.includes(controller))
  const isHandedOn = (controller: Controller): boolean => wordsIn(folder, 'cgroup.subtree_control').includes(controller)
  if (!wanted.every(isHandedOn)) {
    try {
      leaveTo(folder, pid)
      writeFileSync(join(folder, 'cgroup.subtree_control'), wanted.map((controller) => `+${controller}`).join(' '))
    } catch {
      // Not ours to prepare: others' processes are in there, or it may not be written.
    }
  }
  return { version, folder, controllers: new Set(wanted.filter(isHandedOn)) }
}

/** Moves this process one cgroup down, where it is the only one in its own. The topmost may hold processes as well. */
function leaveTo(folder: string, pid: number): void {
  const members = wordsIn(folder, 'cgroup.procs')
  if (members.length !== 1 || members[0] !== String(pid)) return
  const leaf = join(folder, 'wrangler-free')
  mkdirSync(leaf, { recursive: true })
  writeFileSync(join(leaf, 'cgroup.procs'), String(pid))
}

/** Null: what is mounted there does not hold this process's cgroup. */
function folderOf(path: string | undefined, root: string, mountPoint: string): string | null {
  if (path === undefined || path.includes('/..')) return null
  const isBelow = root === '/' || path === root || path.startsWith(`${root}/`)
  const rest = path.slice(root === '/' ? 1 : root.length)
  return isBelow ? resolve(join(mountPoint, rest)) : null
}

function wordsIn(folder: string, file: string): string[] {
  try {
    return readFileSync(join(folder, file), 'latin1').split(/\s+/).filter(Boolean)
  } catch {
    return []
  }
}
