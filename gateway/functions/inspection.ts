/**
 * Looks at one function as the gateway would: finds out what it is, builds it, and loads it in a worker of its own, so
 * that what is wrong with it shows here and not at the first call. It leaves nothing behind.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import {
  type ErrorReport,
  type FunctionSettings,
  type IsolationStatus,
  type LoadedEvent,
  type LoadFailedEvent,
  WarmPool,
} from '../../warmpool/index.ts'
import { type Config, type FunctionSecrets, type SettingInForce, settingsInForce } from '../config/index.ts'
import { EgressProxy } from '../egress/proxy.ts'
import { RouteTable } from '../http/route-table.ts'
import { locateRuntime } from '../runtimes/located.ts'
import type { BuildError } from './build-error.ts'
import { Builder } from './builder.ts'
import { discoverOne, type FunctionSource } from './discover.ts'
import { ownRoutes } from './own-routes.ts'
import { type PlatformReport, platformReport } from './platform-files.ts'
import { runAs } from './run-as.ts'

export interface Inspection extends PlatformReport {
  readonly name: string
  readonly kind: 'folder' | 'file' | null
  /** Relative to the function's folder; null when it is not known where it starts. */
  readonly entry: string | null
  readonly runtime: string | null
  /** With the version, as the worker itself says it; null when none could load it. */
  readonly runsOn: string | null
  readonly format: string | null
  readonly handler: string | null
  readonly command: readonly string[] | null
  /** What starts a worker, where the runtime is one of the operator's own. */
  readonly startedBy: readonly string[] | null
  readonly why: string | null
  readonly routes: readonly string[]
  /** What does not keep it from being served and its author should know. */
  readonly notes: readonly string[]
  readonly settings: readonly SettingInForce[]
  readonly loadMs: number | null
  /** What keeps it from others on this machine; null when it was not loaded. */
  readonly isolation: IsolationStatus | null
  /** What is wrong with it, if anything is. */
  readonly problem: Problem | null
}

interface Problem {
  readonly message: string
  readonly file?: string
  readonly line?: number
  readonly frame?: string
}

interface Loaded {
  readonly format: string | null
  readonly runsOn: string | null
  readonly loadMs: number | null
  readonly isolation: IsolationStatus | null
  readonly problem: Problem | null
}

/** `path`: a folder or a file with one function. */
export async function inspect(path: string, config: Config): Promise<Inspection> {
  const found = await discoverOne(dirname(path), basename(path), config)
  if (!('source' in found)) return unfit(found.name, found.problem)
  const { source } = found
  const { identity, file, name } = source
  const [forAll, forThis] = config.layersOf(name)
  const own = file === null ? [] : [{ from: 'function.json', written: file, isOwn: true as const }]
  const { format: foundFormat, ...loaded } = await load(source, config)
  const format = foundFormat ?? identity.format
  return {
    name,
    kind: source.kind,
    entry: identity.command === null ? relative(dirname(path), source.entry) : null,
    runtime: identity.runtime,
    handler: identity.handler,
    command: identity.command,
    startedBy: config.runtimes[identity.runtime]?.command ?? null,
    why: identity.why,
    routes: new RouteTable([...config.routes, ...ownRoutes(source)], [name]).routesOf(name),
    notes: [...source.notes, ...(format === 'req-res' && source.file?.format === undefined ? [UNMARKED] : [])],
    ...(await platformReport(source, format)),
    settings: [
      ...settingsInForce([forAll, ...own, forThis]),
      ...secretsInForce(config.secretsOf(name, file ?? undefined)),
    ],
    format,
    ...loaded,
  }
}

const UNMARKED =
  'nothing says for which platform this (req, res) function is written, so it gets the helpers of Express, Vercel and Google Cloud together, and its body is read before it is called. To have those of one, write "format": "node", "vercel" or "gcf" in function.json'

/** Where each secret comes from; what it is worth is nobody's business here. */
function secretsInForce({ given }: FunctionSecrets): SettingInForce[] {
  return given.map(({ name, place, from }) => ({ key: `secrets.${name}`, value: place, from }))
}

async function load(source: FunctionSource, config: Config): Promise<Loaded> {
  const { missing } = config.secretsOf(source.name, source.file ?? undefined)
  if (missing.length > 0) return failed({ message: missing.join(' ') })
  const stateDir = await mkdtemp(join(tmpdir(), 'wrangler-free-inspect-'))
  const builder = await Builder.open(stateDir)
  const settings = config.functionSettings(source.name, source.file ?? undefined)
  const egress = await EgressProxy.ofOne(settings)
  const pool = new WarmPool({
    blanks: 0,
    locateRuntime: (runtime) => locateRuntime(config, runtime),
    egress: (name) => egress.egressOf(name),
  })
  try {
    const outcome = await builder.buildOne(source)
    if (!outcome.ok) return failed(ofBuild(outcome.error))
    const loaded = whenLoaded(pool, settings)
    const spec = {
      name: source.name,
      bundle: outcome.bundle.id,
      ...runAs(source, outcome.bundle, outcome.outsideInputs),
    }
    pool.define({ ...spec, settings: { ...settings, minWorkers: 1, maxWorkers: 1 } })
    // Resolves too where no process can be started: then nothing is ever loaded.
    await pool.warmedUp()
    const message = pool.cannotStart(spec.name)
    return message === null ? await loaded : failed({ message })
  } finally {
    await Promise.all([pool.close(0), builder.close()])
    egress.close()
    await rm(stateDir, { recursive: true, force: true })
  }
}

/** Once there is a process, the pool says one or the other within the function's boot time-out. */
function whenLoaded(pool: WarmPool, { isolation: profile, network }: FunctionSettings): Promise<Loaded> {
  return new Promise((resolve) => {
    pool.once('loaded', ({ format, runtime, loadMs, confined }: LoadedEvent) => {
      const { inForce, missing } = confined ?? { inForce: [], missing: [] }
      resolve({ format, runsOn: runtime, loadMs, isolation: { profile, network, inForce, missing }, problem: null })
    })
    pool.once('load-failed', ({ report }: LoadFailedEvent) => resolve(failed(ofReport(report))))
    pool.on('death', ({ function: name, description }) => {
      if (name !== null) resolve(failed({ message: `Its worker died while loading it: ${description}` }))
    })
  })
}

function failed(problem: Problem): Loaded {
  return { format: null, runsOn: null, loadMs: null, isolation: null, problem }
}

/** A place in the bundle's copy of the sources is told as the author knows it, one in its code without where that lies. */
function ofReport({ name, message, file: reported, line, frame }: ErrorReport): Problem {
  const file = reported?.replace(/^.*\/(?:files|bundles\/[^/]+)\//, '')
  const place = { ...(file && { file }), ...(line && { line }), ...(frame && { frame }) }
  return { message: `${name}: ${message}`, ...place }
}

function ofBuild({ message, file, line, frame }: BuildError): Problem {
  return { message, ...(file && { file }), ...(line && { line }), ...(frame && { frame }) }
}

function unfit(name: string, message: string): Inspection {
  const nothing = {
    kind: null,
    entry: null,
    runtime: null,
    runsOn: null,
    format: null,
    handler: null,
    command: null,
    why: null,
    startedBy: null,
  }
  return {
    name,
    ...nothing,
    routes: [],
    notes: [],
    platformFiles: [],
    functionFile: null,
    settings: [],
    loadMs: null,
    isolation: null,
    problem: { message },
  }
}
