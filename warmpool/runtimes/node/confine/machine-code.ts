/**
 * The least of an assembler: a function for one processor that makes some system calls with fixed arguments, stores
 * what each returned, and returns. It is what a thread can be made to run that runs no code of ours.
 */

export interface FixedCall {
  readonly number: number
  readonly arguments: readonly bigint[]
  /** Where its result goes, eight bytes. */
  readonly resultAt: bigint
}

/** Throws for a processor that it does not know. */
export function machineCode(architecture: string, calls: readonly FixedCall[]): Buffer {
  if (architecture === 'x64') return Buffer.concat([...calls.map(x64Call), Buffer.of(0xc3)])
  if (architecture === 'arm64') return words([...calls.flatMap(arm64Call), 0xd65f03c0])
  throw new Error(`no machine code for ${architecture}`)
}

const X64_RAX = [0x48, 0xb8]
/** `mov reg, imm64` for rdi, rsi, rdx, r10, r8. */
const X64_ARGUMENTS = [
  [0x48, 0xbf],
  [0x48, 0xbe],
  [0x48, 0xba],
  [0x49, 0xba],
  [0x49, 0xb8],
]
const X64_SYSCALL = [0x0f, 0x05]
/** `mov [imm64], rax` */
const X64_STORE = [0x48, 0xa3]

function x64Call({ number, arguments: values, resultAt }: FixedCall): Buffer {
  const loads = values.map((value, at) => Buffer.concat([Buffer.from(X64_ARGUMENTS[at]!), u64(value)]))
  return Buffer.concat([
    Buffer.from(X64_RAX),
    u64(BigInt(number)),
    ...loads,
    Buffer.from(X64_SYSCALL),
    Buffer.from(X64_STORE),
    u64(resultAt),
  ])
}

const ARM64_SVC = 0xd4000001
/** `str x0, [x9]` */
const ARM64_STORE = 0xf9000120

function arm64Call({ number, arguments: values, resultAt }: FixedCall): number[] {
  const loads = values.flatMap((value, register) => arm64Load(register, value))
  return [...loads, ...arm64Load(8, BigInt(number)), ARM64_SVC, ...arm64Load(9, resultAt), ARM64_STORE]
}

/** `movz` for the lowest sixteen bits, `movk` for the others. */
function arm64Load(register: number, value: bigint): number[] {
  return [0, 1, 2, 3].map((at) => {
    const half = Number((value >> BigInt(16 * at)) & 0xffffn)
    return ((at === 0 ? 0xd2800000 : 0xf2800000) | (at << 21) | (half << 5) | register) >>> 0
  })
}

function words(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [at, value] of values.entries()) bytes.writeUInt32LE(value, at * 4)
  return bytes
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value))
  return bytes
}
