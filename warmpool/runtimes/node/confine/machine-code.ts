/**
 * The least of an assembler: a function for one processor that makes some system calls with fixed arguments, notes
 * which of them failed, counts itself, and returns. It is what a thread can be made to run that runs no code of ours;
 * several may at the same time.
 */

export interface FixedCall {
  readonly number: number
  readonly arguments: readonly bigint[]
  /** Where its result goes when it is an error, eight bytes. */
  readonly errorAt: bigint
}

export interface MachineCode {
  readonly bytes: Buffer
  /** Where in it the way back from a signal begins; null where the kernel has one of its own. */
  readonly restorerAt: number | null
}

/** Throws for a processor that it does not know. */
export function machineCode(architecture: string, calls: readonly FixedCall[], countAt: bigint): MachineCode {
  if (architecture === 'x64') {
    const handler = [...calls.map(x64Call), x64Count(countAt), Buffer.of(0xc3)]
    const bytes = Buffer.concat([...handler, Buffer.from(X64_RESTORER)])
    return { bytes, restorerAt: bytes.length - X64_RESTORER.length }
  }
  if (architecture === 'arm64') {
    const bytes = words([...calls.flatMap(arm64Call), ...arm64Count(countAt), 0xd65f03c0])
    return { bytes, restorerAt: null }
  }
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
/** `test rax, rax`, and over the ten bytes of the store when it is no error. */
const X64_UNLESS_ERROR = [0x48, 0x85, 0xc0, 0x79, 0x0a]
/** `mov [imm64], rax` */
const X64_STORE = [0x48, 0xa3]
/** `mov rcx, imm64` */
const X64_RCX = [0x48, 0xb9]
/** `lock inc qword [rcx]` */
const X64_COUNT = [0xf0, 0x48, 0xff, 0x01]

/** `mov eax, 15` (rt_sigreturn), `syscall`: x64's kernel has programs bring it. */
const X64_RESTORER = [0xb8, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05]

function x64Count(countAt: bigint): Buffer {
  return Buffer.concat([Buffer.from(X64_RCX), u64(countAt), Buffer.from(X64_COUNT)])
}

function x64Call({ number, arguments: values, errorAt }: FixedCall): Buffer {
  const loads = values.map((value, at) => Buffer.concat([Buffer.from(X64_ARGUMENTS[at]!), u64(value)]))
  return Buffer.concat([
    Buffer.from(X64_RAX),
    u64(BigInt(number)),
    ...loads,
    Buffer.from(X64_SYSCALL),
    Buffer.from(X64_UNLESS_ERROR),
    Buffer.from(X64_STORE),
    u64(errorAt),
  ])
}

const ARM64_SVC = 0xd4000001
/** `tbz x0, #63` over the five words of the store when it is no error. */
const ARM64_UNLESS_ERROR = 0xb6f800c0
/** `str x0, [x9]` */
const ARM64_STORE = 0xf9000120
/** `ldxr x10, [x9]`, `add x10, x10, #1`, `stlxr w11, x10, [x9]`, and again unless that was alone. */
const ARM64_COUNT = [0xc85f7d2a, 0x9100054a, 0xc80bfd2a, 0x35ffffab]

function arm64Count(countAt: bigint): number[] {
  return [...arm64Load(9, countAt), ...ARM64_COUNT]
}

function arm64Call({ number, arguments: values, errorAt }: FixedCall): number[] {
  const loads = values.flatMap((value, register) => arm64Load(register, value))
  return [
    ...loads,
    ...arm64Load(8, BigInt(number)),
    ARM64_SVC,
    ARM64_UNLESS_ERROR,
    ...arm64Load(9, errorAt),
    ARM64_STORE,
  ]
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
