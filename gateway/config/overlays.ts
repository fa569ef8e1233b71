/**
 * What may be said outside the configuration file: command-line flags and environment variables. The table below is
 * the only list of them. Flags win over variables, variables over the file, the file over defaults.
 */
import { resolve } from 'node:path'
import { type ConfigProblem, type KeyPath, showPath, suggest } from './problems.ts'

/** Values of command-line flags, as they were typed. */
export interface ConfigFlags {
  readonly functions?: string | undefined
  readonly host?: string | undefined
  readonly port?: string | number | undefined
  readonly adminHost?: string | undefined
  readonly adminPort?: string | number | undefined
  readonly state?: string | undefined
  readonly logLevel?: string | undefined
}

export type Environment = Readonly<Record<string, string | undefined>>

/** A setting that can be said outside the file, and by which names. */
export interface OutsideSetting {
  readonly path: readonly [string] | readonly [string, string]
  readonly variable: string
  readonly flag?: { readonly key: keyof ConfigFlags; readonly name: string; readonly value: string }
  /** How its text is read: paths are relative to the current folder. */
  readonly reads: 'path' | 'number' | 'text'
}

export const OUTSIDE_SETTINGS: readonly OutsideSetting[] = [
  {
    path: ['functions'],
    variable: 'WRANGLER_FREE_FUNCTIONS',
    flag: { key: 'functions', name: '--functions', value: 'DIR' },
    reads: 'path',
  },
  {
    path: ['listen', 'host'],
    variable: 'WRANGLER_FREE_HOST',
    flag: { key: 'host', name: '--host', value: 'H' },
    reads: 'text',
  },
  {
    path: ['listen', 'port'],
    variable: 'WRANGLER_FREE_PORT',
    flag: { key: 'port', name: '--port', value: 'N' },
    reads: 'number',
  },
  {
    path: ['admin', 'host'],
    variable: 'WRANGLER_FREE_ADMIN_HOST',
    flag: { key: 'adminHost', name: '--admin-host', value: 'H' },
    reads: 'text',
  },
  {
    path: ['admin', 'port'],
    variable: 'WRANGLER_FREE_ADMIN_PORT',
    flag: { key: 'adminPort', name: '--admin-port', value: 'N' },
    reads: 'number',
  },
  // No flag for the token: command lines are visible to every user of the machine.
  { path: ['admin', 'token'], variable: 'WRANGLER_FREE_ADMIN_TOKEN', reads: 'text' },
  {
    path: ['state'],
    variable: 'WRANGLER_FREE_STATE',
    flag: { key: 'state', name: '--state', value: 'DIR' },
    reads: 'path',
  },
  {
    path: ['log', 'level'],
    variable: 'WRANGLER_FREE_LOG_LEVEL',
    flag: { key: 'logLevel', name: '--log-level', value: 'L' },
    reads: 'text',
  },
]

/** Variables of the commands that talk to a running gateway: no settings, but known. */
const COMMANDS_VARIABLES = ['WRANGLER_FREE_URL', 'WRANGLER_FREE_ADMIN_URL']

/** One value said outside the file. */
export interface Overlay {
  readonly path: KeyPath
  readonly value: unknown
  readonly source: string
}

/** What flags and variables say, a setting at most once: the flag when both do. Empty variables say nothing. */
export function overlaysFrom(flags: ConfigFlags, env: Environment, cwd: string): Overlay[] {
  const overlays: Overlay[] = []
  for (const setting of OUTSIDE_SETTINGS) {
    const flag = setting.flag && flags[setting.flag.key]
    const variable = env[setting.variable]
    if (flag !== undefined) {
      overlays.push({ path: setting.path, value: read(setting, flag, cwd), source: `flag ${setting.flag?.name}` })
    } else if (variable) {
      overlays.push({ path: setting.path, value: read(setting, variable, cwd), source: `variable ${setting.variable}` })
    }
  }
  return overlays
}

/** Variables that look like ours and are not: a typo there would otherwise go unnoticed. */
export function unknownVariables(env: Environment): ConfigProblem[] {
  const known = OUTSIDE_SETTINGS.map((setting) => setting.variable)
  const isKnown = (name: string): boolean => known.includes(name) || COMMANDS_VARIABLES.includes(name)
  const unknown = Object.keys(env).filter((name) => name.startsWith('WRANGLER_FREE_') && !isKnown(name))
  return unknown.map((name) => {
    const suggestion = suggest(name, known)
    const allowed = known.join(', ')
    const problem = {
      kind: 'unknown-key',
      path: name,
      found: 'unknown variable',
      allowed,
      source: 'environment',
    } as const
    return suggestion ? { ...problem, suggestion } : problem
  })
}

/** The file's object with the overlays laid over it; neither is changed. What is no object is left for the schema. */
export function applyOverlays(written: unknown, overlays: readonly Overlay[]): unknown {
  return overlays.reduce((result, { path, value }) => withValue(result, path, value), written)
}

/** A function that tells where a path was written: by the flag or variable that set it, else in `file`. */
export function sourceFinder(overlays: readonly Overlay[], file: string): (path: KeyPath) => string {
  const sources = new Map(overlays.map(({ path, source }) => [showPath(path), source]))
  return (path) => sources.get(showPath(path)) ?? file
}

function read(setting: OutsideSetting, value: string | number, cwd: string): unknown {
  // An empty path would silently become the current folder; left as it is, the schema refuses it.
  if (setting.reads === 'path' && value !== '') return resolve(cwd, String(value))
  if (setting.reads === 'number' && /^\d+$/.test(String(value))) return Number(value)
  return value
}

function withValue(target: unknown, path: KeyPath, value: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return value
  if (target !== undefined && (typeof target !== 'object' || target === null || Array.isArray(target))) return target
  const object = (target ?? {}) as Record<PropertyKey, unknown>
  return { ...object, [key]: withValue(object[key], rest, value) }
}
