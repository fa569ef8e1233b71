/**
 * Makes every thread of this process make the same system calls. Rights are a thread's own on Linux, and a runtime has
 * threads before any code of ours runs: what is taken from the main thread alone would still be theirs, and native code
 * of a function reaches them (it shares their memory). They are made to by a signal whose handler is the calls
 * themselves, as the C library does for `setuid`: all others at the same time, and then this one.
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
/** Where in the data page the errors, the count, the new and the old action lie. */
const ERRORS_AT = 0
const COUNT_AT = 256
const NEW_ACTION_AT = 512
const OLD_ACTION_AT = 1024
const PATIENCE_MS = 2_000

/** For each call an error of some thread, less than 0, or 0. Throws an error that says how many threads did not answer. */
export function onEveryThread(kernel: Kernel, tgkill: number, calls: readonly ThreadCall[]): number[] {
  const { code, data, library } = kernel
  const { buffer, byteOffset } = data.memory
  const errors = new BigInt64Array(buffer, byteOffset + ERRORS_AT, calls.length).fill(0n)
  const count = new BigInt64Array(buffer, byteOffset + COUNT_AT, 1).fill(0n)
  const at = (offset: number): bigint => data.address + BigInt(offset)
  const fixed = calls.map((call, index) => ({ ...call, errorAt: at(ERRORS_AT + 8 * index) }))
  code.memory.set(machineCode(process.arch, fixed, at(COUNT_AT)))
  // Never writable and executable at once; and a processor with a cache for code sees it anew.
  protect(kernel, READABLE_EXECUTABLE)
  data.memory.fill(0, NEW_ACTION_AT, NEW_ACTION_AT + ACTION_BYTES)
  data.memory.writeBigUInt64LE(code.address, NEW_ACTION_AT)
  data.memory.writeInt32LE(SA_RESTART, NEW_ACTION_AT + FLAGS_AT)
  library.sigaction(SIGNAL, at(NEW_ACTION_AT), at(OLD_ACTION_AT))
  try {
    askAll(kernel, tgkill, count)
  } finally {
    library.sigaction(SIGNAL, at(OLD_ACTION_AT), 0n)
    protect(kernel, READABLE_WRITABLE)
    code.memory.fill(0)
  }
  return [...errors].map(Number)
}

function protect({ library, code }: Kernel, protection: number): void {
  if (library.mprotect(code.address, BigInt(code.memory.length), protection) !== 0)
    throw new Error('memory cannot be made executable')
}

/** This thread, which is the first, comes last: what it starts afterwards has what it has. */
function askAll(kernel: Kernel, tgkill: number, count: BigInt64Array): void {
  const asked = new Set<number>([process.pid])
  let answers = 0
  const ask = (thread: number): void => {
    asked.add(thread)
    // One that has ended meanwhile is asked in vain.
    if (kernel.call(tgkill, process.pid, thread, SIGNAL) === 0) answers++
  }
  for (;;) {
    const left = readdirSync('/proc/self/task')
      .map(Number)
      .filter((thread) => !asked.has(thread))
    if (left.length === 0) break
    for (const thread of left) ask(thread)
    awaitAnswers(kernel, count, answers)
  }
  ask(process.pid)
  awaitAnswers(kernel, count, answers)
}

function awaitAnswers({ library }: Kernel, count: BigInt64Array, wanted: number): void {
  const deadlineMs = performance.now() + PATIENCE_MS
  while (Atomics.load(count, 0) < BigInt(wanted)) {
    library.sched_yield()
    if (performance.now() > deadlineMs)
      throw new Error(`${wanted - Number(count[0])} threads did not take their rights away`)
  }
}
