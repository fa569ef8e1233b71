/**
 * System calls by their numbers, through the system door: a native module that is the same for every runtime (see
 * system-door/ on the parent's side), and the piece of memory that it shares with JavaScript. Only what confines this
 * process uses it.
 */
import type { Processor } from '../../../wire/system-calls.ts'

/** What x64.s says of the memory: words first, then the calls of the handler. */
const ARGUMENTS = 5
const RESULT = 6
const ADDRESS = 7
const HANDLER = 8
const RESTORER = 9
const COUNT = 10
const TABLE_AT = 128
/** Behind it, what stays and what is there for one call. The most that a call is pointed to are two paths and a little. */
const DATA_AT = 512
const SCRATCH_AT = 1024
const MEMORY_BYTES = 10_240

/** Memory that stays where it is. */
export interface FixedMemory {
  readonly address: bigint
  readonly memory: Buffer
}

export interface Kernel {
  readonly processor: Processor
  /** Its result, or less than 0: the error's number. */
  call(number: number, ...values: (number | bigint)[]): number
  /** For a signal: makes the calls of the table. */
  readonly handler: bigint
  /** Where the handler returns to; 0 where the kernel has that. */
  readonly restorer: bigint
  /** How many threads have run the handler. */
  readonly count: BigInt64Array
  /** The handler's calls. */
  readonly table: BigInt64Array
  readonly data: FixedMemory
  /** For what one call is pointed to; as long as it takes. */
  readonly scratch: FixedMemory
}

/** Throws an error in words. */
export function openKernel(processor: Processor, door: string): Kernel {
  const module: { exports: unknown } = { exports: {} }
  process.dlopen(module, door)
  const enter = module.exports as (memory: ArrayBuffer) => void
  const all = new ArrayBuffer(MEMORY_BYTES)
  const words = new BigInt64Array(all, 0, TABLE_AT / 8)
  const call = (number: number, ...values: (number | bigint)[]): number => {
    words[0] = BigInt(number)
    for (let at = 0; at < ARGUMENTS; at++) words[1 + at] = word(values[at])
    enter(all)
    return Number(words[RESULT])
  }
  // Asked for nothing, it tells where things are.
  call(processor.numbers.sched_yield!)
  const part = (start: number, end: number): FixedMemory => {
    return { address: words[ADDRESS]! + BigInt(start), memory: Buffer.from(all, start, end - start) }
  }
  return {
    processor,
    call,
    handler: words[HANDLER]!,
    restorer: words[RESTORER]!,
    count: words.subarray(COUNT, COUNT + 1),
    table: new BigInt64Array(all, TABLE_AT, (DATA_AT - TABLE_AT) / 8),
    data: part(DATA_AT, SCRATCH_AT),
    scratch: part(SCRATCH_AT, MEMORY_BYTES),
  }
}

function word(value: number | bigint | undefined): bigint {
  return typeof value === 'bigint' ? value : BigInt(value ?? 0)
}
