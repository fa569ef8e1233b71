/**
 * The rights that are a thread's own, taken from every thread: those that set-uid programs would give, the superuser's,
 * and by Landlock all folders but some, signals and abstract sockets. A blank has all ready that does not depend on the
 * function: most rules are about the system.
 */
import { readFileSync } from 'node:fs'
import type { Confinement, Mechanism } from '../../../wire/messages.ts'
import { LANDLOCK_RESTRICT_SELF } from '../../../wire/system-calls.ts'
import { DEVICES, SYSTEM_PATHS } from '../../../wire/system-paths.ts'
import { EveryThread, type ThreadCall } from './every-thread.ts'
import type { Kernel } from './kernel.ts'
import { addRules, handledBy, hasNetwork, hasScopes, landlockVersion, openRuleset } from './landlock.ts'

const SET_NO_NEW_PRIVILEGES = 38
/** CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, NET_BIND_SERVICE: what programs of the superuser need. */
const KEPT_CAPABILITIES = 0b100_1111_1011n
/** In a sandbox. */
const NO_CAPABILITIES = 0n
const SET_DUMPABLE = 4
const CAPABILITY_VERSION = 0x2008_0522
/** Where in the data they are; what every-thread.ts has there ends before. */
const CAPABILITIES_AT = 128

/** What every function may read and write. Programs start the runtime they run in again. */
const READ_BY_ALL = new Set([...SYSTEM_PATHS, process.execPath])
const WRITTEN_BY_ALL = new Set(DEVICES)

/** Of most functions. */
const USUAL_NETWORK = { network: 'all', mayListen: false } as const

export interface Rights {
  readonly kernel: Kernel
  /** Of the kernel's Landlock. */
  readonly version: number
  /** What every function may, and all of the network but to listen; null: this kernel has no rulesets. */
  readonly ruleset: number | null
  /** Armed with what takes all else. */
  readonly threads: EveryThread
}

/** Null: it is in force; else why not. */
export type Taken = Readonly<Record<Extract<Mechanism, 'privileges' | 'files' | 'signals'>, string | null>>

/** Throws an error in words. */
export function prepareRights(kernel: Kernel): Rights {
  const version = landlockVersion(kernel)
  const ofAll = { read: READ_BY_ALL, write: WRITTEN_BY_ALL }
  const ruleset = version === 0 ? null : openRuleset(kernel, version, ofAll, USUAL_NETWORK)
  writeCapabilities(kernel, KEPT_CAPABILITIES)
  const threads = new EveryThread(kernel)
  threads.arm(callsWith(kernel, ruleset))
  threads.rehearse()
  return { kernel, version, ruleset, threads }
}

/** They stay with this process. */
export function forgetRights(rights: Rights | string): void {
  if (typeof rights === 'string') return
  rights.threads.disarm()
  close(rights.kernel, rights.ruleset)
}

/** Throws an error in words when nothing can be said of what is in force. */
export function takeRights(rights: Rights, wanted: Confinement): Taken {
  const { kernel, version, threads } = rights
  const ruleset = rulesetFor(rights, wanted)
  const becoming = userCalls(kernel, wanted)
  if (wanted.sandbox !== undefined) writeCapabilities(kernel, NO_CAPABILITIES)
  if (becoming.length > 0 || ruleset !== rights.ruleset) threads.arm([...becoming, ...callsWith(kernel, ruleset)])
  const results = threads.call()
  close(kernel, ruleset)
  const refusals = results.splice(0, becoming.length)
  if (refusals.some((error) => error < 0)) throw new Error(`it cannot become its user (errors ${refusals.join(', ')})`)
  // What is told of it in /proc would be the superuser's, and closed to itself.
  if (becoming.length > 0) kernel.call(kernel.processor.numbers.prctl!, SET_DUMPABLE, 1)
  const [privileges = 0, capabilities = 0, landlock = 0] = results
  const refused = landlock < 0 ? `the kernel refuses Landlock (error ${-landlock})` : null
  const tooOld = (needed: string) => `this kernel's Landlock is ${inWords(version)}, and ${needed} is needed`
  return {
    privileges: privileges === 0 && capabilities === 0 ? null : `the kernel refuses (${privileges}, ${capabilities})`,
    files: isTooOld(version, wanted) ? tooOld(filesNeed(wanted)) : refused,
    signals: hasScopes(version) ? refused : tooOld('6 (Linux 6.12)'),
  }
}

function isTooOld(version: number, { network }: Confinement): boolean {
  return version < 3 || (typeof network === 'number' && !hasNetwork(version))
}

function filesNeed({ network }: Confinement): string {
  return typeof network === 'number' ? '4 (Linux 6.7, for a list of hosts)' : '3 (Linux 6.2)'
}

/** What makes a thread its function's user's; the right to that goes with the others. */
function userCalls({ processor }: Kernel, { sandbox }: Confinement): ThreadCall[] {
  // One that was started for its function is the user already.
  if (sandbox === undefined || sandbox.host === null || sandbox.user === null) return []
  const { setgroups, setresgid, setresuid } = processor.numbers
  const own = BigInt(sandbox.user)
  return [
    { number: setgroups!, arguments: [0n, 0n, 0n, 0n, 0n] },
    { number: setresgid!, arguments: [own, own, own, 0n, 0n] },
    { number: setresuid!, arguments: [own, own, own, 0n, 0n] },
  ]
}

function rulesetFor({ kernel, version, ruleset }: Rights, wanted: Confinement): number | null {
  if (ruleset === null) return null
  const { read, write, network, mayListen } = wanted
  if (network === USUAL_NETWORK.network && mayListen === USUAL_NETWORK.mayListen) {
    const own = {
      read: read.filter((path) => !READ_BY_ALL.has(path)),
      write: write.filter((path) => !WRITTEN_BY_ALL.has(path)),
    }
    addRules(kernel, ruleset, own, handledBy(version))
    return ruleset
  }
  close(kernel, ruleset)
  return openRuleset(kernel, version, { read: [...read, process.execPath], write }, wanted)
}

/** By the system itself: not every runtime closes what it has not opened. */
function close({ call, processor }: Kernel, descriptor: number | null): void {
  if (descriptor !== null) call(processor.numbers.close!, descriptor)
}

function inWords(version: number): string {
  return version === 0 ? 'not there' : `version ${version}`
}

/** Their results are read in this order. */
function callsWith({ processor, data }: Kernel, ruleset: number | null): ThreadCall[] {
  const at = data.address + BigInt(CAPABILITIES_AT)
  return [
    { number: processor.numbers.prctl!, arguments: [BigInt(SET_NO_NEW_PRIVILEGES), 1n, 0n, 0n, 0n] },
    { number: processor.numbers.capset!, arguments: [at, at + 8n] },
    ...(ruleset === null ? [] : [{ number: LANDLOCK_RESTRICT_SELF, arguments: [BigInt(ruleset), 0n] }]),
  ]
}

/** Header and sets for `capset`: of what there is, what is kept. */
function writeCapabilities({ data }: Kernel, most: bigint): void {
  const permitted = BigInt(`0x${/^CapPrm:\s*(\w+)/m.exec(readFileSync('/proc/self/status', 'latin1'))![1]}`)
  const kept = Number(permitted & most)
  data.memory.writeUInt32LE(CAPABILITY_VERSION, CAPABILITIES_AT)
  data.memory.writeUInt32LE(kept, CAPABILITIES_AT + 8)
  data.memory.writeUInt32LE(kept, CAPABILITIES_AT + 12)
}
