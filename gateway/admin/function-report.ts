/** What the admin address tells of one function: what the pool, the catalogue and its record know, put together. */
import type { FunctionStatus } from '../../warmpool/index.ts'
import type { Config } from '../config/index.ts'
import type { CanaryRecord } from '../deploy/record.ts'
import type { CatalogEntry } from '../functions/catalog.ts'
import type { FunctionReport } from './status.ts'

/** `known`: what the pool knows of it, version by version. `canary`: the one that runs, where it was deployed. */
export function functionReport(
  entry: CatalogEntry,
  known: readonly FunctionStatus[],
  config: Config,
  routes: readonly string[],
  canary: CanaryRecord | null,
): FunctionReport {
  const report = { ...statusOf(entry, known, config), routes, error: entry.error }
  if (entry.version === null) return report
  return { ...report, deployed: { canary: canary && { version: canary.version, percent: canary.percent } } }
}

/** Of all that the pool knows of a function: the live version's, with what others of it have besides. */
function statusOf(entry: CatalogEntry, known: readonly FunctionStatus[], config: Config): FunctionStatus {
  const live = known.find(({ name }) => name === entry.pool)
  const { name, version } = entry
  if (live === undefined) return neverLive(name, config)
  const others = known.filter((one) => one !== live)
  const workers = [live, ...others].flatMap((one) => one.workers)
  return { ...live, name, ...(version === null ? {} : { version }), workers }
}

/** A function that never had a bundle that builds. */
function neverLive(name: string, config: Config): FunctionStatus {
  const { isolation: profile, network } = config.functionSettings(name)
  return {
    name,
    version: 0,
    bundle: '',
    runtime: 'node',
    isolation: { profile, network, inForce: null, missing: [] },
    starts: { warm: 0, blank: 0, cold: 0 },
    deaths: {},
    invocations: 0,
    errors: 0,
    latencyMs: { p50: null, p99: null },
    queue: 0,
    unavailable: null,
    workers: [],
  }
}
