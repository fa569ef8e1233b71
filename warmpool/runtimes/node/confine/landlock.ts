/**
 * A Landlock ruleset: which folders this process may read and write, where it may connect to, and that it signals and
 * speaks to nobody outside. The kernel's document: https://docs.kernel.org/userspace-api/landlock.html
 */
import type { Confinement } from '../../../wire/messages.ts'
import { LANDLOCK_ADD_RULE, LANDLOCK_CREATE_RULESET } from '../../../wire/system-calls.ts'
import type { Kernel } from './kernel.ts'

const O_PATH_CLOEXEC = 0o10000000 | 0o2000000
const FROM_THE_CURRENT_FOLDER = -100
const NOT_A_FOLDER = -22

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
const BIND = 1n
const CONNECT = 2n
const NET_PORT = 2
const SCOPED_FROM = 6
const SCOPES = 1n | 2n
const CREATE_VERSION = 1
const PATH_BENEATH = 1
/** Where in the scratch a path is put. */
const PATH_AT = 64

export interface Folders {
  readonly read: Iterable<string>
  readonly write: Iterable<string>
}

/** The version of the kernel's interface; 0 where there is none. */
export function landlockVersion(kernel: Kernel): number {
  return Math.max(0, kernel.call(LANDLOCK_CREATE_RULESET, 0, 0, CREATE_VERSION))
}

/** Signals and abstract sockets of others are out of reach. */
export function hasScopes(version: number): boolean {
  return version >= SCOPED_FROM
}

/** Where TCP may be bound and connected to. */
export function hasNetwork(version: number): boolean {
  return version >= NETWORK_FROM
}

/** A ruleset's descriptor. Throws an error in words. */
export function openRuleset(
  kernel: Kernel,
  version: number,
  folders: Folders,
  wanted: Pick<Confinement, 'network' | 'mayListen'>,
): number {
  const handled = handledBy(version)
  const attributes = kernel.scratch.memory
  attributes.writeBigUInt64LE(handled, 0)
  attributes.writeBigUInt64LE(hasNetwork(version) ? networkHandled(wanted) : 0n, 8)
  attributes.writeBigUInt64LE(hasScopes(version) ? SCOPES : 0n, 16)
  const bytes = hasScopes(version) ? 24 : hasNetwork(version) ? 16 : 8
  const ruleset = kernel.call(LANDLOCK_CREATE_RULESET, kernel.scratch.address, bytes, 0)
  if (ruleset < 0) throw new Error(`the kernel refuses a Landlock ruleset (error ${-ruleset})`)
  addRules(kernel, ruleset, folders, handled)
  if (typeof wanted.network === 'number' && hasNetwork(version)) addPort(kernel, ruleset, wanted.network)
  return ruleset
}

/** The rights to TCP that a ruleset is about; without rules for them there are none. */
function networkHandled({ network, mayListen }: Pick<Confinement, 'network' | 'mayListen'>): bigint {
  if (network !== 'all') return BIND | CONNECT
  return mayListen ? 0n : BIND
}

/** The rights to files and folders that a ruleset of this version is about. */
export function handledBy(version: number): bigint {
  return HANDLED.reduce((all, [abi, rights]) => (version >= abi ? all | rights : all), 0n)
}

/** Adds folders to a ruleset that is about `handled`. Throws an error in words. */
export function addRules(kernel: Kernel, ruleset: number, { read, write }: Folders, handled: bigint): void {
  for (const path of read) addRule(kernel, ruleset, path, handled & READING)
  for (const path of write) addRule(kernel, ruleset, path, handled & ~MAKE_DEVICES)
}

/** Of whatever machine: the kernel's rule knows no addresses. */
function addPort({ call, scratch }: Kernel, ruleset: number, port: number): void {
  scratch.memory.writeBigUInt64LE(CONNECT, 0)
  scratch.memory.writeBigUInt64LE(BigInt(port), 8)
  const result = call(LANDLOCK_ADD_RULE, ruleset, NET_PORT, scratch.address, 0)
  if (result < 0) throw new Error(`the kernel refuses a Landlock rule for a port (error ${-result})`)
}

/** What is not there cannot be reached, either. By calls of the system's own: an error that is thrown takes longer. */
function addRule(kernel: Kernel, ruleset: number, path: string, rights: bigint): void {
  const { memory, address } = kernel.scratch
  const { numbers } = kernel.processor
  const end = memory.write(path, PATH_AT)
  memory[PATH_AT + end] = 0
  const at = address + BigInt(PATH_AT)
  const fd = kernel.call(numbers.openat!, FROM_THE_CURRENT_FOLDER, at, O_PATH_CLOEXEC)
  if (fd < 0) return
  memory.writeInt32LE(fd, 8)
  const add = (some: bigint): number => {
    memory.writeBigUInt64LE(some, 0)
    return kernel.call(LANDLOCK_ADD_RULE, ruleset, PATH_BENEATH, address, 0)
  }
  const result = add(rights)
  const last = result === NOT_A_FOLDER ? add(rights & OF_FILES) : result
  kernel.call(numbers.close!, fd)
  if (last < 0) throw new Error(`the kernel refuses a Landlock rule for ${path} (error ${-last})`)
}
