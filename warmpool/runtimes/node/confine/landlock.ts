/**
 * A Landlock ruleset: which folders this process may read and write, where it may connect to, and that it signals and
 * speaks to nobody outside. The kernel's document: https://docs.kernel.org/userspace-api/landlock.html
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { LANDLOCK_ADD_RULE, LANDLOCK_CREATE_RULESET } from '../../../wire/system-calls.ts'
import type { Kernel } from './kernel.ts'

const O_PATH = 0o10000000

const EXECUTE = 1n << 0n
const WRITE_FILE = 1n << 1n
const READ_FILE = 1n << 2n
const READ_DIR = 1n << 3n
const TRUNCATE = 1n << 14n
const IOCTL_DEV = 1n << 15n
/** All that there is, by the version of the interface that has it first. */
const HANDLED: readonly (readonly [abi: number, rights: bigint])[] = [
  [1, (1n << 13n) - 1n],
  [2, 1n << 13n],
  [3, TRUNCATE],
  [5, IOCTL_DEV],
]
const READING = EXECUTE | READ_FILE | READ_DIR
/** What a rule for a file may hold; the others are about folders. */
const OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
/** Making devices is nobody's business here. */
const MAKE_DEVICES = (1n << 6n) | (1n << 11n)

const NETWORK_FROM = 4
const BIND_AND_CONNECT = 3n
const SCOPED_FROM = 6
const SCOPES = 1n | 2n
const CREATE_VERSION = 1
const PATH_BENEATH = 1

export interface Folders {
  readonly read: readonly string[]
  readonly write: readonly string[]
}

/** The version of the kernel's interface; 0 where there is none. */
export function landlockVersion(kernel: Kernel): number {
  return Math.max(0, kernel.call(LANDLOCK_CREATE_RULESET, 0, 0, CREATE_VERSION))
}

/** Signals and abstract sockets of others are out of reach. */
export function hasScopes(version: number): boolean {
  return version >= SCOPED_FROM
}

/** A ruleset's descriptor. Throws an error in words. */
export function openRuleset(kernel: Kernel, version: number, folders: Folders, network: 'all' | 'none'): number {
  const handled = HANDLED.reduce((all, [abi, rights]) => (version >= abi ? all | rights : all), 0n)
  const attributes = kernel.data.memory
  attributes.writeBigUInt64LE(handled, 0)
  attributes.writeBigUInt64LE(network === 'none' && version >= NETWORK_FROM ? BIND_AND_CONNECT : 0n, 8)
  attributes.writeBigUInt64LE(hasScopes(version) ? SCOPES : 0n, 16)
  const bytes = hasScopes(version) ? 24 : version >= NETWORK_FROM ? 16 : 8
  const ruleset = kernel.call(LANDLOCK_CREATE_RULESET, kernel.data.address, bytes, 0)
  if (ruleset < 0) throw new Error(`the kernel refuses a Landlock ruleset (error ${-ruleset})`)
  for (const path of folders.read) addRule(kernel, ruleset, path, handled & READING)
  for (const path of folders.write) addRule(kernel, ruleset, path, handled & ~MAKE_DEVICES)
  return ruleset
}

/** What is not there cannot be reached, either. */
function addRule(kernel: Kernel, ruleset: number, path: string, rights: bigint): void {
  const fd = openOrNothing(path)
  if (fd === null) return
  const { memory, address } = kernel.data
  const isFolder = fstatSync(fd).isDirectory()
  memory.writeBigUInt64LE(isFolder ? rights : rights & OF_FILES, 0)
  memory.writeInt32LE(fd, 8)
  const result = kernel.call(LANDLOCK_ADD_RULE, ruleset, PATH_BENEATH, address, 0)
  closeSync(fd)
  if (result < 0) throw new Error(`the kernel refuses a Landlock rule for ${path} (error ${-result})`)
}

function openOrNothing(path: string): number | null {
  try {
    return openSync(path, O_PATH | constants.O_RDONLY)
  } catch {
    return null
  }
}
