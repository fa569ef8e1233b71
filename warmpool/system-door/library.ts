/**
 * A native module of some two kilobytes, made here and compiled by nobody: it exports one function that makes a system
 * call, and the handler of a signal that makes several. Every runtime that loads native modules of Node's kind
 * (Node-API) has that way to the system, whatever else it offers. The format: https://refspecs.linuxfoundation.org/elf/.
 */
import { machineCode, SLOTS_AFTER_CODE } from './machine-code.ts'

/** ELF's number of the processor, and its relocation that puts a symbol's address into a word. */
const PROCESSORS: Readonly<Record<string, readonly [machine: number, relocation: number]>> = {
  x64: [62, 6],
  arm64: [183, 1025],
}

/** In the order of the code's slots. */
const IMPORTED = ['napi_create_function', 'napi_get_cb_info', 'napi_get_arraybuffer_info']
const EXPORTED = 'napi_register_module_v1'

const SYMBOL_BYTES = 24
const RELOCATION_BYTES = 24
/** Where in the file what is. From the dynamic section on it is writable, and lies one page further in memory. */
const CODE_AT = 0x200
const SYMBOLS_AT = 0x400
const NAMES_AT = SYMBOLS_AT + SYMBOL_BYTES * 5
const HASH_AT = 0x500
const RELOCATIONS_AT = 0x540
const DYNAMIC_AT = 0x600
const SLOTS_AT = CODE_AT + SLOTS_AFTER_CODE - 0x10000
const END = SLOTS_AT + 32
/** No processor has larger pages. */
const PAGE_BYTES = 0x10000

const READABLE = 4
const WRITABLE = 2
const EXECUTABLE = 1
const PT_LOAD = 1
const PT_DYNAMIC = 2
/** Without it the loader would make all stacks executable. */
const PT_GNU_STACK = 0x6474e551

/** Null for a processor that there is no code for. */
export function doorLibrary(architecture: string): Buffer | null {
  const code = machineCode(architecture)
  const processor = PROCESSORS[architecture]
  if (code === null || processor === undefined) return null
  const [machine, relocation] = processor
  const file = Buffer.alloc(END)
  writeHeader(file, machine)
  code.copy(file, CODE_AT)
  const namesBytes = writeSymbols(file, code.length)
  writeHash(file)
  for (const [index] of IMPORTED.entries()) {
    const info = (BigInt(1 + index) << 32n) | BigInt(relocation)
    words(file, RELOCATIONS_AT + RELOCATION_BYTES * index, inMemory(SLOTS_AT + 8 * index), info, 0)
  }
  writeDynamic(file, namesBytes)
  return file
}

function inMemory(at: number): number {
  return at + PAGE_BYTES
}

function writeHeader(file: Buffer, machine: number): void {
  // 64 bits, little-endian, version 1; a shared object.
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  file.writeUInt16LE(3, 16)
  file.writeUInt16LE(machine, 18)
  file.writeUInt32LE(1, 20)
  words(file, 32, 64)
  file.writeUInt16LE(64, 52)
  file.writeUInt16LE(56, 54)
  const segments: [type: number, flags: number, at: number, address: number, bytes: number][] = [
    [PT_LOAD, READABLE | EXECUTABLE, 0, 0, DYNAMIC_AT],
    [PT_LOAD, READABLE | WRITABLE, DYNAMIC_AT, inMemory(DYNAMIC_AT), END - DYNAMIC_AT],
    [PT_DYNAMIC, READABLE | WRITABLE, DYNAMIC_AT, inMemory(DYNAMIC_AT), SLOTS_AT - DYNAMIC_AT],
    [PT_GNU_STACK, READABLE | WRITABLE, 0, 0, 0],
  ]
  file.writeUInt16LE(segments.length, 56)
  for (const [index, [type, flags, at, address, bytes]] of segments.entries()) {
    const start = 64 + 56 * index
    file.writeUInt32LE(type, start)
    file.writeUInt32LE(flags, start + 4)
    words(file, start + 8, at, address, address, bytes, bytes, PAGE_BYTES)
  }
}

/** The imported ones and then the exported one, after the empty one that the format begins with. */
function writeSymbols(file: Buffer, codeBytes: number): number {
  let names = '\0'
  for (const [index, name] of [...IMPORTED, EXPORTED].entries()) {
    const at = SYMBOLS_AT + SYMBOL_BYTES * (1 + index)
    file.writeUInt32LE(names.length, at)
    // Global, a function.
    file[at + 4] = 0x12
    if (name === EXPORTED) {
      // Of a section that is none of the special ones; there are no sections.
      file.writeUInt16LE(1, at + 6)
      words(file, at + 8, CODE_AT, codeBytes)
    }
    names += `${name}\0`
  }
  return file.write(names, NAMES_AT, 'latin1')
}

/** One bucket: all symbols in a row. */
function writeHash(file: Buffer): void {
  const count = IMPORTED.length + 2
  const chain = [...Array(count).keys()].map((index) => (index === 0 ? 0 : (index + 1) % count))
  for (const [index, value] of [1, count, 1, ...chain].entries()) file.writeUInt32LE(value, HASH_AT + 4 * index)
}

function writeDynamic(file: Buffer, namesBytes: number): void {
  const entries: [tag: number, value: number][] = [
    [4, HASH_AT],
    [5, NAMES_AT],
    [6, SYMBOLS_AT],
    [10, namesBytes],
    [11, SYMBOL_BYTES],
    [7, RELOCATIONS_AT],
    [8, RELOCATION_BYTES * IMPORTED.length],
    [9, RELOCATION_BYTES],
    [0, 0],
  ]
  words(file, DYNAMIC_AT, ...entries.flat())
}

function words(file: Buffer, at: number, ...values: (number | bigint)[]): void {
  for (const [index, value] of values.entries()) file.writeBigUInt64LE(BigInt(value), at + 8 * index)
}
