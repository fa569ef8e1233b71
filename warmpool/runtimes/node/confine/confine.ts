/**
 * Takes from this process, for ever and for all that it starts, what its function is not to have: other folders, other
 * processes, rights of the superuser, system calls. It is done when the function is known and before any code of it is
 * loaded. Nothing here is taken back, whatever native code a function brings: the kernel holds it.
 */
import { closeSync, readFileSync } from 'node:fs'
import type { Confined, Confinement, Load, Mechanism } from '../../../wire/messages.ts'
import { LANDLOCK_RESTRICT_SELF, type Processor, processorOf } from '../../../wire/system-calls.ts'
import { DEVICES, SYSTEM_PATHS } from '../../../wire/system-paths.ts'
import { enterSandbox } from './enter-sandbox.ts'
import { onEveryThread, type ThreadCall } from './every-thread.ts'
import { type Kernel, openKernel } from './kernel.ts'
import { addRules, type Folders, handledBy, hasScopes, landlockVersion, openRuleset } from './landlock.ts'

const SET_NO_NEW_PRIVILEGES = 38
/** CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, NET_BIND_SERVICE: what programs of the superuser need. */
const KEPT_CAPABILITIES = 0b100_1111_1011n
/** In a sandbox. */
const NO_CAPABILITIES = 0n
const SET_DUMPABLE = 4
const CAPABILITY_VERSION = 0x2008_0522
const CAPABILITIES_AT = 2048
const SET_FILTER = 1
const FILTER_FOR_ALL_THREADS = 1

/** What every function may read and write, and the ruleset that says so; -1: there is none. */
const OF_ALL: Folders = { read: [...SYSTEM_PATHS, process.execPath], write: DEVICES }

let kernel: Kernel | null | undefined
let version = 0
let rulesetOfAll = -1

/** Does ahead of time what does not depend on the function: most rules are about the system. */
export function prepareConfinement(): void {
  if (kernel !== undefined) return
  kernel = process.platform === 'linux' ? openKernel() : null
  const processor = processorOf(process.arch)
  if (kernel === null || processor === null) return
  version = landlockVersion(kernel)
  try {
    if (version > 0) rulesetOfAll = openRuleset(kernel, processor, version, OF_ALL, 'all')
  } catch {
    // It will be said when a function needs it.
  }
}

/** A mechanism is missing that was demanded. */
class IsolationMissing extends Error {
  override readonly name = 'IsolationMissing'
}

/** Where it was started in a sandbox: what is its function's is there afterwards, and nothing else of the machine. Throws. */
export function enterSandboxFor({ confinement }: Load): void {
  const sandbox = confinement?.sandbox
  if (sandbox === undefined || sandbox.host === null) return
  prepareConfinement()
  const processor = processorOf(process.arch)
  if (kernel === null || kernel === undefined || processor === null)
    throw new IsolationMissing(`namespaces: ${runtimeWithoutFfi()} cannot mount what is its function's`)
  try {
    enterSandbox(kernel, processor, sandbox)
  } catch (error) {
    throw new IsolationMissing(`namespaces: ${(error as Error).message}`)
  }
}

/** For the answer to a load. Throws when what is demanded cannot be had. */
export function confineFor({ confinement }: Load): { readonly confined?: Confined } {
  if (confinement === null || confinement === undefined) {
    if (rulesetOfAll >= 0) closeSync(rulesetOfAll)
    // What was not prepared by now is not needed any more.
    kernel ??= null
    return {}
  }
  process.env.HOME = confinement.folder
  process.env.TMPDIR = confinement.folder
  const confined = confine(confinement)
  if (!confinement.isDemanded) return { confined }
  const missing = confined.missing.filter(({ mechanism }) => confinement.sandbox?.given.includes(mechanism) !== true)
  if (missing.length === 0) return { confined }
  throw new IsolationMissing(missing.map(({ mechanism, why }) => `${mechanism}: ${why}`).join('; '))
}

/** What is in force afterwards, and what is not and why. Never throws. */
function confine(wanted: Confinement): Confined {
  const missing: { mechanism: Mechanism; why: string }[] = []
  const inForce: Mechanism[] = []
  const processor = processorOf(process.arch)
  prepareConfinement()
  const why =
    process.platform !== 'linux'
      ? `it is Linux's, and this is ${process.platform}`
      : processor === null
        ? `it is not known how on ${process.arch} processors`
        : `${runtimeWithoutFfi()} cannot call the system directly (node:ffi, Node 26)`
  if (kernel === null || kernel === undefined || processor === null) {
    const all: Mechanism[] = ['privileges', 'files', 'signals', 'system-calls']
    return { inForce, missing: all.map((mechanism) => ({ mechanism, why })) }
  }
  if (wanted.sandbox !== undefined) inForce.push('namespaces')
  takeRights(kernel, processor, wanted, inForce, missing)
  filterCalls(kernel, processor, wanted, inForce, missing)
  return { inForce, missing }
}

function runtimeWithoutFfi(): string {
  const { bun, deno, node } = process.versions
  if (bun !== undefined) return `bun ${bun}`
  return deno === undefined ? `node ${node}` : `deno ${deno}`
}

function takeRights(
  kernel: Kernel,
  processor: Processor,
  wanted: Confinement,
  inForce: Mechanism[],
  missing: { mechanism: Mechanism; why: string }[],
): void {
  const fail = (mechanism: Mechanism, why: string) => missing.push({ mechanism, why })
  try {
    const ruleset = version === 0 ? null : rulesetFor(kernel, processor, wanted)
    const user = wanted.sandbox?.user ?? null
    const calls: ThreadCall[] = [
      { number: processor.numbers.prctl!, arguments: [BigInt(SET_NO_NEW_PRIVILEGES), 1n, 0n, 0n, 0n] },
      {
        number: processor.numbers.capset!,
        arguments: keptCapabilities(kernel, wanted.sandbox === undefined ? KEPT_CAPABILITIES : NO_CAPABILITIES),
      },
      ...(ruleset === null ? [] : [{ number: LANDLOCK_RESTRICT_SELF, arguments: [BigInt(ruleset), 0n] }]),
    ]
    // First, for the right to it goes with the others.
    if (user !== null) becomeUser(kernel, processor, user)
    const [privileges = 0, capabilities = 0, files = 0] = onEveryThread(kernel, processor.numbers.tgkill!, calls)
    if (ruleset !== null) closeSync(ruleset)
    if (privileges < 0 || capabilities < 0) fail('privileges', `the kernel refuses (${privileges}, ${capabilities})`)
    else inForce.push('privileges')
    if (version < 3) fail('files', `this kernel's Landlock is ${inWords(version)}, and 3 is needed (Linux 6.2)`)
    else if (files < 0) fail('files', `the kernel refuses Landlock (error ${-files})`)
    else inForce.push('files')
    if (!hasScopes(version))
      fail('signals', `this kernel's Landlock is ${inWords(version)}, and 6 is needed (Linux 6.12)`)
    else if (files === 0) inForce.push('signals')
  } catch (error) {
    for (const mechanism of ['privileges', 'files', 'signals'] as const) fail(mechanism, (error as Error).message)
  }
}

/** In every thread. Throws where one did not. */
function becomeUser(kernel: Kernel, processor: Processor, user: number): void {
  const { setgroups, setresgid, setresuid, tgkill, prctl } = processor.numbers
  const own = BigInt(user)
  const errors = onEveryThread(kernel, tgkill!, [
    { number: setgroups!, arguments: [0n, 0n, 0n, 0n, 0n] },
    { number: setresgid!, arguments: [own, own, own, 0n, 0n] },
    { number: setresuid!, arguments: [own, own, own, 0n, 0n] },
  ])
  if (errors.some((error) => error < 0)) throw new Error(`it cannot become user ${user} (errors ${errors.join(', ')})`)
  // What is told of it in /proc would be the superuser's, and closed to itself.
  kernel.call(prctl!, SET_DUMPABLE, 1)
}

/** Programs start the runtime they run in again, which is among what all may read. */
function rulesetFor(kernel: Kernel, processor: Processor, { read, write, network }: Confinement): number {
  if (network !== 'all' || rulesetOfAll < 0) {
    if (rulesetOfAll >= 0) closeSync(rulesetOfAll)
    return openRuleset(kernel, processor, version, { read: [...read, process.execPath], write }, network)
  }
  const left = (paths: readonly string[], done: readonly string[]): string[] =>
    paths.filter((path) => !done.includes(path))
  const own = { read: left(read, OF_ALL.read), write: left(write, OF_ALL.write) }
  addRules(kernel, processor, rulesetOfAll, own, handledBy(version))
  return rulesetOfAll
}

function inWords(version: number): string {
  return version === 0 ? 'not there' : `version ${version}`
}

/** Header and sets for `capset`: of what there is, what is kept. */
function keptCapabilities({ data }: Kernel, most: bigint): bigint[] {
  const permitted = BigInt(`0x${/^CapPrm:\s*(\w+)/m.exec(readFileSync('/proc/self/status', 'latin1'))![1]}`)
  const kept = Number(permitted & most)
  data.memory.fill(0, CAPABILITIES_AT, CAPABILITIES_AT + 32)
  data.memory.writeUInt32LE(CAPABILITY_VERSION, CAPABILITIES_AT)
  data.memory.writeUInt32LE(kept, CAPABILITIES_AT + 8)
  data.memory.writeUInt32LE(kept, CAPABILITIES_AT + 12)
  const at = data.address + BigInt(CAPABILITIES_AT)
  return [at, at + 8n]
}

function filterCalls(
  kernel: Kernel,
  processor: Processor,
  wanted: Confinement,
  inForce: Mechanism[],
  missing: { mechanism: Mechanism; why: string }[],
): void {
  const filter = Buffer.from(wanted.filter!, 'base64')
  const { address, memory } = kernel.data
  // `struct sock_fprog`, then the instructions.
  memory.writeBigUInt64LE(BigInt(filter.length / 8), 0)
  memory.writeBigUInt64LE(address + 64n, 8)
  memory.set(filter, 64)
  const result = kernel.call(processor.numbers.seccomp!, SET_FILTER, FILTER_FOR_ALL_THREADS, address)
  if (result === 0) inForce.push('system-calls')
  else missing.push({ mechanism: 'system-calls', why: `the kernel refuses a filter (seccomp: ${result})` })
}
