/**
 * Makes every thread of this process make the same system calls. Rights are a thread's own on Linux, and a runtime has
 * threads before any code of ours runs: what is taken from the main thread alone would still be theirs, and native code
 * of a function reaches them (it shares their memory). They are made to by a signal whose handler is the calls
 * themselves, as the C library does for `setuid`: all others at the same time, and then this one. The handler can be
 * there long before; it is called once.
 */
import { readdirSync } from 'node:fs'
import type { Kernel } from './kernel.ts'

export interface ThreadCall {
  readonly number: number
  readonly arguments: readonly bigint[]
}

/** The C libraries' own for the same purpose, which all of their threads take: some of Bun's block every other one. */
const SIGNAL = 33
/** Asks whether a thread is there, and no more. */
const NO_SIGNAL = 0
const SA_RESTART = 0x1000_0000n
const SA_RESTORER = 0x0400_0000n
const MASK_BYTES = 8
/** The table's entries: a number, arguments, an error; an end. */
const ENTRY_WORDS = 7
const ERROR = 6
const END = -1n
/** Where in the data the old action is kept. */
const OLD_ACTION_AT = 0
const PATIENCE_MS = 2_000

export class EveryThread {
  readonly #kernel: Kernel
  #calls = 0
  #isArmed = false

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  /** Puts the calls in place of those that were there. Throws an error in words. */
  arm(calls: readonly ThreadCall[]): void {
    const { table, scratch, data, handler, restorer } = this.#kernel
    table.fill(0n)
    for (const [index, { number, arguments: values }] of calls.entries())
      table.set([BigInt(number), ...values], index * ENTRY_WORDS)
    table[calls.length * ENTRY_WORDS] = END
    this.#calls = calls.length
    if (this.#isArmed) return
    // The kernel's own `struct sigaction`: handler, flags, restorer, mask.
    const flags = restorer === 0n ? SA_RESTART : SA_RESTART | SA_RESTORER
    for (const [index, value] of [handler, flags, restorer, 0n].entries())
      scratch.memory.writeBigInt64LE(value, 8 * index)
    const refused = this.#setAction(scratch.address, data.address + BigInt(OLD_ACTION_AT))
    if (refused < 0) throw new Error(`the kernel refuses a signal's handler (error ${-refused})`)
    this.#isArmed = true
  }

  /** The signal does again what it did before. */
  disarm(): void {
    if (this.#isArmed) this.#setAction(this.#kernel.data.address + BigInt(OLD_ACTION_AT), 0n)
    this.#isArmed = false
  }

  /** For each call an error of some thread, less than 0, or 0. Throws an error that says how many did not answer. */
  call(): number[] {
    try {
      this.#askAll(SIGNAL)
    } finally {
      this.disarm()
    }
    return Array.from({ length: this.#calls }, (_, index) => Number(this.#kernel.table[index * ENTRY_WORDS + ERROR]))
  }

  /** Goes through all but the calls, so that it is compiled by the time it is needed. */
  rehearse(): void {
    this.#askAll(NO_SIGNAL)
  }

  #setAction(newAt: bigint, oldAt: bigint): number {
    const { processor, call } = this.#kernel
    return call(processor.numbers.rt_sigaction!, SIGNAL, newAt, oldAt, MASK_BYTES)
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
    const { processor, call, count } = this.#kernel
    const deadlineMs = performance.now() + PATIENCE_MS
    while (Atomics.load(count, 0) < BigInt(wanted)) {
      call(processor.numbers.sched_yield!)
      if (performance.now() > deadlineMs)
        throw new Error(`${wanted - Number(count[0])} threads did not take their rights away`)
    }
  }
}
