/** Processes as Linux lists them under /proc. One that ends while it is looked at is simply not there. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface ProcessStat {
  readonly pid: number
  readonly ppid: number
  /** User and system time of its own, in clock ticks. */
  readonly ownTicks: number
  /** The same of its children that have ended and were waited for, and of theirs. */
  readonly deadChildrenTicks: number
}

/** null when there is no such process. */
export function readStat(pid: number): ProcessStat | null {
  const stat = readOrNull(`/proc/${pid}/stat`)
  if (stat === null) return null
  // The name stands in parentheses and may hold anything, spaces and parentheses too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const number = (at: number): number => Number(fields[at])
  return { pid, ppid: number(1), ownTicks: number(11) + number(12), deadChildrenTicks: number(13) + number(14) }
}

/** A process and everything it started that is still its descendant. Empty when it is gone. */
export function readTree(rootPid: number): ProcessStat[] {
  const children = Map.groupBy(allStats(), ({ ppid }) => ppid)
  const root = readStat(rootPid)
  const tree = root === null ? [] : [root]
  // Grows while it is walked.
  for (const { pid } of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

/** Those that work inside a folder: a way to find what a gateway left behind, whoever its parent is by then. */
export function processesInside(folder: string): number[] {
  return allPids().filter((pid) => {
    const cwd = linkOrNull(`/proc/${pid}/cwd`)
    return cwd !== null && (cwd === folder || cwd.startsWith(`${folder}/`))
  })
}

/** The file that a process runs; null when it is gone. */
export function exeOf(pid: number): string | null {
  return linkOrNull(`/proc/${pid}/exe`)
}

function linkOrNull(path: string): string | null {
  try {
    return readlinkSync(path)
  } catch {
    return null
  }
}

function allStats(): ProcessStat[] {
  return allPids().flatMap((pid) => readStat(pid) ?? [])
}

function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

export function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
