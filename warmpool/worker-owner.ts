/** What a worker tells whoever owns it. The owner changes with its life: the blanks' shelf, then a function's pool. */
import type { InvocationFailure } from './failure.ts'
import type { Invocation } from './invocation.ts'
import type { ErrorReport } from './wire/messages.ts'
import type { Worker } from './worker.ts'

export interface WorkerOwner {
  onBooted(worker: Worker): void
  onLoaded(worker: Worker): void
  /** The function's fault; the worker is on its way out. */
  onLoadFailed(worker: Worker, report: ErrorReport): void
  /** It asks to be replaced, and finishes what it has. */
  onRetiring(worker: Worker): void
  /** An invocation ended (with a failure, or well) and its slot is free. */
  onFreed(worker: Worker, invocation: Invocation, failure: InvocationFailure | null, nowMs: number): void
  /** It is gone; these had not ended, in the order in which they were handed over. */
  onDied(worker: Worker, orphans: readonly Invocation[]): void
  /** It could go now without anybody noticing at once. */
  isSpare(worker: Worker): boolean
  /** How many serving workers beyond its minimum its owner has; 0 when this one serves nobody. */
  surplusOf(worker: Worker): number
  /** What another start of what it serves would take. */
  readonly usualLoadMs: number
  /** Another function needs its place. */
  evict(worker: Worker, nowMs: number): void
  onLog(worker: Worker, stream: 'stdout' | 'stderr', line: string): void
}
