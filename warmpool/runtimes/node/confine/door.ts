/**
 * The way out of JavaScript to the system, by what the runtime has for calling native code: the C library's `syscall`,
 * and memory at an address. Nothing behind it knows which runtime it is in.
 */
import { cFunctions, memoryAt } from '../../../wire/c-library.ts'

export interface Door {
  /** -1 where it failed, and then `errno` says why. */
  syscall(number: bigint, a: bigint, b: bigint, c: bigint, d: bigint, e: bigint, f: bigint): bigint
  /** Of this thread. */
  readonly errnoAddress: bigint
  memoryAt(address: bigint, bytes: number): Buffer
}

/** Null where there is none. */
export function openDoor(): Door | null {
  return openNode()
}

const NODE = {
  syscall: { arguments: ['int64', 'int64', 'int64', 'int64', 'int64', 'int64', 'int64'], return: 'int64' },
  __errno_location: { arguments: [], return: 'pointer' },
} as const

/** node:ffi, Node 26. */
function openNode(): Door | null {
  const library = cFunctions(NODE)
  if (library === null) return null
  const syscall = library.syscall as Door['syscall']
  return { syscall, errnoAddress: library.__errno_location() as bigint, memoryAt }
}
