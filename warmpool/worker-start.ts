/**
 * What a worker consists of from its first moment on: a process, what the two share, and the group that its children
 * belong to. A process is booted here; template/ forks it. Whatever does not start leaves nothing behind.
 */
import { requireSpareDescriptors } from './descriptors.ts'
import { Journal } from './journal.ts'
import { removePrivateFolder } from './private-folder.ts'
import { registerGroup } from './reaper.ts'
import { ProcessGroup } from './resources/process-group.ts'
import { returnUser } from './sandbox/users.ts'
import { type Command, type Sandboxed, spawnWorker, type WorkerProcess } from './spawn.ts'
import { WORKER_VARIABLE } from './wire/variables.ts'

/** What there is before the process is. */
export interface Shared {
  readonly journal: Journal
  readonly group: ProcessGroup
}

export interface Start extends Shared {
  readonly process: WorkerProcess
  /** How it was started in a sandbox; null: in none. */
  readonly sandboxed: Sandboxed | null
}

/** Throws when the system refuses. */
export function bootWorker(command: Command, usesCgroups: boolean): Start {
  const sandboxed = command.sandbox ?? null
  let shared: Shared | null = null
  try {
    shared = openShared(usesCgroups)
    const env = { ...command.env, [WORKER_VARIABLE]: shared.group.name }
    return begun({ ...shared, process: spawnWorker({ ...command, env }, shared.journal.fd), sandboxed })
  } catch (error) {
    if (shared !== null) closeShared(shared)
    giveBack(sandboxed)
    throw error
  }
}

/** Throws when the system refuses. */
export function openShared(usesCgroups: boolean): Shared {
  requireSpareDescriptors()
  return { journal: new Journal(), group: new ProcessGroup(usesCgroups) }
}

/** No process has come of it. */
export function closeShared({ journal, group }: Shared): void {
  journal.close()
  group.clear()
}

/** There is a process: it and all that it starts will be found, and end with this one. */
export function begun(start: Start): Start {
  const { group, process } = start
  group.enclose(process.pid)
  registerGroup(process.pid, group.cgroupPath)
  return start
}

export function giveBack(sandboxed: Sandboxed | null): void {
  if (sandboxed === null) return
  if (sandboxed.folder !== null) removePrivateFolder(sandboxed.folder)
  returnUser(sandboxed.user)
}
