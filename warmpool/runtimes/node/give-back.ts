/**
 * Gives memory back once a worker that was busy is idle. What V8 and its compilers took meanwhile they keep: new space
 * as large as the load needed it, and what compiling left in the C library's heaps; together a third of a small worker.
 * One full collection and `malloc_trim` return that. Both stop the worker for some ten milliseconds, and what was
 * compiled is compiled anew by the next time of work, some 60 ms: so they come only after a minute in which it did next to
 * nothing, once after each time of work, and the collection only where there is little to look at.
 */
import { cFunctions } from '../../wire/c-library.ts'
import { garbageCollector } from '../../wire/garbage-collector.ts'

/** CPU that an idle worker may use between two pings, and work after which there is something to give back. */
const IDLE_CPU_MS = 20
const WORK_CPU_MS = 50
const IDLE_MS = 60_000
/** A collection takes the longer the more is alive. */
const MAX_HEAP_BYTES = 32 * 1024 * 1024

const TRIM = { malloc_trim: { arguments: ['uint64'], return: 'int32' } } as const

/** How long it has been idle, and the CPU that this process has used in all: now, and when it last gave back. */
export interface Rest {
  readonly idleForMs: number
  readonly cpuMs: number
  readonly givenBackAtCpuMs: number
}

export function isGivingBackDue({ idleForMs, cpuMs, givenBackAtCpuMs }: Rest): boolean {
  return idleForMs >= IDLE_MS && cpuMs - givenBackAtCpuMs >= WORK_CPU_MS
}

let idleSinceMs = performance.now()
let cpuAtLastPingMs = usedCpuMs()
let givenBackAtCpuMs = cpuAtLastPingMs

/** To be called with every ping, which comes every few seconds; `calls` are those under way. */
export function giveBackWhenIdle(calls: { readonly size: number }): void {
  const nowMs = performance.now()
  const cpuMs = usedCpuMs()
  if (calls.size > 0 || cpuMs - cpuAtLastPingMs > IDLE_CPU_MS) idleSinceMs = nowMs
  cpuAtLastPingMs = cpuMs
  if (!isGivingBackDue({ idleForMs: nowMs - idleSinceMs, cpuMs, givenBackAtCpuMs })) return
  // The pong goes first.
  setImmediate(() => {
    if (calls.size > 0) return
    giveBack()
    cpuAtLastPingMs = usedCpuMs()
    givenBackAtCpuMs = cpuAtLastPingMs
  })
}

export function giveBack(): void {
  // Only of this flavor does it also shrink new space.
  if (process.memoryUsage().heapUsed <= MAX_HEAP_BYTES) garbageCollector()({ type: 'major', flavor: 'last-resort' })
  trimCHeap()
}

/** With glibc on Node 26; elsewhere freed memory stays where it is. */
function trimCHeap(): void {
  cFunctions(TRIM)?.malloc_trim(0n)
}

function usedCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
