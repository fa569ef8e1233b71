/**
 * Looks at what a program hands to the pool before anything is started, and fills in what it does not say: a mistyped key
 * or a text where a number belongs would otherwise show much later, as a pool that never starts or never ends.
 */
import { inspect } from 'node:util'
import { Secret } from './secret.ts'
import {
  DEFAULT_FUNCTION_SETTINGS,
  DEFAULT_POOL_SETTINGS,
  type FunctionDefaults,
  type FunctionSettings,
  ISOLATIONS,
  memoryLimitBytes,
  type PoolSettings,
} from './settings.ts'

/** What a value has to be, in words; null: it is that. */
type Check = (value: unknown) => string | null
/** The settings of a section by their names: each a check, or a section of its own. */
interface Section {
  readonly [name: string]: Check | Section
}
/** A section has a check, or a section, for each of its settings. */
type SectionOf<Settings> = { readonly [Name in keyof Settings]-?: Check | Section }

const count =
  (least: number): Check =>
  (value) => {
    const isCount = value === Number.POSITIVE_INFINITY || Number.isInteger(value)
    return isCount && (value as number) >= least ? null : `a whole number from ${least}, or Infinity`
  }
const amount =
  (least: number): Check =>
  (value) =>
    typeof value === 'number' && value >= least ? null : `a number from ${least}`
const integer =
  (least: number, most: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? null
      : `a whole number from ${least} to ${most}`
const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    words.includes(value as string) ? null : `one of ${words.map((word) => `'${word}'`).join(', ')}`
const flag: Check = (value) => (typeof value === 'boolean' ? null : 'true or false')
const listOf =
  (what: string, isOne: (item: unknown) => boolean): Check =>
  (value) =>
    Array.isArray(value) && value.every(isOne) ? null : `a list of ${what}`
const texts = listOf('texts', isText)
const recordOf =
  (what: string, isOne: (item: unknown) => boolean): Check =>
  (value) =>
    isSection(value) && Object.values(value).every(isOne) ? null : `an object of ${what}`
const network: Check = (value) =>
  value === 'all' || value === 'none' || texts(value) === null ? null : "'all', 'none' or a list of hosts"

const POOL: SectionOf<PoolSettings> = {
  maxWorkers: count(1),
  memoryBytes: amount(0),
  blanks: count(0),
  cgroups: oneOf('auto', 'never'),
}

const LIMITS: SectionOf<FunctionSettings['limits']> = {
  memoryBytes: amount(0),
  cpuTimeMs: amount(0),
  processes: count(1),
  openFiles: count(0),
  diskBytes: amount(0),
  logBytes: amount(0),
  logLineBytes: amount(1),
  responseBytes: amount(0),
}
const CPU: SectionOf<FunctionSettings['cpu']> = {
  weight: integer(1, 10_000),
  nice: integer(-20, 19),
  cores: listOf('numbers of processors', (item) => Number.isInteger(item) && (item as number) >= 0),
}
const QUEUE: SectionOf<FunctionSettings['queue']> = { max: count(0), timeoutMs: amount(0) }

const FUNCTION: SectionOf<FunctionSettings> = {
  minWorkers: count(0),
  maxWorkers: count(1),
  concurrency: count(1),
  threads: count(1),
  maxInvocations: count(1),
  startBy: oneOf('auto', 'boot', 'fork'),
  maxAgeMs: amount(0),
  idleTimeoutMs: amount(0),
  timeoutMs: amount(0),
  streamTimeoutMs: amount(0),
  streamIdleTimeoutMs: amount(0),
  bootTimeoutMs: amount(1),
  memoryBytes: amount(0),
  queue: QUEUE,
  env: recordOf('texts', isText),
  secrets: recordOf('`Secret`s', (item) => item instanceof Secret),
  idempotent: flag,
  limits: LIMITS,
  cpu: CPU,
  isolation: oneOf(...ISOLATIONS),
  listen: oneOf('none', 'loopback', 'all'),
  network,
  readable: texts,
  writable: texts,
  isolationMissing: oneOf('refuse', 'warn'),
}

const signal: Check = (value) =>
  isSection(value) && typeof value.aborted === 'boolean' && typeof value.addEventListener === 'function'
    ? null
    : 'an AbortSignal'
const timeout: Check = (value) => (typeof value === 'number' && value > 0 ? null : 'a number of milliseconds above 0')
const RUN: Section = { signal, timeout }

const callback: Check = (value) => (typeof value === 'function' ? null : 'a function')
const OPTIONS: Section = { ...POOL, defaults: FUNCTION, locateRuntime: callback, egress: callback }

/** The options of a pool. Throws TypeError that names every mistake. */
export function checkOptions(options: unknown): void {
  const mistakes = mistakesIn(options, OPTIONS, '')
  if (mistakes.length === 0) {
    const { minWorkers, maxWorkers } = filledIn((options as { defaults?: FunctionDefaults }).defaults ?? {})
    if (minWorkers > maxWorkers)
      mistakes.push(`defaults.minWorkers is ${minWorkers}, and must be at most maxWorkers, which is ${maxWorkers}`)
  }
  if (mistakes.length > 0) throw new TypeError(`WarmPool cannot be made: ${mistakes.join('; ')}`)
}

/** The options of one run. Throws TypeError that names every mistake. */
export function checkRunOptions(options: unknown): void {
  const mistakes = mistakesIn(options, RUN, '')
  if (mistakes.length > 0) throw new TypeError(`The task cannot be run: ${mistakes.join('; ')}`)
}

/** Settings for every function that says nothing itself. */
export function filledIn(defaults: FunctionDefaults): FunctionSettings {
  const base = DEFAULT_FUNCTION_SETTINGS
  const memoryBytes = memoryLimitBytes(defaults.memoryBytes ?? base.memoryBytes)
  return {
    ...base,
    ...said(defaults),
    queue: { ...base.queue, ...said(defaults.queue) },
    limits: { ...base.limits, memoryBytes, ...said(defaults.limits) },
    cpu: { ...base.cpu, ...said(defaults.cpu) },
  }
}

/** Settings for the whole pool. */
export function filledInPool(settings: Partial<PoolSettings>): PoolSettings {
  return { ...DEFAULT_POOL_SETTINGS, ...said(settings) }
}

/** Without what is undefined, which says nothing. */
function said<Settings extends object>(settings: Settings = {} as Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as Settings
}

/** What was found good before: every run names its module, and parsing a URL takes longer than the rest of a run. */
const knownModules = new Map<string, string>()
const MAX_KNOWN_MODULES = 1_000
/** The one that was named last, which is mostly the one that is named next. */
let last: { readonly text: string | null; readonly href: string } = { text: null, href: '' }

/** A module that a worker can import, as a URL. Throws TypeError. */
export function checkModuleUrl(module: unknown): string {
  const text = String(module)
  if (text === last.text) return last.href
  const href = knownModules.get(text) ?? parsedModuleUrl(text)
  last = { text, href }
  return href
}

function parsedModuleUrl(text: string): string {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'file:' && url.protocol !== 'data:')) {
    throw new TypeError(`"${text}" is neither a file URL nor a data: URL: use new URL('./task.mjs', import.meta.url)`)
  }
  if (knownModules.size >= MAX_KNOWN_MODULES) knownModules.clear()
  knownModules.set(text, url.href)
  return url.href
}

function mistakesIn(given: unknown, section: Section, path: string): string[] {
  if (!isSection(given)) return [`${path || 'options'} is ${shown(given)}, and must be an object`]
  return Object.entries(given).flatMap(([name, value]) => {
    const at = path === '' ? name : `${path}.${name}`
    const check = Object.hasOwn(section, name) ? section[name] : undefined
    if (check === undefined) return [`${at} is unknown (there are: ${Object.keys(section).join(', ')})`]
    if (value === undefined) return []
    if (typeof check !== 'function') return mistakesIn(value, check, at)
    const wanted = check(value)
    return wanted === null ? [] : [`${at} is ${shown(value)}, and must be ${wanted}`]
  })
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function shown(value: unknown): string {
  return typeof value === 'number' || value === undefined
    ? String(value)
    : inspect(value, { depth: 1, breakLength: Infinity })
}
