/**
 * The few functions of the C library and of libuv that Node has no word for, by node:ffi: a file as memory, a file that
 * lives in memory, whether the event loop has anything left to do. node:ffi is experimental and absent from Node 24, Bun and Deno, and loading it takes 1 to 2 ms; whoever asks
 * goes on without where the answer is null. The functions are as bare as in C: their callers check what they return.
 */

/** With glibc, musl and macOS. */
const LIBRARIES = ['libc.so.6', 'libc.so', '/usr/lib/libSystem.B.dylib']

const PROT_READ_WRITE = 3
const MAP_SHARED = 1
const MAP_FAILED = 2n ** 64n - 1n

type Signatures = Readonly<Record<string, { readonly arguments: readonly string[]; readonly return: string }>>
type Functions<S extends Signatures> = Readonly<
  Record<keyof S, (...words: (bigint | number | Buffer)[]) => bigint | number>
>

/** The little of node:ffi that is used here. */
interface Ffi {
  /** Without a library's name: what this process has loaded already. */
  dlopen<S extends Signatures>(library: string | null, signatures: S): { readonly functions: Functions<S> }
  toArrayBuffer(pointer: bigint, bytes: number, copy: boolean): ArrayBuffer
  getRawPointer(buffer: Buffer): bigint
}

const MAPPING = {
  mmap: { arguments: ['pointer', 'uint64', 'int32', 'int32', 'int32', 'int64'], return: 'pointer' },
  munmap: { arguments: ['pointer', 'uint64'], return: 'int32' },
} as const

let mapping: Functions<typeof MAPPING> | null | undefined

/** Functions of the C library; null where they cannot be had. */
export function cFunctions<S extends Signatures>(signatures: S): Functions<S> | null {
  return functionsIn(LIBRARIES, signatures)
}

/** Functions of Node's own program, libuv's among them; null where they cannot be had. */
export function programFunctions<S extends Signatures>(signatures: S): Functions<S> | null {
  return functionsIn([null], signatures)
}

/** Where a buffer's bytes are; as long as it is reachable they stay there. Throws where there is no node:ffi. */
export function addressOf(buffer: Buffer): bigint {
  return loadFfi()!.getRawPointer(buffer)
}

function functionsIn<S extends Signatures>(libraries: readonly (string | null)[], signatures: S): Functions<S> | null {
  const ffi = loadFfi()
  if (ffi === null) return null
  for (const library of libraries) {
    try {
      return ffi.dlopen(library, signatures).functions
    } catch {
      // Another system's library, one without these functions, or an interface that has changed.
    }
  }
  return null
}

/** A file's first bytes in this process's memory. */
export interface MappedFile {
  readonly memory: Buffer
  /** Nobody may touch the memory afterwards, not even to look at it. */
  unmap(): void
}

/** Null where that cannot be had. What lies behind the file's end must not be touched. */
export function mapFile(fd: number, bytes: number): MappedFile | null {
  if (mapping === undefined) mapping = cFunctions(MAPPING)
  if (mapping === null) return null
  const functions = mapping
  try {
    const pointer = functions.mmap(0n, BigInt(bytes), PROT_READ_WRITE, MAP_SHARED, fd, 0n) as bigint
    if (pointer === MAP_FAILED) return null
    const memory = Buffer.from(loadFfi()!.toArrayBuffer(pointer, bytes, false))
    return { memory, unmap: () => void functions.munmap(pointer, BigInt(bytes)) }
  } catch {
    return null
  }
}

/** Null where there is none. Its warning is kept back: in a library's user's program it would say nothing to anybody. */
function loadFfi(): Ffi | null {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return (process.getBuiltinModule('node:ffi' as string) as unknown as Ffi | undefined) ?? null
  } catch {
    return null
  } finally {
    process.emitWarning = emitWarning
  }
}
