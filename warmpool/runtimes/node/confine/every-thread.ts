/**
 * Makes every thread of this process make the same system calls. Rights are a thread's own on Linux, and a runtime has
 * threads before any code of ours runs: what is taken from the main thread alone would still be theirs, and native code
 * of a function reaches them (it shares their memory). They are made to by a signal whose handler is the calls
 * themselves, one thread after the other, as the C library does for `setuid`.
 */
import { readdirSync } from 'node:fs'
import type { Kernel } from './kernel.ts'
import { machineCode } from './machine-code.ts'

export interface ThreadCall {
  readonly number: number
  readonly arguments: readonly bigint[]
}

/** One that neither the C library nor a runtime has a use for. */
const SIGNAL = 63
const SA_RESTART = 0x1000_0000
/** `struct sigaction` of the C libraries: handler, 128 bytes of mask, flags, restorer. */
const ACTION_BYTES = 152
const FLAGS_AT = 136
const READABLE_EXECUTABLE = 5
const READABLE_WRITABLE = 3
/** Where in the data page results, the new and the old action lie. */
const RESULTS_AT = 0
const NEW_ACTION_AT = 512
const OLD_ACTION_AT = 1024
/** What no system call returns. */
const NOT_YET = 2n ** 62n
const PATIENCE_MS = 2_000

/**
 * For each call the worst result of any thread: 0, or less than 0: the error's number. Throws an error that says which
 * thread did not answer.
 */
export function onEveryThread(kernel: Kernel, tgkill: number, calls: readonly ThreadCall[]): number[] {
  const { code, data, library } = kernel
  const results = new BigInt64Array(data.memory.buffer, data.memory.byteOffset + RESULTS_AT, calls.length)
  const at = (offset: number): bigint => data.address + BigInt(offset)
  const fixed = calls.map((call, index) => ({ ...call, resultAt: at(RESULTS_AT + 8 * index) }))
  code.memory.set(machineCode(process.arch, fixed))
  // Never writable and executable at once; and a processor with a cache for code sees it anew.
  protect(kernel, READABLE_EXECUTABLE)
  data.memory.fill(0, NEW_ACTION_AT, NEW_ACTION_AT + ACTION_BYTES)
  data.memory.writeBigUInt64LE(code.address, NEW_ACTION_AT)
  data.memory.writeInt32LE(SA_RESTART, NEW_ACTION_AT + FLAGS_AT)
  library.sigaction(SIGNAL, at(NEW_ACTION_AT), at(OLD_ACTION_AT))
  try {
    return worstOf(calls.length, eachThread(kernel, tgkill, results))
  } finally {
    library.sigaction(SIGNAL, at(OLD_ACTION_AT), 0n)
    protect(kernel, READABLE_WRITABLE)
    code.memory.fill(0)
  }
}

function protect({ library, code }: Kernel, protection: number): void {
  if (library.mprotect(code.address, BigInt(code.memory.length), protection) !== 0)
    throw new Error('memory cannot be made executable')
}

/** This thread, which is the first, comes last: what it starts afterwards has what it has. */
function* eachThread(kernel: Kernel, tgkill: number, results: BigInt64Array): Generator<BigInt64Array> {
  const done = new Set<number>()
  for (;;) {
    const threads = readdirSync('/proc/self/task').map(Number)
    const left = threads.filter((thread) => thread !== process.pid && !done.has(thread))
    for (const thread of left) {
      yield askThread(kernel, tgkill, thread, results)
      done.add(thread)
    }
    if (left.length === 0) break
  }
  yield askThread(kernel, tgkill, process.pid, results)
}

function askThread(kernel: Kernel, tgkill: number, thread: number, results: BigInt64Array): BigInt64Array {
  results.fill(NOT_YET)
  const last = results.length - 1
  if (kernel.call(tgkill, process.pid, thread, SIGNAL) < 0) return results.fill(0n)
  const deadlineMs = performance.now() + PATIENCE_MS
  while (Atomics.load(results, last) === NOT_YET) {
    kernel.library.sched_yield()
    if (performance.now() > deadlineMs) throw new Error(`the thread ${thread} did not take its rights away`)
  }
  return results
}

function worstOf(count: number, all: Iterable<BigInt64Array>): number[] {
  const worst = new Array<number>(count).fill(0)
  for (const results of all)
    for (let index = 0; index < count; index++) worst[index] = Math.min(worst[index]!, Number(results[index]))
  return worst
}
