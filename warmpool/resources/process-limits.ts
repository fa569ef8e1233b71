/**
 * Limits and priorities that the kernel keeps for single processes, set from outside on one that runs: each thread and
 * child that it starts afterwards has them, too. Without node:ffi (Node 24) there are none but the priority.
 */

import { readdirSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'
import { cFunctions } from '../wire/c-library.ts'

const FUNCTIONS = {
  prlimit: { arguments: ['int32', 'int32', 'pointer', 'pointer'], return: 'int32' },
  sched_setaffinity: { arguments: ['int32', 'uint64', 'pointer'], return: 'int32' },
} as const
// Linux on x64, arm64 and most others.
const RLIMIT_FSIZE = 1
const RLIMIT_NPROC = 6
const RLIMIT_NOFILE = 7
/** A set of processors as the C library has it: 1024 bits. */
const CPU_SET_BYTES = 128

export const USUAL_NICE = constants.priority.PRIORITY_NORMAL

let functions: ReturnType<typeof cFunctions<typeof FUNCTIONS>> | undefined

/** The most descriptors that one process may have open. False: it cannot be set here. */
export function limitOpenFiles(pid: number, count: number): boolean {
  return limit(pid, RLIMIT_NOFILE, count)
}

/** The longest file that one process may write. */
export function limitFileSize(pid: number, bytes: number): boolean {
  return limit(pid, RLIMIT_FSIZE, bytes)
}

/** The most processes and threads that its user may have. */
export function limitProcessesOfUser(pid: number, count: number): boolean {
  return limit(pid, RLIMIT_NPROC, count)
}

/**
 * Behind this process, as it stands itself, where it is less urgent than that. Of one thread: what it starts from now on has
 * it, too, and the collector's threads, which were there before, do not hold up its calls.
 */
export function standBehind(pid: number, nice: number): void {
  try {
    if (nice > getPriority()) setPriority(pid, nice)
  } catch {
    // It is gone.
  }
}

/** Only what has more rights than its user may make it more urgent than usual. */
export function setNice(pid: number, nice: number): boolean {
  return threadsOf(pid).every((thread) => {
    try {
      setPriority(thread, nice)
      return true
    } catch {
      return false
    }
  })
}

/** On which processors it may run, by their numbers. */
export function pinTo(pid: number, cores: readonly number[]): boolean {
  const set = Buffer.alloc(CPU_SET_BYTES)
  for (const core of cores) if (core < CPU_SET_BYTES * 8) set[core >> 3]! |= 1 << (core & 7)
  const known = load()
  return (
    known !== null &&
    threadsOf(pid).every((thread) => known.sched_setaffinity(thread, BigInt(CPU_SET_BYTES), set) === 0)
  )
}

function limit(pid: number, resource: number, most: number): boolean {
  const known = load()
  if (known === null) return false
  const pair = Buffer.alloc(16)
  pair.writeBigUInt64LE(BigInt(most), 0)
  pair.writeBigUInt64LE(BigInt(most), 8)
  return known.prlimit(pid, resource, pair, 0n) === 0
}

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number)
  } catch {
    return []
  }
}

function load(): ReturnType<typeof cFunctions<typeof FUNCTIONS>> {
  if (functions === undefined) functions = process.platform === 'linux' ? cFunctions(FUNCTIONS) : null
  return functions
}
