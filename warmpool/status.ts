/** What the pool tells about itself: a snapshot of plain data, made on request, the same for people and machines. */
import type { StartKind } from './policy/scheduling.ts'
import type { Accounting } from './resources/cgroups.ts'
import type { Isolation, Network } from './settings.ts'
import type { Confined, Mechanism } from './wire/messages.ts'
import type { DeathReason, WorkerState } from './worker-state.ts'

export type { StartKind }

export interface WorkerStatus {
  readonly pid: number
  /** With its version, as it says itself: `bun 1.4.5`; empty until it has booted. */
  readonly runtime: string
  readonly state: WorkerState
  /** Invocations begun over its life. */
  readonly invocations: number
  readonly inFlight: number
  readonly ageMs: number
  /** Resident memory, its own and of all that it has started, at the last look; 0 before the first and where the system does not tell. */
  readonly rssBytes: number
  /** Processes and threads, its own and all that it has started, at the last look. */
  readonly processes: number
}

/** What keeps it from others, and which parts of that this machine does not have. */
export interface IsolationStatus {
  readonly profile: Isolation
  readonly network: Network
  /** As its workers say; null before the first has loaded it. */
  readonly inForce: readonly Mechanism[] | null
  readonly missing: Confined['missing']
}

export interface FunctionStatus {
  readonly name: string
  /** Runs of the same name count up from 1 with each new bundle. */
  readonly version: number
  /** The id of the live bundle. */
  readonly bundle: string
  readonly runtime: string
  readonly isolation: IsolationStatus
  /** What its invocations found: a warm worker, a blank that had to load, or nothing started. */
  readonly starts: Readonly<Record<StartKind, number>>
  readonly deaths: Readonly<Partial<Record<DeathReason, number>>>
  readonly invocations: number
  readonly errors: number
  /** Over the function's life, hand-over to last byte; null before the first invocation. */
  readonly latencyMs: { readonly p50: number | null; readonly p99: number | null }
  /** Invocations that wait for a worker right now. */
  readonly queue: number
  /** Set while the function cannot be started: why, and when the next try is allowed. */
  readonly unavailable: { readonly code: string; readonly message: string; readonly retryInMs: number } | null
  readonly workers: readonly WorkerStatus[]
}

export interface PoolStatus {
  readonly pool: {
    readonly blanks: number
    readonly starting: number
    /** All processes, blanks included. */
    readonly workers: number
    readonly memoryBytes: number
    readonly maxWorkers: number
    readonly memoryLimitBytes: number
    /** Who sees to what workers start and use: the kernel, or looking at all processes once a second. */
    readonly accounting: Accounting
    readonly deaths: Readonly<Partial<Record<DeathReason, number>>>
  }
  readonly functions: readonly FunctionStatus[]
}
