/**
 * The worker's side of the journal: says, readably after this process's death, which invocation has reached user code.
 * The journal's file is mapped into memory where Node can do that (node:ffi, Node 26), so that counting is one store;
 * the page is the kernel's and outlives a SIGKILL at any instant. Elsewhere counting is one `pwrite`, which took half
 * of what this runtime itself spends on a warm call.
 */
import { ftruncateSync, readSync, writeSync } from 'node:fs'

/** To be called with each invocation's number right before user code gets it. */
export type BegunCounter = (id: number) => void

/** Where the C library is: with glibc, musl and macOS. */
const LIBRARIES = ['libc.so.6', 'libc.so', '/usr/lib/libSystem.B.dylib']

const PROT_READ_WRITE = 3
const MAP_SHARED = 1
const MAP_FAILED = 2n ** 64n - 1n
const COUNTER_BYTES = 4
const PROBE = 0x01020304
const MMAP = { arguments: ['pointer', 'uint64', 'int32', 'int32', 'int32', 'int64'], return: 'pointer' } as const

export function openBegunCounter(fd: number): BegunCounter {
  const counter = mapCounter(fd)
  if (counter === null) return writtenCounter(fd)
  return (id) => {
    counter[0] = id
  }
}

function writtenCounter(fd: number): BegunCounter {
  const counter = Buffer.alloc(COUNTER_BYTES)
  return (id) => {
    counter.writeUInt32LE(id)
    writeSync(fd, counter, 0, COUNTER_BYTES, 0)
  }
}

/** The little of node:ffi that is used here: it is experimental, and absent from Node 24. */
interface Ffi {
  dlopen(
    library: string,
    signatures: { readonly mmap: { readonly arguments: readonly string[]; readonly return: string } },
  ): { readonly functions: { mmap(...words: (bigint | number)[]): bigint } }
  toArrayBuffer(pointer: bigint, bytes: number, copy: boolean): ArrayBuffer
}

/** The file's counter as memory; null where that cannot be had. */
export function mapCounter(fd: number): Uint32Array | null {
  const ffi = process.getBuiltinModule('node:ffi' as string) as unknown as Ffi | undefined
  if (ffi === undefined) return null
  for (const library of LIBRARIES) {
    try {
      const { mmap } = ffi.dlopen(library, { mmap: MMAP }).functions
      // What lies behind the end of a file is no memory.
      ftruncateSync(fd, COUNTER_BYTES)
      const pointer = mmap(0n, BigInt(COUNTER_BYTES), PROT_READ_WRITE, MAP_SHARED, fd, 0n)
      if (pointer === MAP_FAILED) return null
      const counter = new Uint32Array(ffi.toArrayBuffer(pointer, COUNTER_BYTES, false))
      return isSeenThrough(fd, counter) ? counter : null
    } catch {
      // Another system's library, or an interface that has changed.
    }
  }
  return null
}

/** What is stored in the memory is read from the file, in the order of bytes that the parent reads. */
function isSeenThrough(fd: number, counter: Uint32Array): boolean {
  const read = Buffer.alloc(COUNTER_BYTES)
  counter[0] = PROBE
  readSync(fd, read, 0, COUNTER_BYTES, 0)
  counter[0] = 0
  return read.readUInt32LE() === PROBE
}
