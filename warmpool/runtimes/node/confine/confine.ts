/**
 * Takes from this process, for ever and for all that it starts, what its function is not to have: other folders, other
 * processes, rights of the superuser, system calls. It is done when the function is known and before any code of it is
 * loaded; what does not depend on the function, a blank has done ahead. Nothing here is taken back, whatever native code
 * a function brings: the kernel holds it.
 */
import type { Confined, Confinement, Load, Mechanism } from '../../../wire/messages.ts'
import { processorOf } from '../../../wire/system-calls.ts'
import { enterSandbox } from './enter-sandbox.ts'
import { type Kernel, openKernel } from './kernel.ts'
import { forgetRights, prepareRights, type Rights, type Taken, takeRights } from './rights.ts'

const SET_FILTER = 1
const FILTER_FOR_ALL_THREADS = 1

interface Prepared {
  readonly kernel: Kernel
  /** Or why they cannot be taken. */
  readonly rights: Rights | string
}

/** A text says why there is nothing. */
let prepared: Prepared | string | null = null

/** Does ahead of time what does not depend on the function. `door`: the file of the system door; null: none was given. */
export function prepareConfinement(door: string | null): void {
  prepared ??= prepare(door)
}

/** Goes through that once, so that it is compiled in whatever is forked, and leaves nothing of it. */
export function rehearseConfinement(door: string | null): void {
  const rehearsed = prepare(door)
  if (typeof rehearsed === 'object') forgetRights(rehearsed.rights)
}

function prepare(door: string | null): Prepared | string {
  if (process.platform !== 'linux') return `it is Linux's, and this is ${process.platform}`
  const processor = processorOf(process.arch)
  if (processor === null) return `it is not known how on ${process.arch} processors`
  if (door === null) return "the gateway's folder for compiled code, in TMPDIR, is not its user's alone"
  let kernel: Kernel
  try {
    kernel = openKernel(processor, door)
  } catch (error) {
    return `a native module cannot be loaded: ${(error as Error).message}`
  }
  // For the first time here, so that it is compiled by the time a function waits for it: an empty one is refused.
  setFilter(kernel, '')
  try {
    return { kernel, rights: prepareRights(kernel) }
  } catch (error) {
    return { kernel, rights: (error as Error).message }
  }
}

/** A mechanism is missing that was demanded. */
class IsolationMissing extends Error {
  override readonly name = 'IsolationMissing'
}

/** Where it was started in a sandbox: what is its function's is there afterwards, and nothing else of the machine. Throws. */
export function enterSandboxFor({ confinement }: Load, door: string | null): void {
  const sandbox = confinement?.sandbox
  if (sandbox === undefined || sandbox.host === null) return
  prepareConfinement(door)
  if (prepared === null || typeof prepared === 'string')
    throw new IsolationMissing(`namespaces: it cannot mount what is its function's: ${prepared}`)
  try {
    enterSandbox(prepared.kernel, sandbox)
  } catch (error) {
    throw new IsolationMissing(`namespaces: ${(error as Error).message}`)
  }
}

/** For the answer to a load. Throws when what is demanded cannot be had. */
export function confineFor(
  { confinement }: Pick<Load, 'confinement'>,
  door: string | null,
): { readonly confined?: Confined } {
  if (confinement === null || confinement === undefined) {
    if (prepared !== null && typeof prepared === 'object') forgetRights(prepared.rights)
    // What was not prepared by now is not needed any more.
    prepared = 'nothing is to be taken'
    return {}
  }
  process.env.HOME = confinement.folder
  process.env.TMPDIR = confinement.folder
  const confined = confine(confinement, door)
  if (!confinement.isDemanded) return { confined }
  const missing = confined.missing.filter(({ mechanism }) => confinement.sandbox?.given.includes(mechanism) !== true)
  if (missing.length === 0) return { confined }
  throw new IsolationMissing(missing.map(({ mechanism, why }) => `${mechanism}: ${why}`).join('; '))
}

/** What is in force afterwards, and what is not and why. Never throws. */
function confine(wanted: Confinement, door: string | null): Confined {
  const inForce: Mechanism[] = []
  const missing: { mechanism: Mechanism; why: string }[] = []
  for (const [mechanism, why] of Object.entries(take(wanted, door)) as [Mechanism, string | null][]) {
    if (why === null) inForce.push(mechanism)
    else missing.push({ mechanism, why })
  }
  if (wanted.sandbox !== undefined) inForce.push('namespaces')
  return { inForce, missing }
}

function take(wanted: Confinement, door: string | null): Taken & { readonly 'system-calls': string | null } {
  prepareConfinement(door)
  if (typeof prepared === 'string') return { ...nothing(prepared), 'system-calls': prepared }
  const { kernel, rights } = prepared!
  const taken = typeof rights === 'string' ? nothing(rights) : rightsTaken(rights, wanted)
  const result = setFilter(kernel, wanted.filter!)
  return { ...taken, 'system-calls': result === 0 ? null : `the kernel refuses a filter (seccomp: ${result})` }
}

function rightsTaken(rights: Rights, wanted: Confinement): Taken {
  try {
    return takeRights(rights, wanted)
  } catch (error) {
    return nothing((error as Error).message)
  }
}

function nothing(why: string): Taken {
  return { privileges: why, files: why, signals: why }
}

/** For all threads: instructions in base64. Its result, or less than 0. */
function setFilter({ call, processor, scratch }: Kernel, instructions: string): number {
  const { address, memory } = scratch
  // `struct sock_fprog`, then the instructions.
  const bytes = memory.write(instructions, 16, 'base64')
  memory.writeBigUInt64LE(BigInt(bytes / 8), 0)
  memory.writeBigUInt64LE(address + 16n, 8)
  return call(processor.numbers.seccomp!, SET_FILTER, FILTER_FOR_ALL_THREADS, address)
}
