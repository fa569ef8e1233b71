/**
 * The last step into a sandbox, which a blank takes when it knows its function: what is the function's is mounted, and
 * the machine that a blank sees beside its own small system is let go of. What could not be done is an error and never a
 * function that sees more than it should. The right to mount is given up afterwards, with all others.
 */
import { mkdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Mount, SandboxEntry } from '../../../wire/messages.ts'
import type { Kernel } from './kernel.ts'

const OPEN = 0o022
const FROM_THE_CURRENT_FOLDER = -100
/** MS_BIND and MS_REC. */
const WITH_ALL_BELOW = 0x1000 | 0x4000
const MNT_DETACH = 2
const AT_RECURSIVE = 0x8000
const ATTRIBUTES_BYTES = 32
const RDONLY = 1n
const NOSUID = 2n
const NODEV = 4n
/** Where in the scratch memory the two paths and the attributes lie: a path has 4,096 bytes at most. */
const FIRST_PATH_AT = 0
const SECOND_PATH_AT = 4096
const ATTRIBUTES_AT = 8192

/** Throws an error in words. */
export function enterSandbox(kernel: Kernel, { host, mounts }: SandboxEntry): void {
  if (host === null) return
  // The function may be another user, and has to get through to what is its own.
  const umask = process.umask(OPEN)
  for (const mount of mounts) bind(kernel, host, mount)
  process.umask(umask)
  const { umount2 } = kernel.processor.numbers
  checked(kernel.call(umount2!, pathIn(kernel, host, FIRST_PATH_AT), MNT_DETACH), `cannot let go of ${host}`)
  rmdirSync(host)
  setAttributes(kernel, '/', RDONLY, 0)
}

/** What is gone meanwhile is passed over: it cannot be reached, either. */
function bind(kernel: Kernel, host: string, { from, at, isWritable }: Mount): void {
  const source = host + from
  const found = statSync(source, { throwIfNoEntry: false })
  if (found === undefined) return
  if (found.isDirectory()) mkdirSync(at, { recursive: true })
  else {
    mkdirSync(dirname(at), { recursive: true })
    // Behind a mount that holds it already it need not be made, and could not.
    if (statSync(at, { throwIfNoEntry: false }) === undefined) writeFileSync(at, '')
  }
  const paths = [pathIn(kernel, source, FIRST_PATH_AT), pathIn(kernel, at, SECOND_PATH_AT)] as const
  checked(kernel.call(kernel.processor.numbers.mount!, ...paths, 0, WITH_ALL_BELOW, 0), `cannot mount ${from}`)
  setAttributes(kernel, at, NOSUID | NODEV | (isWritable ? 0n : RDONLY), AT_RECURSIVE)
}

/** Of what is mounted there, and with the flag of all that is mounted below. */
function setAttributes(kernel: Kernel, path: string, attributes: bigint, flags: number): void {
  const { memory, address } = kernel.scratch
  const { numbers } = kernel.processor
  memory.fill(0, ATTRIBUTES_AT, ATTRIBUTES_AT + ATTRIBUTES_BYTES)
  memory.writeBigUInt64LE(attributes, ATTRIBUTES_AT)
  const at = pathIn(kernel, path, FIRST_PATH_AT)
  const pointer = address + BigInt(ATTRIBUTES_AT)
  const result = kernel.call(numbers.mount_setattr!, FROM_THE_CURRENT_FOLDER, at, flags, pointer, ATTRIBUTES_BYTES)
  checked(result, `cannot make ${path} read-only`)
}

/** Its address. */
function pathIn({ scratch: { memory, address } }: Kernel, path: string, offset: number): bigint {
  const end = memory.write(path, offset)
  memory[offset + end] = 0
  return address + BigInt(offset)
}

function checked(result: number, what: string): void {
  if (result < 0) throw new Error(`it ${what} (the kernel: error ${-result})`)
}
