/**
 * Files without a name that a parent shares with one worker. Where the system has it, a file lives in memory, has its full
 * size from the start and is sealed in it: the worker cannot shorten it, so the parent may have it in its own memory, and
 * cannot fill the memory with it. Elsewhere it is an empty file that was unlinked at once, in memory if there is any.
 */
import { accessSync, closeSync, constants, fchmodSync, ftruncateSync, openSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cFunctions } from './wire/c-library.ts'

export interface MemoryFile {
  readonly fd: number
  /** Its size never changes. */
  readonly isSealed: boolean
  /** No disk is behind it. */
  readonly isInMemory: boolean
}

const SEALABLE = {
  memfd_create: { arguments: ['pointer', 'uint32'], return: 'int32' },
  fcntl: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
} as const
const MFD_CLOEXEC_ALLOW_SEALING = 1 | 2
const F_ADD_SEALS = 1033
const F_SEAL_SEAL_SHRINK_GROW = 1 | 2 | 4
const NAME = Buffer.from('wrangler-free\0')

const ONLY_ITS_USER = 0o600
const SHARED_MEMORY = '/dev/shm'
const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL

let sealable: ReturnType<typeof cFunctions<typeof SEALABLE>> | undefined
let hasSharedMemory: boolean | undefined
let made = 0

/** Throws when the system refuses (no descriptors left). */
export function openMemoryFile(bytes: number): MemoryFile {
  return openSealedFile(bytes) ?? openUnlinkedFile()
}

/** Null where the system has no such files. */
export function openSealedFile(bytes: number): MemoryFile | null {
  if (sealable === undefined) sealable = process.platform === 'linux' ? cFunctions(SEALABLE) : null
  if (sealable === null) return null
  const fd = sealable.memfd_create(NAME, MFD_CLOEXEC_ALLOW_SEALING) as number
  if (fd < 0) return null
  try {
    fchmodSync(fd, ONLY_ITS_USER)
    ftruncateSync(fd, bytes)
    const isSealed = sealable.fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL_SHRINK_GROW) === 0
    if (isSealed) return { fd, isSealed, isInMemory: true }
  } catch {
    // A limit on the size of files.
  }
  closeSync(fd)
  return null
}

export function openUnlinkedFile(): MemoryFile {
  hasSharedMemory ??= isWritable(SHARED_MEMORY)
  const folder = hasSharedMemory ? SHARED_MEMORY : tmpdir()
  const path = join(folder, `wrangler-free-${process.pid}-${made++}-${Math.random().toString(36).slice(2)}`)
  const fd = openSync(path, FLAGS, ONLY_ITS_USER)
  unlinkSync(path)
  return { fd, isSealed: false, isInMemory: hasSharedMemory }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}
