/**
 * Reads the configuration from everywhere it may be said, and returns one frozen {@link Config} or one
 * {@link ConfigError} with all mistakes. Precedence: flags, then environment variables, then the file, then defaults.
 */
import { dirname, isAbsolute, relative, resolve } from 'node:path'
import { crossChecks } from './checks.ts'
import { buildConfig, type Config } from './config.ts'
import {
  applyOverlays,
  type ConfigFlags,
  type Environment,
  overlaysFrom,
  sourceFinder,
  unknownVariables,
} from './overlays.ts'
import { ConfigError, type KeyPath, problemsOf } from './problems.ts'
import { findConfigFile, readConfigFile } from './read-file.ts'
import { configSchema } from './schema.ts'
import { readSecrets } from './secrets.ts'

export interface LoadOptions {
  /** The folder in which the file is looked for, and to which paths in flags and variables are relative. */
  readonly cwd: string
  /** The configuration file, relative to `cwd`. Default: `wrangler-free.config.*` in `cwd`, if there is one. */
  readonly file?: string | undefined
  readonly flags?: ConfigFlags
  /** What was loaded before: a secret that cannot be read any more keeps its value. */
  readonly previous?: Config
  /** Default: `process.env`. */
  readonly env?: Environment
}

/**
 * Loads and checks the configuration; the file is read afresh each time.
 * @throws {ConfigError} with every mistake at once.
 */
export async function loadConfig(options: LoadOptions): Promise<Config> {
  const { cwd, flags = {}, env = process.env } = options
  const file = options.file === undefined ? await findConfigFile(cwd) : resolve(cwd, options.file)
  const source = file === null ? 'configuration' : nameFrom(cwd, file)
  const read = file === null ? { value: {}, files: [] } : await readConfigFile(file, source)

  const overlays = overlaysFrom(flags, env, cwd)
  const written = applyOverlays(read.value, overlays)
  const sourceOf = sourceFinder(overlays, source)

  const outside = unknownVariables(env)
  const parsed = configSchema.safeParse(written)
  const refused = parsed.success ? [] : problemsOf(parsed.error, written, sourceOf)
  // Rules between settings are checked even so, on what is left without the refused: all mistakes in one go.
  const usable = parsed.success ? parsed : configSchema.safeParse(without(written, parsed.error.issues))
  const broken = refused.map((problem) => problem.path)
  const breaches = usable.success ? crossChecks(usable.data, sourceOf, broken) : []

  const problems = [...refused, ...breaches, ...outside]
  if (problems.length > 0 || !usable.success) throw new ConfigError(problems, read.files)
  const folder = file === null ? cwd : dirname(file)
  const { functions, state } = usable.data
  const secrets = await readSecrets(usable.data, {
    folder,
    env,
    openFolders: [resolve(folder, functions), resolve(folder, state)],
    previous: options.previous?.secrets ?? new Map(),
  })
  return buildConfig(usable.data, folder, read.files, secrets)
}

/** A file's name in messages: relative inside the current folder, absolute elsewhere. */
function nameFrom(cwd: string, file: string): string {
  const path = relative(cwd, file)
  return path === '' || path.startsWith('..') || isAbsolute(path) ? file : path
}

interface Issue {
  readonly path: KeyPath
  readonly keys?: readonly string[]
}

/** The value without the places that were refused; a list with one bad entry goes as a whole. */
function without(value: unknown, issues: readonly Issue[]): unknown {
  const places = issues.flatMap(({ path, keys }) => keys?.map((key) => [...path, key]) ?? [path])
  return places.reduce<unknown>(withoutPlace, value)
}

function withoutPlace(value: unknown, [key, ...rest]: KeyPath): unknown {
  if (key === undefined || typeof value !== 'object' || value === null || !(key in value)) return value
  const { [key]: part, ...others } = value as Record<PropertyKey, unknown>
  return rest.length === 0 || Array.isArray(part) ? others : { ...others, [key]: withoutPlace(part, rest) }
}
