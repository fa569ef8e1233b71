/**
 * What one worker and everything that it has started use, look by look, and whether that is more than its function may:
 * memory, processes, disk, and the processor time since its last answer. It looks and answers; who must go is ended
 * elsewhere.
 */
import { describeExcess, type Excess, excessOf } from './policy/limits.ts'
import {
  callsUntilSample,
  type MemoryLimits,
  type MemorySample,
  type MemoryState,
  mayTakeMore,
  perCallBytes,
} from './policy/memory-growth.ts'
import type { MemorySamples } from './policy/recycling.ts'
import { FolderSize } from './resources/folder-size.ts'
import type { ProcessGroup, UnkeptSetting } from './resources/process-group.ts'
import type { ProcessTable } from './resources/process-table.ts'
import type { FunctionLimits, FunctionSettings } from './settings.ts'
import type { WorkerState } from './worker-state.ts'

/** What its worker is at, and has done so far. */
export interface Work {
  readonly state: WorkerState
  /** Handed over, in its whole life. */
  readonly invocations: number
  readonly inFlight: number
}

export class WorkerUsage {
  readonly #group: ProcessGroup
  readonly #work: Work
  #temporaryFolder: FolderSize | null = null
  /** None before it has a function. */
  #limits: FunctionLimits | null = null
  /** Processor time of its group when it was last seen idle or to have answered since the look before. */
  #cpuMsAtAnswer = 0
  #answered = 0
  #rssBytesBefore = 0
  #memorySample: MemorySample | null = null
  #perCallBytes = 0
  /** -1: it was at something. */
  #invocationsAtLook = -1

  constructor(group: ProcessGroup, work: Work) {
    this.#group = group
    this.#work = work
  }

  /** At the last look. */
  get rssBytes(): number {
    return this.#group.usage.rssBytes
  }

  get memory(): MemorySamples {
    return { bytes: this.rssBytes, bytesBefore: this.#rssBytesBefore }
  }

  /** Something limits it, and what it ends of can be its own doing. */
  get isLimited(): boolean {
    return this.#limits !== null
  }

  /** What it may use from now on. Returns the settings that cannot be kept here. */
  limit({ limits, cpu }: FunctionSettings, hasOwnUser: boolean): UnkeptSetting[] {
    this.#limits = limits
    return this.#group.limit(limits, cpu, hasOwnUser)
  }

  /** What lies in this folder counts as its use of the disk. */
  watchFolder(path: string): void {
    this.#temporaryFolder = new FolderSize(path)
  }

  look(table: ProcessTable | null): void {
    const { state, invocations, inFlight } = this.#work
    this.#rssBytesBefore = this.rssBytes
    this.#group.measure(table)
    this.#invocationsAtLook = inFlight > 0 || state === 'loading' ? -1 : invocations
    void this.#temporaryFolder?.look(this.#limits?.diskBytes ?? 0)
    const answered = invocations - inFlight
    if (inFlight > 0 && answered === this.#answered) return
    this.#answered = answered
    this.#cpuMsAtAnswer = this.#group.usage.cpuMs
  }

  /** Memory alone, of the processes that are known: after how many calls more it is to be sampled again. */
  sampleMemory(limits: MemoryLimits): number {
    this.#group.measure(null)
    const { invocations, inFlight } = this.#work
    const sample = { bytes: this.rssBytes, ended: invocations - inFlight }
    if (this.#memorySample !== null) this.#perCallBytes = perCallBytes(this.#memorySample, sample, this.#perCallBytes)
    this.#memorySample = sample
    return callsUntilSample(this.#memoryState, limits, invocations)
  }

  /** False: with one call more it could reach the limit at which it is ended. */
  mayTakeMore(limits: MemoryLimits): boolean {
    return mayTakeMore(this.#memoryState, limits)
  }

  /** It could reach its limit before the next look, at the rate at which it has grown since the last. */
  get isGrowingFast(): boolean {
    if (this.#limits === null) return false
    const { rssBytes } = this
    return rssBytes + 2 * (rssBytes - this.#rssBytesBefore) > this.#limits.memoryBytes
  }

  get #memoryState(): MemoryState {
    return { bytes: this.rssBytes, perCallBytes: this.#perCallBytes, inFlight: this.#work.inFlight }
  }

  /** It has been alone, and has had nothing to do, since it was last looked at. */
  get isQuiet(): boolean {
    const { invocations, inFlight } = this.#work
    return invocations === this.#invocationsAtLook && inFlight === 0 && !this.#group.hasOthers
  }

  /** What it has used more of than it may, at the last look: it must go. */
  get excess(): Excess | null {
    if (this.#limits === null || this.isQuiet) return null
    const { rssBytes, processes, cpuMs } = this.#group.usage
    return excessOf(
      {
        rssBytes,
        processes,
        cpuMs: this.#work.inFlight > 0 ? cpuMs - this.#cpuMsAtAnswer : 0,
        diskBytes: this.#temporaryFolder?.bytes ?? 0,
        isOutOfMemory: this.#group.hasRunOutOfMemory(),
        isOutOfProcesses: this.#group.hasRunOutOfProcesses(),
      },
      this.#limits,
    )
  }

  /** What the kernel has seen run out, where it looks after that. */
  get seenByKernel(): Excess | null {
    if (this.#group.hasRunOutOfMemory()) return 'out-of-memory'
    return this.#group.hasRunOutOfProcesses() ? 'too-many-processes' : null
  }

  describe(excess: Excess): string {
    return describeExcess(excess, this.#limits!)
  }
}
