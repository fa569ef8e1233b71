/**
 * The configuration in code's units: milliseconds, bytes, absolute paths, every default filled in. It is frozen all
 * the way down and says nothing about how it was written. Two of them can be compared.
 */
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import {
  DEFAULT_FUNCTION_SETTINGS,
  DEFAULT_POOL_SETTINGS,
  type FunctionSettings,
  ISOLATIONS,
  type Isolation,
  memoryLimitBytes,
  type PoolSettings,
} from '../../warmpool/index.ts'
import { type FunctionSecrets, secretsOfFunction } from './function-secrets.ts'
import type { AskedSettings, ParsedConfig, WrittenSettings } from './schema.ts'
import { type SecretReadings, secretFilesOf, secretWarnings } from './secrets.ts'

export interface Config {
  /** The configuration file's absolute path; null when there is none. */
  readonly file: string | null
  /** Absolute paths of all files it was made from: the configuration file first, then those it imports. */
  readonly files: readonly string[]
  readonly functionsDir: string
  readonly stateDir: string
  readonly listen: {
    readonly host: string
    readonly port: number
    readonly trustProxy: boolean
    readonly serverTiming: boolean
  }
  readonly admin: { readonly host: string; readonly port: number; readonly token: string | null }
  readonly limits: {
    readonly bodyBytes: number
    readonly headersBytes: number
    readonly headersTimeoutMs: number
    /** What a caller has for a request body; so many bytes give a second back. */
    readonly bodyTimeoutMs: number
    readonly bodyRateBytes: number
    /** Between two pieces of a response that the caller takes. */
    readonly writeTimeoutMs: number
    readonly keepAliveTimeoutMs: number
    readonly shutdownTimeoutMs: number
    /** null: as many as leave workers their descriptors. */
    readonly connections: number | null
  }
  readonly deploy: {
    /** Versions of a function. */
    readonly keep: number
    readonly keepWarmMs: number
    readonly maxFiles: number
    readonly maxBytes: number
    readonly preview: 'key' | 'open'
  }
  readonly pool: PoolSettings
  /** How a function without an override is run. */
  readonly defaults: FunctionSettings
  /** Functions that have an override, in the order written. They need not exist. */
  readonly overrideNames: readonly string[]
  readonly routes: readonly Route[]
  /** Runtimes of the operator's own, by name. */
  readonly runtimes: Readonly<Record<string, OwnRuntime>>
  /** Their names. */
  readonly runtimeNames: readonly string[]
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly format: 'pretty' | 'json' | 'auto' }
  /** Where the secrets are that functions may ask for, and which may. */
  readonly secretTable: ParsedConfig['secrets']
  /** What was found where secrets are looked for. */
  readonly secrets: SecretReadings
  /** Absolute paths of the files that hold secrets. */
  readonly secretFiles: readonly string[]
  /** What is not as it should be with secrets that are there. */
  readonly secretWarnings: readonly string[]
  /** Which secrets a function receives, and which it lacks. */
  secretsOf(name: string, own?: AskedSettings): FunctionSecrets
  /** How a function is run: `defaults`, over them what its own file asks for, over that its override. */
  /** What the override says that runs a function; null: nothing. */
  runtimeOf(name: string): string | null
  functionSettings(name: string, own?: AskedSettings): FunctionSettings
  /** What is written about a function, and where: for all of them, and for this one. */
  layersOf(name: string): readonly [WrittenLayer, WrittenLayer]
}

/** A program that speaks the protocol of workers (docs/protocol.md). */
export interface OwnRuntime {
  /** It and its arguments, absolute where they are paths. */
  readonly command: readonly string[]
}

export interface WrittenLayer {
  readonly from: string
  readonly written: WrittenSettings
}

export interface Route {
  /** `/exact`, `/users/:id` or `/api/*`. */
  readonly path: string
  /** `example.com` or `*.example.com`; null for every host. */
  readonly host: string | null
  readonly function: string
  readonly stripPrefix: boolean
}

/** Fills in what was not written. `folder` is what relative paths are relative to. */
export function buildConfig(
  parsed: ParsedConfig,
  folder: string,
  files: readonly string[],
  secrets: SecretReadings,
): Config {
  const { limits, log } = parsed
  const pool = poolSettings(parsed)
  const defaults = functionSettings(pool, parsed.defaults)
  const overrides = new Map(
    Object.entries(parsed.overrides).map(([name, own]) => [name, functionSettings(pool, parsed.defaults, own)]),
  )
  const secretsOf = (name: string, own?: AskedSettings): FunctionSecrets =>
    secretsOfFunction(parsed, folder, secrets, name, own?.secrets ?? [])
  return deepFreeze({
    file: files[0] ?? null,
    files,
    functionsDir: resolve(folder, parsed.functions),
    stateDir: resolve(folder, parsed.state),
    listen: parsed.listen,
    admin: { ...parsed.admin, token: parsed.admin.token ?? null },
    limits: {
      bodyBytes: limits.body,
      headersBytes: limits.headers,
      headersTimeoutMs: limits.headersTimeout,
      bodyTimeoutMs: limits.bodyTimeout,
      bodyRateBytes: limits.bodyRate,
      writeTimeoutMs: limits.writeTimeout,
      keepAliveTimeoutMs: limits.keepAliveTimeout,
      shutdownTimeoutMs: limits.shutdownTimeout,
      connections: limits.connections ?? null,
    },
    deploy: {
      keep: parsed.deploy.keep,
      keepWarmMs: parsed.deploy.keepWarm,
      maxFiles: parsed.deploy.maxFiles,
      maxBytes: parsed.deploy.maxSize,
      preview: parsed.deploy.preview,
    },
    pool,
    defaults,
    overrideNames: [...overrides.keys()],
    routes: parsed.routes.map((route) => ({ ...route, host: route.host ?? null })),
    runtimes: Object.fromEntries(
      Object.entries(parsed.runtimes).map(([name, { command }]) => [
        name,
        { command: command.map(fromFolder(folder)) },
      ]),
    ),
    runtimeNames: Object.keys(parsed.runtimes),
    log,
    runtimeOf: (name) => parsed.overrides[name]?.runtime ?? null,
    secretTable: parsed.secrets,
    secrets,
    secretFiles: secretFilesOf(parsed, folder),
    secretWarnings: secretWarnings(secrets),
    secretsOf,
    functionSettings: (name, own) => {
      const settings =
        own === undefined
          ? (overrides.get(name) ?? defaults)
          : functionSettings(pool, parsed.defaults, parsed.overrides[name] ?? {}, own)
      return { ...settings, secrets: secretsOf(name, own).values }
    },
    layersOf: (name) => [
      { from: 'defaults of the configuration', written: parsed.defaults },
      { from: 'overrides of the configuration', written: parsed.overrides[name] ?? {} },
    ],
  })
}

function fromFolder(folder: string): (part: string) => string {
  return (part) => (/^\.\.?\//.test(part) ? resolve(folder, part) : part)
}

/** The pool's settings, the pool's own defaults filled in. */
export function poolSettings(parsed: ParsedConfig): PoolSettings {
  const maxWorkers = parsed.pool.maxWorkers ?? DEFAULT_POOL_SETTINGS.maxWorkers
  return deepFreeze({
    maxWorkers,
    memoryBytes: parsed.pool.memory ?? DEFAULT_POOL_SETTINGS.memoryBytes,
    // Whoever writes a small maxWorkers means it: a default of ours is no mistake of theirs.
    blanks: parsed.pool.blanks ?? Math.min(DEFAULT_POOL_SETTINGS.blanks, maxWorkers),
    cgroups: parsed.pool.cgroups ?? DEFAULT_POOL_SETTINGS.cgroups,
  })
}

/**
 * A function's settings: the pool's defaults, over them those of all functions, what its own file asks for, and what
 * the operator says of it; groups of settings key by key.
 */
export function functionSettings(
  pool: PoolSettings,
  ofAll: WrittenSettings,
  ofThis: WrittenSettings = {},
  own: WrittenSettings = {},
): FunctionSettings {
  const layers = [ofAll, own, ofThis]
  const written = Object.assign({}, ...layers.map(withoutUnwritten)) as WrittenSettings
  const queue = merged(layers, 'queue')
  const limits = strictest(merged([ofAll, ofThis], 'limits'), own.limits ?? {})
  const cpu = merged([ofAll, ofThis], 'cpu')
  const operators: WrittenSettings = Object.assign({}, withoutUnwritten(ofAll), withoutUnwritten(ofThis))
  const base = DEFAULT_FUNCTION_SETTINGS
  return deepFreeze({
    minWorkers: written.minWorkers ?? base.minWorkers,
    maxWorkers: written.maxWorkers ?? Math.min(base.maxWorkers, pool.maxWorkers),
    concurrency: written.concurrency ?? base.concurrency,
    maxInvocations: written.maxInvocations ?? base.maxInvocations,
    startBy: operators.startBy ?? base.startBy,
    maxAgeMs: written.maxAge ?? base.maxAgeMs,
    idleTimeoutMs: written.idleTimeout ?? base.idleTimeoutMs,
    timeoutMs: written.timeout ?? base.timeoutMs,
    streamTimeoutMs: written.streamTimeout ?? base.streamTimeoutMs,
    bootTimeoutMs: written.bootTimeout ?? base.bootTimeoutMs,
    memoryBytes: written.memory ?? base.memoryBytes,
    queue: { max: queue.max ?? base.queue.max, timeoutMs: queue.timeout ?? base.queue.timeoutMs },
    env: Object.assign({}, base.env, ...layers.map((layer) => layer.env)),
    secrets: base.secrets,
    idempotent: written.idempotent ?? base.idempotent,
    limits: {
      memoryBytes: limits.memory ?? memoryLimitBytes(written.memory ?? base.memoryBytes),
      cpuTimeMs: limits.cpuTime ?? base.limits.cpuTimeMs,
      processes: limits.processes ?? base.limits.processes,
      openFiles: limits.openFiles ?? base.limits.openFiles,
      diskBytes: limits.disk ?? base.limits.diskBytes,
      logBytes: limits.log ?? base.limits.logBytes,
      responseBytes: limits.response ?? base.limits.responseBytes,
    },
    cpu: {
      weight: cpu.weight ?? base.cpu.weight,
      nice: cpu.nice ?? base.cpu.nice,
      cores: [...(cpu.cores ?? base.cpu.cores)],
    },
    ...isolationOf(operators, own),
  })
}

type WrittenLimits = NonNullable<WrittenSettings['limits']>

/** What the operator has written a function's own file can only lower; what nobody has written it may say. */
function strictest(operators: Partial<WrittenLimits>, own: WrittenLimits): Partial<WrittenLimits> {
  const lowered = Object.entries(withoutUnwritten(own)).map(([key, value]) => [
    key,
    Math.min(value as number, operators[key as keyof WrittenLimits] ?? Number.POSITIVE_INFINITY),
  ])
  return { ...operators, ...Object.fromEntries(lowered) }
}

type IsolationSettings = Pick<FunctionSettings, 'isolation' | 'network' | 'readable' | 'writable' | 'isolationMissing'>

/** A function's own file can only ask for something stricter; all else is the operator's. */
function isolationOf(operators: WrittenSettings, own: WrittenSettings): IsolationSettings {
  const base = DEFAULT_FUNCTION_SETTINGS
  const isWritten = [operators, own].some((layer) => layer.isolation !== undefined || layer.network !== undefined)
  return {
    isolation: stricter(own.isolation, operators.isolation ?? base.isolation),
    network: own.network === 'none' ? 'none' : (operators.network ?? base.network),
    readable: operators.readable ?? base.readable,
    writable: operators.writable ?? base.writable,
    isolationMissing: operators.isolationMissing ?? (isWritten ? 'refuse' : 'warn'),
  }
}

function stricter(a: Isolation | undefined, b: Isolation): Isolation {
  return a === undefined || ISOLATIONS.indexOf(b) < ISOLATIONS.indexOf(a) ? b : a
}

/** True when both mean the same, whatever files they were made from. */
export function sameConfig(a: Config, b: Config): boolean {
  return isDeepStrictEqual(comparable(a), comparable(b))
}

/** True when a function may be run by something else than before, or a mistake about that may be none any more. */
export function hasOtherRuntimes(old: Config, next: Config): boolean {
  return !isDeepStrictEqual(saidOfRuntimes(old), saidOfRuntimes(next))
}

function saidOfRuntimes(config: Config): unknown {
  return { own: config.runtimes, overrides: overriddenRuntimes(config) }
}

function overriddenRuntimes(config: Config): unknown {
  return config.overrideNames.flatMap((name) => {
    const runtime = config.runtimeOf(name)
    return runtime === null ? [] : [[name, runtime]]
  })
}

/**
 * Names of the settings that differ and that only a restart can apply: addresses that are bound and the folder that
 * is in use. Everything else applies live.
 */
export function changedWithRestart(old: Config, next: Config): string[] {
  const changed = {
    'listen.host': old.listen.host !== next.listen.host,
    'listen.port': old.listen.port !== next.listen.port,
    'admin.host': old.admin.host !== next.admin.host,
    'admin.port': old.admin.port !== next.admin.port,
    state: old.stateDir !== next.stateDir,
  }
  return Object.entries(changed).flatMap(([name, differs]) => (differs ? [name] : []))
}

function comparable(config: Config): unknown {
  const {
    files: _files,
    functionSettings,
    layersOf: _layersOf,
    runtimeOf: _runtimeOf,
    secretsOf,
    secrets,
    ...plain
  } = config
  // What is secret does not show from outside: two of them would always be the same.
  const values = [...secrets].map(([place, one]) => [place, one.state === 'found' ? one.secret.reveal() : one.why])
  const given = ['', ...config.overrideNames].map((name) => secretsOf(name).given)
  const runtimesSaid = overriddenRuntimes(config)
  const overrides = config.overrideNames.map((name) => functionSettings(name))
  return { ...plain, values, given, runtimesSaid, overrides }
}

function merged<K extends 'queue' | 'limits' | 'cpu'>(
  layers: readonly WrittenSettings[],
  key: K,
): Partial<NonNullable<WrittenSettings[K]>> {
  return Object.assign({}, ...layers.map((layer) => withoutUnwritten(layer[key] ?? {})))
}

/** Without this, `timeout: undefined` in an override would hide the default below it. */
function withoutUnwritten(layer: object): object {
  return Object.fromEntries(Object.entries(layer).filter(([, value]) => value !== undefined))
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part)
  return Object.freeze(value)
}
