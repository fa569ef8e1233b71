/** What the pool tells whoever listens, as typed events. Nothing waits for a listener. */
import type { UnkeptSetting } from './resources/process-group.ts'
import type { Confined, ErrorReport } from './wire/messages.ts'
import type { DeathReason, WorkerState } from './worker-state.ts'

/** `function` is null while the process is a blank. */
interface WorkerEvent {
  readonly function: string | null
  readonly pid: number
}

export interface StartEvent extends WorkerEvent {}

export interface LoadedEvent extends WorkerEvent {
  readonly loadMs: number
  /** As the worker says it: `fetch`, and `node 26.10.0`. */
  readonly format: string
  readonly runtime: string
  /** What was taken from it; null for what is trusted. */
  readonly confined: Confined | null
}

/** A worker is about to be replaced; its death follows. */
export interface RecycleEvent extends WorkerEvent {
  readonly reason: DeathReason
}

export interface DeathEvent extends WorkerEvent {
  readonly reason: DeathReason
  readonly during: WorkerState
  readonly invocations: number
  readonly exitCode: number | null
  readonly signal: string | null
  /** For people: `crash during busy (exit code 1)`. */
  readonly description: string
}

export interface LoadFailedEvent extends WorkerEvent {
  readonly report: ErrorReport
}

/** The function runs without these settings: this system does not let us see to them. */
export interface UnkeptEvent extends WorkerEvent {
  readonly settings: readonly UnkeptSetting[]
}

/** The functions' minimums (`minWorkers`) need more workers than the pool has places: it shares what it has. */
export interface ShortageEvent {
  /** Workers that all functions' minimums ask for together, and how many functions ask. */
  readonly wanted: number
  readonly functions: number
  /** Workers for which there is room: by `maxWorkers`, or by `memoryBytes` and what a worker needs. */
  readonly places: number
  readonly maxWorkers: number
  readonly memoryBytes: number
}

export interface LogEvent extends WorkerEvent {
  readonly stream: 'stdout' | 'stderr'
  readonly line: string
}

export interface PoolEvents {
  start: [StartEvent]
  loaded: [LoadedEvent]
  recycle: [RecycleEvent]
  death: [DeathEvent]
  'load-failed': [LoadFailedEvent]
  unkept: [UnkeptEvent]
  shortage: [ShortageEvent]
  log: [LogEvent]
}
