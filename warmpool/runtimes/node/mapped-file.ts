/**
 * A file as memory, by node:ffi: what stands there is read and written without a call into the kernel. node:ffi is
 * experimental and absent from Node 24, Bun and Deno, and loading it takes 2 ms: whoever asks has served enough for that
 * to pay, and goes on without where the answer is null. What lies behind the file's end must not be touched.
 */

/** Where the C library is: with glibc, musl and macOS. */
const LIBRARIES = ['libc.so.6', 'libc.so', '/usr/lib/libSystem.B.dylib']

const PROT_READ_WRITE = 3
const MAP_SHARED = 1
const MAP_FAILED = 2n ** 64n - 1n
const MMAP = { arguments: ['pointer', 'uint64', 'int32', 'int32', 'int32', 'int64'], return: 'pointer' } as const

/** The little of node:ffi that is used here. */
interface Ffi {
  dlopen(
    library: string,
    signatures: { readonly mmap: { readonly arguments: readonly string[]; readonly return: string } },
  ): { readonly functions: { mmap(...words: (bigint | number)[]): bigint } }
  toArrayBuffer(pointer: bigint, bytes: number, copy: boolean): ArrayBuffer
}

/** The file's first bytes, for as long as this process lives; null where that cannot be had. */
export function mapFile(fd: number, bytes: number): ArrayBuffer | null {
  const ffi = process.getBuiltinModule('node:ffi' as string) as unknown as Ffi | undefined
  if (ffi === undefined) return null
  for (const library of LIBRARIES) {
    try {
      const { mmap } = ffi.dlopen(library, { mmap: MMAP }).functions
      const pointer = mmap(0n, BigInt(bytes), PROT_READ_WRITE, MAP_SHARED, fd, 0n)
      return pointer === MAP_FAILED ? null : ffi.toArrayBuffer(pointer, bytes, false)
    } catch {
      // Another system's library, or an interface that has changed.
    }
  }
  return null
}
