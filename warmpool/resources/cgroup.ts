/**
 * One worker's cgroup: the kernel's own list of what the worker is and has started, with limits that the kernel keeps.
 * Versions 1 and 2 differ in names of files only, and not every machine has every controller: what is not there is done
 * by looking at the processes from outside (process-group.ts).
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir, rmdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Controller, Hierarchy } from './cgroup-hierarchies.ts'
import { isLeftBehind } from './identity.ts'

const REMOVE_AGAIN_MS = 50
const MOST_REMOVALS = 20
const PREFIX = 'wrangler-free-'
/** What version 1 calls the weight 100 of version 2. */
const SHARES_OF_WEIGHT_100 = 1024

interface Folder extends Hierarchy {
  /** Of the worker's own cgroup in this hierarchy. */
  readonly path: string
}

export class Cgroup {
  /** The first lists the processes. */
  readonly #folders: readonly Folder[]
  #memoryBytes = Number.POSITIVE_INFINITY

  constructor(hierarchies: readonly Hierarchy[], workerName: string) {
    this.#folders = hierarchies.map((one) => ({ ...one, path: join(one.folder, `${PREFIX}${workerName}`) }))
  }

  /** In which what is in it is listed and can be ended: told to the reaper. */
  get path(): string {
    return this.#folders[0]!.path
  }

  /** Whether the kernel keeps this limit. */
  has(controller: Controller): boolean {
    return this.#with(controller) !== undefined
  }

  /**
   * Makes it, and moves a process in: what that starts from then on is in it, too. Moving waits for all processors, and
   * making and removing for whoever moves: 12 ms, and none of it on this thread.
   */
  async enclose(pid: number): Promise<void> {
    await Promise.all(
      this.#folders.map(async ({ path }) => {
        await mkdir(path, { recursive: true })
        await writeFile(join(path, 'cgroup.procs'), String(pid))
      }),
    )
  }

  members(): number[] {
    return numbersIn(join(this.path, 'cgroup.procs'))
  }

  /** `Infinity`: none. */
  limitMemory(bytes: number): void {
    const folder = this.#with('memory')
    if (folder === undefined || bytes === this.#memoryBytes) return
    if (folder.version === 2) {
      tell(folder, 'memory.max', Number.isFinite(bytes) ? bytes : 'max')
      tell(folder, 'memory.swap.max', Number.isFinite(bytes) ? 0 : 'max')
      // Half a function is worth nothing: all of it goes.
      tell(folder, 'memory.oom.group', 1)
    } else {
      // With swap it is never less than without: so that is out of the way first.
      if (Number.isFinite(this.#memoryBytes)) tell(folder, 'memory.memsw.limit_in_bytes', -1)
      tell(folder, 'memory.limit_in_bytes', Number.isFinite(bytes) ? bytes : -1)
      if (Number.isFinite(bytes)) tell(folder, 'memory.memsw.limit_in_bytes', bytes)
    }
    this.#memoryBytes = bytes
  }

  limitProcesses(count: number): void {
    const folder = this.#with('pids')
    if (folder !== undefined) tell(folder, 'pids.max', Number.isFinite(count) ? count : 'max')
  }

  /** Its share of a busy machine's processors; 100 is what everybody has. */
  weigh(weight: number): void {
    const folder = this.#with('cpu')
    if (folder === undefined) return
    if (folder.version === 2) tell(folder, 'cpu.weight', weight)
    else tell(folder, 'cpu.shares', Math.max(2, Math.round((weight * SHARES_OF_WEIGHT_100) / 100)))
  }

  /** Whether the kernel has ended a process in it for want of memory. */
  hasRunOutOfMemory(): boolean {
    const folder = this.#with('memory')
    if (folder === undefined) return false
    return counterIn(folder, folder.version === 2 ? 'memory.events' : 'memory.oom_control', 'oom_kill') > 0
  }

  /** Whether the kernel has refused it a process. */
  hasRunOutOfProcesses(): boolean {
    const folder = this.#with('pids')
    return folder !== undefined && counterIn(folder, 'pids.events', 'max') > 0
  }

  /** Ends everything in it, whatever session it is in. */
  kill(): void {
    killAllIn(this.path)
  }

  /** Nothing may be in it any more. */
  remove(): void {
    for (const { path } of this.#folders) void removeFolder(path)
  }

  #with(controller: Controller): Folder | undefined {
    return this.#folders.find(({ controllers }) => controllers.has(controller))
  }
}

/** Ends and removes what processes that are gone have left behind. */
export function sweepCgroups(hierarchies: readonly Hierarchy[]): void {
  for (const { folder } of hierarchies) {
    for (const path of cgroupsIn(folder)) {
      if (!isLeftBehind(basename(path).slice(PREFIX.length))) continue
      killAllIn(path)
      void removeFolder(path)
    }
  }
}

function cgroupsIn(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap((name) => (name.startsWith(PREFIX) ? [join(folder, name)] : []))
  } catch {
    return []
  }
}

function killAllIn(path: string): void {
  try {
    writeFileSync(join(path, 'cgroup.kill'), '1', { flag: 'r+' })
    return
  } catch {
    // Version 1, or a kernel before 5.14.
  }
  for (const pid of numbersIn(join(path, 'cgroup.procs'))) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It is gone.
    }
  }
}

/** What was in it a moment ago may hold it a little longer. What cannot be removed is left to the next sweep. */
async function removeFolder(path: string): Promise<void> {
  for (let tries = 0; tries < MOST_REMOVALS; tries++) {
    try {
      return await rmdir(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') return
      await setTimeout(REMOVE_AGAIN_MS, undefined, { ref: false })
    }
  }
}

/** What a controller does not have or refuses is looked after from outside. */
function tell({ path }: Folder, file: string, value: number | string): void {
  try {
    writeFileSync(join(path, file), String(value))
  } catch {
    // No such file in this kernel, or less than what is used already.
  }
}

function counterIn({ path }: Folder, file: string, name: string): number {
  try {
    const text = readFileSync(join(path, file), 'latin1')
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
  } catch {
    return 0
  }
}

function numbersIn(file: string): number[] {
  try {
    return readFileSync(file, 'latin1').split('\n').filter(Boolean).map(Number)
  } catch {
    return []
  }
}
