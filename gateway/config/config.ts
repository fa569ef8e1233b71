/**
 * The configuration in code's units: milliseconds, bytes, absolute paths, every default filled in. It is frozen all
 * the way down and says nothing about how it was written.
 */
import { resolve } from 'node:path'
import { DEFAULT_POOL_SETTINGS, type FunctionSettings, type PoolSettings } from '../../warmpool/index.ts'
import { type FunctionSecrets, secretsOfFunction } from './function-secrets.ts'
import { functionSettings } from './function-settings.ts'
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
    readonly halfCloseTimeoutMs: number
    readonly keepAliveTimeoutMs: number
    readonly shutdownTimeoutMs: number
    /** Of a start, until `/readyz` says that the gateway is ready. */
    readonly readyTimeoutMs: number
    /** null: as many as leave workers their descriptors. */
    readonly connections: number | null
  }
  readonly deploy: {
    /** Versions of a function. */
    readonly keep: number
    readonly keepWarmMs: number
    readonly maxFiles: number
    readonly maxBytes: number
    /** Of the process that builds an upload. */
    readonly buildMemoryBytes: number
    readonly buildTimeoutMs: number
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
  /** What the override says that runs a function; null: nothing. */
  runtimeOf(name: string): string | null
  /** How a function is run: `defaults`, over them what its own file asks for, over that its override. */
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
  const settingsOf = (ofThis?: WrittenSettings, own?: AskedSettings): FunctionSettings =>
    deepFreeze(functionSettings(pool, parsed.defaults, ofThis, own))
  const defaults = settingsOf()
  const overrides = new Map(Object.entries(parsed.overrides).map(([name, ofThis]) => [name, settingsOf(ofThis)]))
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
      halfCloseTimeoutMs: limits.halfCloseTimeout,
      keepAliveTimeoutMs: limits.keepAliveTimeout,
      shutdownTimeoutMs: limits.shutdownTimeout,
      readyTimeoutMs: limits.readyTimeout,
      connections: limits.connections ?? null,
    },
    deploy: {
      keep: parsed.deploy.keep,
      keepWarmMs: parsed.deploy.keepWarm,
      maxFiles: parsed.deploy.maxFiles,
      maxBytes: parsed.deploy.maxSize,
      buildMemoryBytes: parsed.deploy.buildMemory,
      buildTimeoutMs: parsed.deploy.buildTimeout,
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
      const settings = own === undefined ? (overrides.get(name) ?? defaults) : settingsOf(parsed.overrides[name], own)
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

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part)
  return Object.freeze(value)
}
