/**
 * System calls by their numbers, through the C library's `syscall`, and a piece of memory that does not move for what
 * they are pointed to. Only what confines this process uses it.
 */
import type { Processor } from '../../../wire/system-calls.ts'
import { openDoor } from './door.ts'

const PROT_READ_WRITE = 3
const MAP_PRIVATE_ANONYMOUS = 0x22
/** Code and data lie in pages of their own, however large this system's pages are. */
const PAGE_BYTES = 65_536
/** Of the data, where what is there for one call begins. */
const SCRATCH_AT = 2048

/** Memory that stays where it is. */
export interface FixedMemory {
  readonly address: bigint
  readonly memory: Buffer
}

export interface Kernel {
  readonly processor: Processor
  /** Its result, or less than 0: the error's number. */
  call(number: number, ...values: (number | bigint)[]): number
  readonly code: FixedMemory
  /** What stays. */
  readonly data: FixedMemory
  /** For what one call is pointed to; as long as it takes. */
  readonly scratch: FixedMemory
}

/** Null where native functions cannot be called. */
export function openKernel(processor: Processor): Kernel | null {
  const door = openDoor()
  if (door === null) return null
  const errno = new Int32Array(door.memoryAt(door.errnoAddress, 4).buffer)
  const address = door.syscall(
    BigInt(processor.numbers.mmap!),
    0n,
    BigInt(2 * PAGE_BYTES),
    BigInt(PROT_READ_WRITE),
    BigInt(MAP_PRIVATE_ANONYMOUS),
    -1n,
    0n,
  )
  if (address === -1n) return null
  const memory = door.memoryAt(address, 2 * PAGE_BYTES)
  const part = (start: number, end: number): FixedMemory => {
    return { address: address + BigInt(start), memory: memory.subarray(start, end) }
  }
  return {
    processor,
    call(number, ...values) {
      const [a, b, c, d, e] = values
      const result = door.syscall(BigInt(number), word(a), word(b), word(c), word(d), word(e), 0n)
      return result === -1n ? -errno[0]! : Number(result)
    },
    code: part(0, PAGE_BYTES),
    data: part(PAGE_BYTES, PAGE_BYTES + SCRATCH_AT),
    scratch: part(PAGE_BYTES + SCRATCH_AT, 2 * PAGE_BYTES),
  }
}

function word(value: number | bigint | undefined): bigint {
  return typeof value === 'bigint' ? value : BigInt(value ?? 0)
}
