/**
 * System calls by their numbers, through the C library's `syscall`, and a piece of memory that does not move for what
 * they are pointed to. Only what confines this process uses it.
 */
import { cFunctions, type FixedMemory, fixedMemory, memoryAt } from '../../../wire/c-library.ts'

const LIBRARY = {
  syscall: { arguments: ['int64', 'int64', 'int64', 'int64', 'int64', 'int64'], return: 'int64' },
  __errno_location: { arguments: [], return: 'pointer' },
  sigaction: { arguments: ['int32', 'pointer', 'pointer'], return: 'int32' },
  mprotect: { arguments: ['pointer', 'uint64', 'int32'], return: 'int32' },
  sched_yield: { arguments: [], return: 'int32' },
} as const

/** Code and data lie in pages of their own, however large this system's pages are. */
const PAGE_BYTES = 65_536

export interface Kernel {
  /** Its result, or less than 0: the error's number. */
  call(number: number, ...values: (number | bigint)[]): number
  readonly library: NonNullable<ReturnType<typeof cFunctions<typeof LIBRARY>>>
  readonly code: FixedMemory
  readonly data: FixedMemory
}

/** Null where native functions cannot be called. */
export function openKernel(): Kernel | null {
  const library = cFunctions(LIBRARY)
  const memory = library === null ? null : fixedMemory(2 * PAGE_BYTES)
  if (library === null || memory === null) return null
  const errno = new Int32Array(memoryAt(library.__errno_location() as bigint, 4).buffer)
  return {
    call(number, ...values) {
      const all = [0, 1, 2, 3, 4].map((at) => BigInt(values[at] ?? 0)) as [bigint, bigint, bigint, bigint, bigint]
      const result = Number(library.syscall(BigInt(number), ...all))
      return result === -1 ? -errno[0]! : result
    },
    library,
    code: { address: memory.address, memory: memory.memory.subarray(0, PAGE_BYTES) },
    data: { address: memory.address + BigInt(PAGE_BYTES), memory: memory.memory.subarray(PAGE_BYTES) },
  }
}
