/**
 * What is really in force on this machine and for this user: each runtime that is there boots a worker, which takes
 * everything from itself as it would for a function, and then tries what it must not be able to do any longer.
 */

import { mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { keepDescriptors, type LoadedEvent, type LoadFailedEvent, MECHANISMS, WarmPool } from '../warmpool/index.ts'
import { findRuntime, locateRuntime } from './runtimes/located.ts'

export interface Finding {
  readonly runtime: string
  readonly mechanism: string
  readonly state: 'in force' | 'missing'
  /** Why it is missing; null where it is in force. */
  readonly why: string | null
}

const WORKER_TIMEOUT_MS = 10_000
/** Beside the runtime of the gateway itself. */
const OTHERS = ['python', 'node@22', 'node@24', 'node@26', 'bun', 'deno']

const PROBES: Readonly<Record<string, string>> = {
  'index.mjs': 'export default () => new Response("")',
  'index.py': 'def handler(request):\n    return ""\n',
}

/** `stateDir`: where added runtimes are. */
export async function examine(stateDir: string): Promise<Finding[]> {
  const folder = mkdtempSync(join(tmpdir(), 'wrangler-free-doctor-'))
  for (const [name, text] of Object.entries(PROBES)) writeFileSync(join(folder, name), text)
  const others = OTHERS.filter((runtime) => runtime === 'python' || findRuntime(stateDir, runtime) !== null)
  try {
    const found: Finding[] = [descriptors()]
    // One after the other: each may use all of the machine to boot.
    for (const runtime of ['node', ...others]) found.push(...(await examineRuntime(runtime, folder, stateDir)))
    return found
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function descriptors(): Finding {
  const why = keepDescriptors() ? null : `the gateway's Node ${process.versions.node} has no node:ffi (Node 26)`
  return finding('gateway', 'descriptors', why)
}

async function examineRuntime(runtime: string, folder: string, stateDir: string): Promise<Finding[]> {
  const pool = new WarmPool({ blanks: 0, locateRuntime: (name) => locateRuntime(stateDir, name) })
  try {
    const outcome = loaded(pool)
    const entry = pathToFileURL(join(folder, runtime === 'python' ? 'index.py' : 'index.mjs')).href
    const as = { format: null, handler: null, command: null, cwd: null, readable: [folder] }
    const settings = { ...pool.defaults, minWorkers: 1, maxWorkers: 1, bootTimeoutMs: WORKER_TIMEOUT_MS }
    pool.define({ name: 'doctor', bundle: 'doctor', entry, runtime, ...as, settings })
    await pool.warmedUp()
    const cannotStart = pool.cannotStart(runtime)
    const missing = cannotStart === null ? await outcome : new Map(MECHANISMS.map((one) => [one, cannotStart]))
    return MECHANISMS.map((mechanism) => finding(runtime, mechanism, missing.get(mechanism) ?? null))
  } finally {
    await pool.close(0)
  }
}

/** What is missing, and why. */
function loaded(pool: WarmPool): Promise<ReadonlyMap<string, string>> {
  return new Promise((resolve) => {
    const nothing = (why: string) => resolve(new Map(MECHANISMS.map((mechanism) => [mechanism, why])))
    pool.once('loaded', ({ confined }: LoadedEvent) => {
      if (confined === null) return nothing('its worker did not say that it is confined')
      const absent = MECHANISMS.filter((mechanism) => !confined.inForce.includes(mechanism))
      const whys = new Map(confined.missing.map(({ mechanism, why }) => [mechanism, why]))
      resolve(new Map(absent.map((mechanism) => [mechanism, whys.get(mechanism) ?? 'its worker does not say why'])))
    })
    pool.once('load-failed', ({ report }: LoadFailedEvent) => nothing(report.message))
    pool.on('death', ({ function: name, description }) => {
      if (name !== null) nothing(`its worker ended: ${description}`)
    })
  })
}

function finding(runtime: string, mechanism: string, why: string | null): Finding {
  return { runtime, mechanism, state: why === null ? 'in force' : 'missing', why }
}
