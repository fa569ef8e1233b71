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
const CAPABILITY_VERSION = 0x2008_0522
/** Where in the data they are; what every-thread.ts has there ends before. */
const CAPABILITIES_AT = 128

/** What every function may read and write. Programs start the runtime they run in again. */
const READ_BY_ALL = new Set([...SYSTEM_PATHS, process.execPath])
const WRITTEN_BY_ALL = new Set(DEVICES)

export interface Rights {
  readonly kernel: Kernel
  /** Of the kernel's Landlock. */
  readonly version: number
  /** What every function may, and all of the network; null: this kernel has no rulesets. */
  readonly ruleset: number | null
  /** Armed with what takes all else. */
  readonly threads: EveryThread
}

/** Null: it is in force; else why not. */
export type Taken = Readonly<Record<Exclude<Mechanism, 'system-calls'>, string | null>>

/** Throws an error in words. */
export function prepareRights(kernel: Kernel): Rights {
  const version = landlockVersion(kernel)
  const ofAll = { read: READ_BY_ALL, write: WRITTEN_BY_ALL }
  const ruleset = version === 0 ? null : openRuleset(kernel, version, ofAll, 'all')
  writeCapabilities(kernel)
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
  const { version, threads } = rights
  const isListed = typeof wanted.network === 'number'
  const ruleset = rulesetFor(rights, wanted)
  const [privileges = 0, capabilities = 0, landlock = 0] = threads.call()
  close(rights.kernel, ruleset)
  const refused = landlock < 0 ? `the kernel refuses Landlock (error ${-landlock})` : null
  const tooOld = (wanted: string) => `this kernel's Landlock is ${inWords(version)}, and ${wanted} is needed`
  return {
    privileges: privileges === 0 && capabilities === 0 ? null : `the kernel refuses (${privileges}, ${capabilities})`,
    files:
      version < 3
        ? tooOld('3 (Linux 6.2)')
        : isListed && !hasNetwork(version)
          ? tooOld('4 (Linux 6.7, for a list of hosts)')
          : refused,
    signals: hasScopes(version) ? refused : tooOld('6 (Linux 6.12)'),
  }
}

function rulesetFor(
  { kernel, version, ruleset, threads }: Rights,
  { read, write, network }: Confinement,
): number | null {
  if (ruleset === null) return null
  if (network === 'all') {
    const own = {
      read: read.filter((path) => !READ_BY_ALL.has(path)),
      write: write.filter((path) => !WRITTEN_BY_ALL.has(path)),
    }
    addRules(kernel, ruleset, own, handledBy(version))
    return ruleset
  }
  close(kernel, ruleset)
  const narrower = openRuleset(kernel, version, { read: [...read, process.execPath], write }, network)
  threads.arm(callsWith(kernel, narrower))
  return narrower
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
function writeCapabilities({ data }: Kernel): void {
  const permitted = BigInt(`0x${/^CapPrm:\s*(\w+)/m.exec(readFileSync('/proc/self/status', 'latin1'))![1]}`)
  const kept = Number(permitted & KEPT_CAPABILITIES)
  data.memory.writeUInt32LE(CAPABILITY_VERSION, CAPABILITIES_AT)
  data.memory.writeUInt32LE(kept, CAPABILITIES_AT + 8)
  data.memory.writeUInt32LE(kept, CAPABILITIES_AT + 12)
}
