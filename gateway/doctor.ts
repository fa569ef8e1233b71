/**
 * What is really in force on this machine and for this user, under each profile: each runtime that is there boots a
 * worker, which is confined as it would be for a function, and then tries what it must not be able to do any longer.
 */

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  keepDescriptors,
  type LoadedEvent,
  type LoadFailedEvent,
  MECHANISMS,
  type Mechanism,
  noSandboxBecause,
  WarmPool,
} from '../warmpool/index.ts'
import { findRuntime, locateRuntime } from './runtimes/located.ts'

export interface Finding {
  readonly runtime: string
  /** Null for what holds under each. */
  readonly profile: Profile | null
  readonly mechanism: string
  readonly state: 'in force' | 'missing'
  /** Why it is missing; null where it is in force. */
  readonly why: string | null
}

type Profile = (typeof PROFILES)[number]
const PROFILES = ['process', 'sandbox'] as const
const WORKER_TIMEOUT_MS = 10_000
/** A worker may have to boot before it loads, and others may be in front of it. */
const BOOTS = 3
/** Beside the runtime of the gateway itself. */
const OTHERS = ['python', 'node@22', 'node@24', 'node@26', 'bun', 'deno']

/** Not the probes' own: what they must not read. */
const OUTSIDE = 'outside'
/** Before what they have reached, for whoever reads their error. */
const REACHED = 'reached: '

/** Modules that do not load when they get at what is taken from them, and say which mechanism did not hold. */
const PROBES: Readonly<Record<string, string>> = {
  'index.mjs': `
import fs from 'node:fs'
import os from 'node:os'
const tried = {
  privileges: () => { if (!/^NoNewPrivs:\\s*1$/m.test(fs.readFileSync('/proc/self/status', 'latin1'))) return; throw 0 },
  files: () => fs.readFileSync(process.env.OUTSIDE),
  signals: () => process.kill(process.env.PROFILE === 'sandbox' ? Number(process.env.PID) : process.ppid, 0),
  'system-calls': () => os.setPriority(process.ppid, os.getPriority(process.ppid)),
  namespaces: () => { if (process.env.PROFILE === 'sandbox') return fs.lstatSync(process.env.OUTSIDE); throw 0 },
}
const reached = Object.keys(tried).filter((name) => { try { tried[name](); return true } catch { return false } })
if (reached.length > 0) throw new Error('${REACHED}' + reached.join(' '))
export default () => new Response('')
`,
  'index.py': `
import os
def privileges():
    with open('/proc/self/status') as status:
        assert 'NoNewPrivs:\\t1\\n' not in status.read()
def files():
    open(os.environ['OUTSIDE']).close()
def signals():
    os.kill(int(os.environ['PID']) if os.environ['PROFILE'] == 'sandbox' else os.getppid(), 0)
def system_calls():
    os.setpriority(os.PRIO_PROCESS, os.getppid(), os.getpriority(os.PRIO_PROCESS, os.getppid()))
def namespaces():
    assert os.environ['PROFILE'] == 'sandbox'
    os.lstat(os.environ['OUTSIDE'])
reached = []
for attempt in (privileges, files, signals, system_calls, namespaces):
    try:
        attempt()
        reached.append(attempt.__name__.replace('_', '-'))
    except (OSError, AssertionError):
        pass
if reached:
    raise RuntimeError('${REACHED}' + ' '.join(reached))
def handler(request):
    return ''
`,
}

/** `stateDir`: where added runtimes are. */
export async function examine(stateDir: string): Promise<Finding[]> {
  const folder = mkdtempSync(join(tmpdir(), 'wrangler-free-doctor-'))
  mkdirSync(join(folder, 'probes'))
  writeFileSync(join(folder, OUTSIDE), '')
  for (const [name, text] of Object.entries(PROBES)) writeFileSync(join(folder, 'probes', name), text)
  const others = OTHERS.filter((runtime) => runtime === 'python' || findRuntime(stateDir, runtime) !== null)
  try {
    const found: Finding[] = [descriptors(), finding('gateway', 'sandbox', 'no network', noSandboxBecause('none'))]
    // One after the other: each may use all of the machine to boot.
    for (const runtime of ['node', ...others])
      for (const profile of PROFILES) found.push(...(await examineRuntime(runtime, profile, folder, stateDir)))
    return found
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function descriptors(): Finding {
  const why = keepDescriptors() ? null : `the gateway's Node ${process.versions.node} has no node:ffi (Node 26)`
  return finding('gateway', null, 'descriptors', why)
}

async function examineRuntime(runtime: string, profile: Profile, folder: string, stateDir: string): Promise<Finding[]> {
  const mechanisms = [...MECHANISMS[profile], ...(profile === 'sandbox' ? (['abstract-sockets'] as const) : [])]
  const noSandbox = profile === 'sandbox' ? noSandboxBecause('all') : null
  // Without them it is refused, whatever else there is.
  if (noSandbox !== null) return [finding(runtime, profile, 'namespaces', noSandbox)]
  const pool = new WarmPool({ blanks: 0, locateRuntime: (name) => locateRuntime({ stateDir, runtimes: {} }, name) })
  try {
    const outcome = loaded(pool, mechanisms)
    const probes = join(folder, 'probes')
    const entry = pathToFileURL(join(probes, runtime === 'python' ? 'index.py' : 'index.mjs')).href
    const as = { format: null, handler: null, command: null, cwd: null, readable: [probes] }
    const env = { OUTSIDE: join(folder, OUTSIDE), PROFILE: profile, PID: String(process.pid) }
    const settings = {
      ...pool.defaults,
      isolation: profile,
      env,
      minWorkers: 1,
      maxWorkers: 1,
      bootTimeoutMs: WORKER_TIMEOUT_MS,
    }
    pool.define({ name: 'doctor', bundle: 'doctor', entry, runtime, ...as, settings })
    await pool.warmedUp(undefined, BOOTS * WORKER_TIMEOUT_MS)
    const cannotStart = pool.cannotStart('doctor')
    const missing = cannotStart === null ? await outcome : new Map(mechanisms.map((one) => [one, cannotStart]))
    return mechanisms.map((mechanism) => finding(runtime, profile, mechanism, missing.get(mechanism) ?? null))
  } finally {
    await pool.close(0)
  }
}

/** What is missing, and why. */
function loaded(pool: WarmPool, mechanisms: readonly Mechanism[]): Promise<ReadonlyMap<string, string>> {
  return new Promise((resolve) => {
    const nothing = (why: string) => resolve(new Map(mechanisms.map((mechanism) => [mechanism, why])))
    pool.once('loaded', ({ confined }: LoadedEvent) => {
      if (confined === null) return nothing('its worker did not say that it is confined')
      const absent = mechanisms.filter((mechanism) => !confined.inForce.includes(mechanism))
      const whys = new Map(confined.missing.map(({ mechanism, why }) => [mechanism, why]))
      resolve(new Map(absent.map((mechanism) => [mechanism, whys.get(mechanism) ?? 'its worker does not say why'])))
    })
    pool.once('load-failed', ({ report: { message } }: LoadFailedEvent) => {
      if (!message.startsWith(REACHED)) return nothing(message)
      const reached = message.slice(REACHED.length).split(' ')
      resolve(new Map(reached.map((mechanism) => [mechanism, 'it was tried, and nothing stopped it'])))
    })
    pool.on('death', ({ function: name, description }) => {
      if (name !== null) nothing(`its worker ended: ${description}`)
    })
  })
}

function finding(runtime: string, profile: Profile | null, mechanism: string, why: string | null): Finding {
  return { runtime, profile, mechanism, state: why === null ? 'in force' : 'missing', why }
}
