/**
 * Looks at what a program hands to the pool before anything is started, and fills in what it does not say: a mistyped key
 * or a text where a number belongs would otherwise show much later, as a pool that never starts or never ends.
 */
import {
  DEFAULT_FUNCTION_SETTINGS,
  DEFAULT_POOL_SETTINGS,
  type FunctionDefaults,
  type FunctionSettings,
  memoryLimitBytes,
  type PoolSettings,
} from './settings.ts'

/** Settings for which 0 makes no sense. */
const AT_LEAST_ONE = new Set(['maxWorkers', 'concurrency', 'maxInvocations', 'bootTimeoutMs', 'processes', 'weight'])
/** Words that may be lists as well. */
const MAY_BE_LISTS = new Set(['network'])
/** Of which less than nothing may be asked. */
const LEAST: Readonly<Record<string, number>> = { nice: -20 }

/** Throws TypeError that names every mistake. */
export function checkOptions(pool: Partial<PoolSettings>, defaults: FunctionDefaults): void {
  const mistakes = [
    ...mistakesIn(pool, DEFAULT_POOL_SETTINGS, ''),
    ...mistakesIn(defaults, DEFAULT_FUNCTION_SETTINGS, 'defaults.'),
    ...mistakesIn(defaults.limits ?? {}, DEFAULT_FUNCTION_SETTINGS.limits, 'defaults.limits.'),
    ...mistakesIn(defaults.cpu ?? {}, DEFAULT_FUNCTION_SETTINGS.cpu, 'defaults.cpu.'),
    ...mistakesIn(defaults.queue ?? {}, DEFAULT_FUNCTION_SETTINGS.queue, 'defaults.queue.'),
  ]
  if (mistakes.length > 0) throw new TypeError(`WarmPool cannot be made: ${mistakes.join('; ')}`)
}

/** Settings for every function that says nothing itself. */
export function filledIn(defaults: FunctionDefaults): FunctionSettings {
  const base = DEFAULT_FUNCTION_SETTINGS
  const memoryBytes = memoryLimitBytes(defaults.memoryBytes ?? base.memoryBytes)
  return {
    ...base,
    ...defaults,
    limits: { ...base.limits, memoryBytes, ...defaults.limits },
    cpu: { ...base.cpu, ...defaults.cpu },
  }
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

/** A time-out of one run in milliseconds. Throws TypeError. */
export function checkTimeout(timeout: unknown): number {
  if (typeof timeout === 'number' && timeout > 0) return timeout
  throw new TypeError(`timeout is ${JSON.stringify(timeout)}, and must be a number of milliseconds above 0`)
}

function mistakesIn(given: object, known: object, prefix: string): string[] {
  return Object.entries(given).flatMap(([key, value]) => {
    if (!(key in known)) return [`${prefix}${key} is unknown (there are: ${Object.keys(known).join(', ')})`]
    const wanted = typeof known[key as keyof typeof known]
    if (MAY_BE_LISTS.has(key) && Array.isArray(value)) return []
    if (value === undefined || (wanted !== 'number' && typeof value === wanted)) return []
    const least = AT_LEAST_ONE.has(key) ? 1 : (LEAST[key] ?? 0)
    if (wanted === 'number' && typeof value === 'number' && value >= least) return []
    return [
      `${prefix}${key} is ${JSON.stringify(value)}, and must be ${wanted === 'number' ? `a number from ${least}` : `of type ${wanted}`}`,
    ]
  })
}
