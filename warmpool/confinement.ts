/**
 * What a function's worker is to take from itself at load, by the function's profile: which paths it may read and write,
 * and whether it reaches the network. What is system and what is the function's is decided here and in the gateway, so
 * that every runtime confines itself alike; how it is done is a runtime's business.
 */
import { existsSync } from 'node:fs'
import type { Egress } from './egress.ts'
import type { FunctionSettings } from './settings.ts'
import type { Confined, Confinement, ErrorReport, Mechanism } from './wire/messages.ts'
import { type Sockets, seccompFilter } from './wire/seccomp.ts'
import { processorOf } from './wire/system-calls.ts'
import { DEVICES, SYSTEM_PATHS } from './wire/system-paths.ts'

/** What each confining profile demands of the worker itself. */
export const DEMANDED: readonly Mechanism[] = ['privileges', 'files', 'signals', 'system-calls']

/** Null for functions that are trusted. `folder` is the worker's own; `egress` the way out of one that has a list of hosts. */
export function confinementOf(
  { isolation, network, readable, writable, isolationMissing }: FunctionSettings,
  own: readonly string[],
  folder: string,
  egress: Egress | null,
): Confinement | null {
  if (isolation === 'trusted') return null
  const reached = typeof network === 'string' ? network : (egress?.port ?? 'none')
  return {
    read: [...systemThatIsThere(), ...own, ...readable],
    write: [folder, ...DEVICES, ...writable],
    network: reached,
    folder,
    filter: filterFor(typeof reached === 'number' ? 'tcp' : reached),
    isDemanded: isolationMissing === 'refuse',
  }
}

let there: readonly string[] | null = null

/** Looked at once: each that is not there would cost every worker a while. */
function systemThatIsThere(): readonly string[] {
  there ??= SYSTEM_PATHS.filter((path) => existsSync(path))
  return there
}

const filters = new Map<string, string | null>()

function filterFor(network: Sockets): string | null {
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
  const isolationIn = ({ isolation, network, readable, writable, isolationMissing }: FunctionSettings): string =>
    JSON.stringify([isolation, network, readable, writable, isolationMissing])
  return isolationIn(a) === isolationIn(b)
}

/** Null when all is in force that is demanded; a worker's word that it has loaded the function all the same is a lie. */
export function withheld(wanted: Confinement | null, confined: Confined | undefined): string | null {
  if (wanted === null || !wanted.isDemanded) return null
  const absent = DEMANDED.filter((mechanism) => confined?.inForce.includes(mechanism) !== true)
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
