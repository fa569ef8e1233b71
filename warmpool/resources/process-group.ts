/**
 * A worker and everything that it has started, in whatever session and however far down: how much they hold together,
 * and their end. Where there is a cgroup the kernel knows who belongs to it; elsewhere they are found by their parents,
 * sessions and names, and remembered. Limits are the same with both: the kernel only notices sooner.
 */
import { type CpuShare, DEFAULT_FUNCTION_SETTINGS, type FunctionLimits } from '../settings.ts'
import type { Cgroup } from './cgroup.ts'
import { giveUpCgroups, openCgroup } from './cgroups.ts'
import { nextWorkerName, retireName } from './identity.ts'
import { limitFileSize, limitOpenFiles, limitProcessesOfUser, pinTo, setNice, standBehind } from './process-limits.ts'
import { childrenOf, type ProcessRecord, type ProcessTable, readProcess } from './process-table.ts'
import {
  collectStrays,
  endedHere,
  isGivenStrays,
  killProcess,
  leaveBehind,
  startedHere,
  straysOf,
  straysSeenOf,
} from './strays.ts'

/** What a group holds, at the last look. */
export interface GroupUsage {
  readonly rssBytes: number
  /** Threads counted one by one, as the kernel does. */
  readonly processes: number
  readonly cpuMs: number
}

/** What not every system lets us set. */
export type UnkeptSetting = 'limits.openFiles' | 'limits.disk' | 'cpu.weight' | 'cpu.nice' | 'cpu.cores'

/** What every cgroup begins with. */
const USUAL_WEIGHT = 100
/** What every process begins with, where this one does. */
const FIRST_NICE = 0
const USUAL_NICE = DEFAULT_FUNCTION_SETTINGS.cpu.nice
/** So that a look finds more than it may, and says so. */
const PROCESSES_BEYOND = 8
const NOTHING: GroupUsage = { rssBytes: 0, processes: 0, cpuMs: 0 }

export class ProcessGroup {
  /** In the environment of everything that belongs to it. */
  readonly name = nextWorkerName()
  usage = NOTHING
  /** At the last look there was more than the worker itself. */
  hasOthers = false
  #pid = 0
  #weight = USUAL_WEIGHT
  #nice = FIRST_NICE
  #launched: readonly number[] = []
  #cgroup: Cgroup | null
  #state: 'open' | 'enclosing' | 'enclosed' = 'open'
  #onEnclosed: (() => void) | null = null
  /** What the kernel had to say before its cgroup went. */
  #lastWords: { readonly isOutOfMemory: boolean; readonly isOutOfProcesses: boolean } | null = null
  /** Those that were seen, by when they started. Without a cgroup only. */
  readonly #known = new Map<number, number>()

  constructor(usesCgroups: boolean) {
    this.#cgroup = usesCgroups ? openCgroup(this.name) : null
    if (this.#cgroup === null || isGivenStrays()) collectStrays()
  }

  /** Told to the reaper; null: there is none, and what bears the name is to be looked for. */
  get cgroupPath(): string | null {
    return this.#cgroup?.path ?? null
  }

  /** It is found among all processes. */
  get needsTable(): boolean {
    return this.#cgroup === null
  }

  /** Its worker has been started. */
  enclose(pid: number): void {
    this.#pid = pid
    startedHere(pid)
    this.#know([pid])
    if (this.#cgroup === null) {
      this.#state = 'enclosed'
      return
    }
    this.#state = 'enclosing'
    void this.#enclose(pid, this.#cgroup)
  }

  /** It has booted. Calls back once everything that is started from now on will be found: at once, or soon. */
  whenEnclosed(then: () => void): void {
    if (this.#state === 'enclosing') this.#onEnclosed = () => void this.#takeLaunched().then(then)
    else void this.#takeLaunched().then(then)
  }

  /**
   * From now on. Returns the settings that nobody here can see to: all others hold, by the kernel or by looking.
   * `hasOwnUser`: nobody else's processes are its user's.
   */
  limit(limits: FunctionLimits, { weight, nice, cores }: CpuShare, hasOwnUser: boolean): UnkeptSetting[] {
    this.#cgroup?.limitMemory(limits.memoryBytes)
    this.#cgroup?.limitProcesses(limits.processes)
    const { openFiles, diskBytes, processes } = limits
    const pids = [this.#pid, ...this.#launched]
    if (hasOwnUser && Number.isFinite(processes))
      for (const pid of pids) limitProcessesOfUser(pid, processes + PROCESSES_BEYOND)
    const isKept: Readonly<Record<UnkeptSetting, boolean>> = {
      'limits.openFiles': !Number.isFinite(openFiles) || pids.every((pid) => limitOpenFiles(pid, openFiles)),
      'limits.disk': !Number.isFinite(diskBytes) || pids.every((pid) => limitFileSize(pid, diskBytes)),
      'cpu.weight': weight === USUAL_WEIGHT || this.#cgroup?.has('cpu') === true,
      'cpu.nice': nice === this.#nice || this.#setNice(pids, nice),
      'cpu.cores': cores.length === 0 || pids.every((pid) => pinTo(pid, cores)),
    }
    // One that is just dying has nothing to be limited.
    if (readProcess(this.#pid) === null) return []
    return Object.entries(isKept).flatMap(([name, kept]) => (kept ? [] : [name as UnkeptSetting]))
  }

  #setNice(pids: readonly number[], nice: number): boolean {
    const isUsual = nice === USUAL_NICE && this.#nice === FIRST_NICE
    this.#nice = nice
    if (!isUsual) return pids.every((pid) => setNice(pid, nice))
    for (const pid of pids) standBehind(pid, nice)
    return true
  }

  /** Its share of the processors, where that can be kept. */
  weigh(weight: number): void {
    if (weight === this.#weight) return
    this.#weight = weight
    this.#cgroup?.weigh(weight)
  }

  hasRunOutOfMemory(): boolean {
    return this.#lastWords?.isOutOfMemory ?? this.#cgroup?.hasRunOutOfMemory() === true
  }

  hasRunOutOfProcesses(): boolean {
    return this.#lastWords?.isOutOfProcesses ?? this.#cgroup?.hasRunOutOfProcesses() === true
  }

  /** @param table all processes, where {@link needsTable}; null: only those that are known already. */
  measure(table: ProcessTable | null): void {
    const members = this.#members(table)
    this.hasOthers = members.length > 1
    let rssBytes = 0
    let processes = 0
    let cpuMs = 0
    for (const record of members) {
      rssBytes += record.rssBytes
      processes += record.threads
      cpuMs += record.cpuMs
    }
    this.usage = { rssBytes, processes, cpuMs }
  }

  /** All of its processes, the worker included where it lives. */
  members(): number[] {
    return this.#members(null).map(({ pid }) => pid)
  }

  /** Asks a worker that another process has started to end, and what it has started itself. */
  askLaunched(): void {
    for (const pid of descendantsOf(this.#pid)) {
      try {
        process.kill(pid, 'SIGTERM')
      } catch {
        // It is gone.
      }
    }
  }

  /** Ends everything, the worker first: nothing new comes from it while the rest goes. */
  kill(): void {
    if (this.#cgroup !== null) return this.#cgroup.kill()
    const below = descendantsOf(this.#pid)
    killProcess(this.#pid)
    for (const pid of below) killProcess(pid)
    for (const { pid } of this.#alive()) killProcess(pid)
  }

  /** After the worker's exit: ends what it has left behind. True: nothing is left. */
  clear(): boolean {
    const isClear = this.#endAll()
    if (isClear) retireName(this.name)
    return isClear
  }

  #endAll(): boolean {
    endedHere(this.#pid)
    if (this.#cgroup !== null) {
      if (this.#state === 'open') return true
      if (this.#state === 'enclosing') return false
      this.#lastWords ??= { isOutOfMemory: this.hasRunOutOfMemory(), isOutOfProcesses: this.hasRunOutOfProcesses() }
      const isEmpty = this.#cgroup.members().length === 0
      if (isEmpty) this.#cgroup.remove()
      else this.#cgroup.kill()
      return isEmpty
    }
    leaveBehind(this.name)
    const left = [...this.#alive(), ...straysOf(this.name, this.#pid)].filter(({ pid }) => pid !== this.#pid)
    for (const { pid } of left) for (const one of [pid, ...descendantsOf(pid)]) killProcess(one)
    return left.every(({ isZombie }) => isZombie)
  }

  /** Of a launcher the worker itself is a child, and may have been there before the cgroup was. */
  async #takeLaunched(): Promise<void> {
    this.#launched = descendantsOf(this.#pid)
    this.#know(this.#launched)
    // One that has gone meanwhile needs none.
    for (const pid of this.#launched) await this.#cgroup?.enclose(pid).catch(() => {})
  }

  #giveUpCgroup(): void {
    giveUpCgroups()
    this.#cgroup?.remove()
    this.#cgroup = null
    collectStrays()
  }

  async #enclose(pid: number, cgroup: Cgroup): Promise<void> {
    try {
      await cgroup.enclose(pid)
    } catch (error) {
      // A process that is gone again needs none.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') this.#giveUpCgroup()
    }
    this.#state = 'enclosed'
    this.#onEnclosed?.()
  }

  #members(table: ProcessTable | null): ProcessRecord[] {
    if (this.#cgroup !== null) return this.#cgroup.members().flatMap((pid) => readProcess(pid) ?? [])
    if (table !== null) this.#remember(membersIn(table, this.#pid, this.#known, straysSeenOf(this.name, this.#pid)))
    return this.#alive()
  }

  #know(pids: readonly number[]): void {
    for (const pid of pids) {
      const record = readProcess(pid)
      if (record !== null) this.#known.set(pid, record.startedAt)
    }
  }

  #remember(members: readonly ProcessRecord[]): void {
    this.#known.clear()
    for (const { pid, startedAt } of members) this.#known.set(pid, startedAt)
  }

  /** Those of the known ones that still are who they were. */
  #alive(): ProcessRecord[] {
    return [...this.#known].flatMap(([pid, startedAt]) => {
      const record = readProcess(pid)
      return record?.startedAt === startedAt && !record.isZombie ? [record] : []
    })
  }
}

/** Who belongs to a worker: its session and group, who was known to, its strays, and all that these have started. */
export function membersIn(
  table: ProcessTable,
  workerPid: number,
  known: ReadonlyMap<number, number>,
  strays: readonly ProcessRecord[],
): ProcessRecord[] {
  const members = new Map<number, ProcessRecord>(strays.map((stray) => [stray.pid, stray]))
  for (const one of table.values()) {
    const isIts = one.pid === workerPid || one.session === workerPid || one.group === workerPid
    if (isIts || known.get(one.pid) === one.startedAt) members.set(one.pid, one)
  }
  for (let before = -1; before !== members.size; ) {
    before = members.size
    for (const one of table.values()) if (members.has(one.parent)) members.set(one.pid, one)
  }
  return [...members.values()].filter(({ isZombie }) => !isZombie)
}

function descendantsOf(pid: number): number[] {
  const found = [pid]
  // The list grows while it is walked. What has a child of its own number would be a system gone mad.
  for (const one of found) found.push(...(childrenOf(one) ?? []))
  return found.slice(1)
}
