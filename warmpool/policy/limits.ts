/**
 * Whether a worker, with everything that it has started, has used more than its function may: then it is ended at once.
 * The same whether the kernel keeps the limit or a look from outside has found it exceeded.
 */
import type { FunctionLimits } from '../settings.ts'

/** Ends of a life by a limit, and what callers are told. */
export const EXCESSES = ['out-of-memory', 'out-of-cpu-time', 'too-many-processes', 'out-of-disk'] as const

export type Excess = (typeof EXCESSES)[number]

export interface LimitedUsage {
  readonly rssBytes: number
  readonly processes: number
  /** Since its last answer, while it has a call. */
  readonly cpuMs: number
  readonly diskBytes: number
  /** The kernel has ended one of its processes for want of memory. */
  readonly isOutOfMemory: boolean
  /** The kernel has refused it one. */
  readonly isOutOfProcesses: boolean
}

export function excessOf(usage: LimitedUsage, limits: FunctionLimits): Excess | null {
  if (usage.isOutOfMemory) return 'out-of-memory'
  // Before memory: of so many, what they share is counted many times.
  if (usage.isOutOfProcesses || usage.processes > limits.processes) return 'too-many-processes'
  if (usage.rssBytes > limits.memoryBytes) return 'out-of-memory'
  if (usage.cpuMs > limits.cpuTimeMs) return 'out-of-cpu-time'
  if (usage.diskBytes > limits.diskBytes) return 'out-of-disk'
  return null
}

export function isExcess(reason: string | null): reason is Excess {
  return EXCESSES.includes(reason as Excess)
}

/** What happened, for the log and for the caller. */
export function describeExcess(excess: Excess, limits: FunctionLimits): string {
  switch (excess) {
    case 'out-of-memory':
      return `it and what it had started needed more than ${mebibytes(limits.memoryBytes)} of memory`
    case 'too-many-processes':
      return `it and what it had started wanted more than ${limits.processes} processes and threads`
    case 'out-of-cpu-time':
      return `it used more than ${limits.cpuTimeMs} ms of processor time without an answer`
    case 'out-of-disk':
      return `its temporary folder grew beyond ${mebibytes(limits.diskBytes)}`
  }
}

function mebibytes(bytes: number): string {
  return `${Math.round((bytes / 1024 / 1024) * 10) / 10} MiB`
}
