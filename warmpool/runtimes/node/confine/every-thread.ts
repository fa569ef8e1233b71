/**
 * Makes every thread of this process make the same system calls. Rights are a thread's own on Linux, and a runtime has
 * threads before any code of ours runs: what is taken from the main thread alone would still be theirs, and native code
 * of a function reaches them (it shares their memory). They are made to by a signal whose handler is the calls
 * themselves, as the C library does for `setuid`: all others at the same time, and then this one. The handler can be
 * there long before; it is called once.
 */
import { readdirSync } from 'node:fs'
import type { Kernel } from './kernel.ts'
import { machineCode } from './machine-code.ts'

export interface ThreadCall {
  readonly number: number
  readonly arguments: readonly bigint[]
}

/** The C libraries' own for the same purpose, since all of their threads take it; some of Bun's and Node's block all others. */
const SIGNAL = 33
/** Asks whether a thread is there, and no more. */
const NO_SIGNAL = 0
const SA_RESTART = 0x1000_0000n
const SA_RESTORER = 0x0400_0000n
const MASK_BYTES = 8
const READABLE_EXECUTABLE = 5
const READABLE_WRITABLE = 3
/** Where in the data page the errors, the count, the new and the old action lie. */
const ERRORS_AT = 0
const MAX_CALLS = 4
const COUNT_AT = 64
const NEW_ACTION_AT = 128
const OLD_ACTION_AT = 192
const PATIENCE_MS = 2_000

export class EveryThread {
  readonly #kernel: Kernel
  readonly #errors: BigInt64Array
  readonly #count: BigInt64Array
  #isArmed = false

  constructor(kernel: Kernel) {
    const { buffer, byteOffset } = kernel.data.memory
    this.#kernel = kernel
    this.#errors = new BigInt64Array(buffer, byteOffset + ERRORS_AT, MAX_CALLS)
    this.#count = new BigInt64Array(buffer, byteOffset + COUNT_AT, 1)
  }

  /** Puts the calls in place of those that were there. Throws an error in words. */
  arm(calls: readonly ThreadCall[]): void {
    const { code, data } = this.#kernel
    const at = (offset: number): bigint => data.address + BigInt(offset)
    const fixed = calls.map((call, index) => ({ ...call, errorAt: at(ERRORS_AT + 8 * index) }))
    const { bytes, restorerAt } = machineCode(process.arch, fixed, at(COUNT_AT))
    // Never writable and executable at once; and a processor with a cache for code sees it anew.
    this.#protect(READABLE_WRITABLE)
    code.memory.set(bytes)
    this.#protect(READABLE_EXECUTABLE)
    if (this.#isArmed) return
    // The kernel's own `struct sigaction`: handler, flags, restorer, mask.
    const restorer = restorerAt === null ? 0n : code.address + BigInt(restorerAt)
    const action = [code.address, restorer === 0n ? SA_RESTART : SA_RESTART | SA_RESTORER, restorer, 0n]
    for (const [index, value] of action.entries()) data.memory.writeBigUInt64LE(value, NEW_ACTION_AT + 8 * index)
    if (this.#setAction(NEW_ACTION_AT, at(OLD_ACTION_AT)) !== 0) throw new Error('a signal cannot be had')
    this.#isArmed = true
  }

  /** Nobody is made to do anything by that signal any more. */
  disarm(): void {
    if (this.#isArmed) this.#setAction(OLD_ACTION_AT, 0n)
    this.#isArmed = false
  }

  /** For each call an error of some thread, less than 0, or 0. Throws an error that says how many did not answer. */
  call(): number[] {
    this.#askAll(SIGNAL)
    this.disarm()
    return Array.from(this.#errors, Number)
  }

  /** Goes through all but the calls, so that it is compiled by the time it is needed. */
  rehearse(): void {
    this.#askAll(NO_SIGNAL)
  }

  #protect(protection: number): void {
    const { code, processor, call } = this.#kernel
    if (call(processor.numbers.mprotect!, code.address, code.memory.length, protection) !== 0)
      throw new Error('memory cannot be made executable')
  }

  #setAction(offset: number, oldAt: bigint): number {
    const { data, processor, call } = this.#kernel
    return call(processor.numbers.rt_sigaction!, SIGNAL, data.address + BigInt(offset), oldAt, MASK_BYTES)
  }

  /** This thread, which is the first, comes last: what it starts afterwards has what it has. */
  #askAll(signal: number): void {
    const asked = new Set<number>([process.pid])
    let answers = 0
    const ask = (thread: number): void => {
      asked.add(thread)
      const { processor, call } = this.#kernel
      // One that has ended meanwhile is asked in vain.
      if (call(processor.numbers.tgkill!, process.pid, thread, signal) === 0 && signal !== NO_SIGNAL) answers++
    }
    for (;;) {
      const left = readdirSync('/proc/self/task')
        .map(Number)
        .filter((thread) => !asked.has(thread))
      if (left.length === 0) break
      for (const thread of left) ask(thread)
      this.#awaitAnswers(answers)
    }
    ask(process.pid)
    this.#awaitAnswers(answers)
  }

  #awaitAnswers(wanted: number): void {
    const { processor, call } = this.#kernel
    const deadlineMs = performance.now() + PATIENCE_MS
    while (Atomics.load(this.#count, 0) < BigInt(wanted)) {
      call(processor.numbers.sched_yield!)
      if (performance.now() > deadlineMs)
        throw new Error(`${wanted - Number(this.#count[0])} threads did not take their rights away`)
    }
  }
}
