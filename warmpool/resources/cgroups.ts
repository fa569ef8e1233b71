/**
 * Whether this process can have cgroups for its workers, found out with the first: where that is refused, nothing
 * is tried again. What an earlier process left in the same place is ended then.
 */
import { readFileSync } from 'node:fs'
import { Cgroup, sweepCgroups } from './cgroup.ts'
import { type Hierarchy, hierarchiesOf, withControllers } from './cgroup-hierarchies.ts'
import { ownerName } from './identity.ts'

/** `cgroup`: the kernel lists and ends what a worker has started. `polling`: it is looked for. */
export type Accounting = 'cgroup' | 'polling'

let hierarchies: readonly Hierarchy[] | null = null

/** Null where there can be none. */
export function openCgroup(workerName: string): Cgroup | null {
  hierarchies ??= findHierarchies()
  return hierarchies.length === 0 ? null : new Cgroup(hierarchies, workerName)
}

/** One was refused. */
export function giveUpCgroups(): void {
  hierarchies = []
}

/** How workers that are started now are accounted for. */
export function accountingInForce(): Accounting {
  hierarchies ??= findHierarchies()
  return hierarchies.length > 0 ? 'cgroup' : 'polling'
}

function findHierarchies(): readonly Hierarchy[] {
  if (ownerName() === '') return []
  try {
    const found = hierarchiesOf(
      readFileSync('/proc/self/cgroup', 'latin1'),
      readFileSync('/proc/self/mountinfo', 'latin1'),
    )
    const useful = found
      .map((hierarchy) => withControllers(hierarchy, process.pid))
      .filter(({ version, controllers }) => version === 2 || controllers.size > 0)
      // The one of version 2 first: it alone can end all its processes at once.
      .sort((a, b) => b.version - a.version)
    sweepCgroups(useful)
    return useful
  } catch {
    return []
  }
}
