/**
 * Processes as the system tells of them in /proc: one, all, or the children of one. What is asked from outside cannot be
 * lied about. Everything here answers "nothing" for what is gone, and on systems without /proc.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { pageBytes } from '../memory.ts'

/** Ticks of a second in which Linux tells times to programs, on every machine that Node runs on. */
const TICKS_PER_SECOND = 100

export interface ProcessRecord {
  readonly pid: number
  /** It has ended, and its parent has not looked yet. */
  readonly isZombie: boolean
  readonly parent: number
  readonly group: number
  readonly session: number
  /** Of itself and of its children that have ended. */
  readonly cpuMs: number
  readonly threads: number
  /** In ticks since the machine started: with the number, which process it is. */
  readonly startedAt: number
  readonly rssBytes: number
}

export type ProcessTable = ReadonlyMap<number, ProcessRecord>

/** Null: there is no such process. */
export function readProcess(pid: number): ProcessRecord | null {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return null
  }
  // The name before may hold anything, spaces and parentheses included.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const number = (at: number): number => Number(fields[at])
  return {
    pid,
    isZombie: fields[0] === 'Z' || fields[0] === 'X',
    parent: number(1),
    group: number(2),
    session: number(3),
    cpuMs: ((number(11) + number(12) + number(13) + number(14)) * 1000) / TICKS_PER_SECOND,
    threads: number(17),
    startedAt: number(19),
    rssBytes: number(21) * pageBytes(),
  }
}

export function readProcesses(): ProcessTable {
  const table = new Map<number, ProcessRecord>()
  for (const pid of numbersIn('/proc')) {
    const record = readProcess(pid)
    if (record !== null) table.set(pid, record)
  }
  return table
}

/** Those that it started and those that it took over, by all its threads; null where the system does not tell. */
export function childrenOf(pid: number): number[] | null {
  const children: number[] = []
  try {
    for (const thread of numbersIn(`/proc/${pid}/task`)) {
      const listed = readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1')
      for (const child of listed.split(' ')) if (child !== '') children.push(Number(child))
    }
  } catch {
    return null
  }
  return children
}

/** A variable in the environment that a process was started with; null where there is none or it may not be read. */
export function variableOf(pid: number, name: string): string | null {
  try {
    const environment = `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`
    const start = environment.indexOf(`\0${name}=`)
    if (start < 0) return null
    const valueStart = start + name.length + 2
    const end = environment.indexOf('\0', valueStart)
    return environment.slice(valueStart, end < 0 ? undefined : end)
  } catch {
    return null
  }
}

function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder).flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))
  } catch {
    return []
  }
}
