/**
 * What a function's worker is to take from itself at load, by the function's profile: which paths it may read and write,
 * and whether it reaches the network. What is system and what is the function's is decided here and in the gateway, so
 * that every runtime confines itself alike; how it is done is a runtime's business.
 */
import { existsSync } from 'node:fs'
import type { Egress } from './egress.ts'
import { mountsFor } from './sandbox/mounts.ts'
import type { FunctionSettings, Isolation } from './settings.ts'
import type { Sandboxed } from './spawn.ts'
import type { Confined, Confinement, ErrorReport, Mechanism, SandboxEntry } from './wire/messages.ts'
import { type Sockets, seccompFilter } from './wire/seccomp.ts'
import { processorOf } from './wire/system-calls.ts'
import { DEVICES, SYSTEM_PATHS } from './wire/system-paths.ts'

/** What each profile demands. */
const OF_PROCESS = ['privileges', 'files', 'signals', 'system-calls'] as const
export const DEMANDED: Readonly<Record<Isolation, readonly Mechanism[]>> = {
  sandbox: ['namespaces', ...OF_PROCESS],
  process: OF_PROCESS,
  trusted: [],
}

/**
 * Null for functions that are trusted. `folder` is the worker's own; `egress` the way out of one that has a list of
 * hosts; `sandboxed` says how it was started.
 */
export function confinementOf(
  { isolation, network, listen, readable, writable, isolationMissing }: FunctionSettings,
  own: readonly string[],
  folder: string,
  egress: Egress | null,
  sandboxed: Sandboxed | null = null,
  atTmp: string | null = null,
): Confinement | null {
  if (isolation === 'trusted') return null
  const read = [...own, ...readable]
  const write = [folder, ...writable]
  const ofSandbox = sandboxed === null ? [] : ['/tmp']
  const reached = typeof network === 'string' ? network : (egress?.port ?? 'none')
  // A sandbox without the machine's network has one of its own: in there, programs may speak to each other.
  const taken = sandboxed !== null && reached === 'none' ? 'all' : reached
  const mayListen = listen !== 'none'
  return {
    read: [...systemThatIsThere(), ...read],
    write: [...write, ...ofSandbox, ...DEVICES],
    network: taken,
    mayListen,
    folder,
    filter: filterFor(socketsFor(taken, mayListen)),
    isDemanded: isolationMissing === 'refuse',
    ...(sandboxed === null ? {} : { sandbox: entryInto(sandboxed, read, write, atTmp) }),
  }
}

function socketsFor(network: Confinement['network'], mayListen: boolean): Sockets {
  if (typeof network === 'number') return 'tcp'
  return network === 'all' && !mayListen ? 'known' : network
}

/** `atTmp`: the folder that stands at `/tmp`, first, for what else is there is mounted into it. */
function entryInto(
  { host, user, given, shown }: Sandboxed,
  read: readonly string[],
  write: readonly string[],
  atTmp: string | null,
): SandboxEntry {
  if (host === null) return { host, user, given, mounts: [] }
  const mounts = mountsFor([...read, ...shown], write)
  const ofTmp = atTmp === null ? [] : [{ from: atTmp, at: '/tmp', isWritable: true }]
  return { host, user, given, mounts: [...ofTmp, ...mounts] }
}

let there: readonly string[] | null = null

/** Looked at once: each that is not there would cost every worker a while. */
function systemThatIsThere(): readonly string[] {
  there ??= SYSTEM_PATHS.filter((path) => existsSync(path))
  return there
}

const filters = new Map<string, string | null>()

/** In base64; null where this processor's system calls are not known. */
export function filterFor(network: Sockets): string | null {
  let filter = filters.get(network)
  if (filter === undefined) {
    const processor = processorOf(process.arch)
    filter = processor === null ? null : seccompFilter(processor, network).toString('base64')
    filters.set(network, filter)
  }
  return filter
}

/** Whether workers that were started under the one may go on under the other. */
export function sameIsolation(a: FunctionSettings, b: FunctionSettings): boolean {
  const isolationIn = ({
    isolation,
    network,
    listen,
    readable,
    writable,
    isolationMissing,
  }: FunctionSettings): string => JSON.stringify([isolation, network, listen, readable, writable, isolationMissing])
  return isolationIn(a) === isolationIn(b)
}

/** All that holds a worker, by its own word and by how it was started; null for what is trusted. */
export function allInForce(wanted: Confinement | null, said: Confined | undefined): Confined | null {
  if (wanted?.sandbox === undefined) return said ?? null
  const { given } = wanted.sandbox
  const inForce = [...new Set([...given, ...(said?.inForce ?? [])])]
  const missing = said?.missing.filter(({ mechanism }) => !inForce.includes(mechanism)) ?? []
  if (inForce.includes('abstract-sockets')) return { inForce, missing }
  // Only Landlock keeps names that are in no folder from what has the machine's network.
  if (said?.inForce.includes('signals')) return { inForce: [...inForce, 'abstract-sockets'], missing }
  const why = said?.missing.find(({ mechanism }) => mechanism === 'signals')?.why ?? 'its runtime does not use Landlock'
  return { inForce, missing: [...missing, { mechanism: 'abstract-sockets', why }] }
}

/** One that was to be in a sandbox, and there are none here. */
export function withoutSandbox(confined: Confined | null, why: string): Confined {
  const { inForce, missing } = confined ?? { inForce: [], missing: [] }
  return { inForce, missing: [{ mechanism: 'namespaces', why }, ...missing] }
}

/** Null when all is in force that is demanded; a worker's word that it has loaded the function all the same is a lie. */
export function withheld(wanted: Confinement | null, confined: Confined | null | undefined): string | null {
  if (wanted === null || !wanted.isDemanded) return null
  const demanded = DEMANDED[wanted.sandbox === undefined ? 'process' : 'sandbox']
  const absent = demanded.filter((mechanism) => confined?.inForce.includes(mechanism) !== true)
  return absent.length === 0 ? null : `it loaded the function without ${absent.join(', ')}, which was demanded`
}

/** The name in the report of a worker that did not load the function because something is missing. */
const ISOLATION_MISSING = 'IsolationMissing'

/** Says whose fault it is and what to do. Other reports are as they were. */
export function explained(report: ErrorReport): ErrorReport {
  if (report.name !== ISOLATION_MISSING) return report
  const wayOut =
    "The machine or the runtime lacks it, not the function: `wrangler-free doctor` says more. With isolationMissing: 'warn' " +
    "it runs without; with isolation: 'trusted' nothing is asked for"
  const message = `its isolation cannot be had here: ${report.message}. ${wayOut}`
  return { ...report, message, stack: `${ISOLATION_MISSING}: ${message}` }
}

/** In words, for the log and for people; null when nothing is missing. */
export function missingInWords(confined: Confined | null): string | null {
  if (confined === null || confined.missing.length === 0) return null
  return confined.missing.map(({ mechanism, why }) => `${mechanism}: ${why}`).join('; ')
}
