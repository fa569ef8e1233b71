/** Turns what happens into log lines: which events are worth a line, at which level, and in which words. */
import {
  type DeathReason,
  type ErrorReport,
  EXCESSES,
  missingInWords,
  type WarmingFunction,
  type WarmPool,
} from '../warmpool/index.ts'
import type { CatalogEntry } from './functions/catalog.ts'
import type { ExchangeSummary } from './http/http-invocation.ts'
import type { Logger } from './log.ts'

/** Ends of a life that somebody should look into. The others are the pool's everyday work. */
const WORRYING = new Set<DeathReason>([
  'crash',
  'init-failed',
  'timeout',
  'stream-timeout',
  'unhandled-error',
  'unresponsive',
  'memory',
  ...EXCESSES,
])

/** Its stack, then its other properties and the errors behind it, as Node prints them. */
function stackInWords(report: ErrorReport): string {
  return [report.stack || `${report.name}: ${report.message}`, ...innerInWords(report)].join('\n')
}

function innerInWords({ fields = {}, cause, errors = [] }: ErrorReport): string[] {
  const inner: [string, ErrorReport][] = errors.map((error, at) => [`[errors ${at}]`, error])
  if (cause !== undefined) inner.unshift(['[cause]', cause])
  return [
    ...Object.entries(fields).map(([name, value]) => `  ${name}: ${value}`),
    ...inner.map(([what, error]) => `  ${what}: ${stackInWords(error).replaceAll('\n', '\n  ')}`),
  ]
}

/** Functions that one line names. */
const MOST_NAMED = 10

/** The function that something is about, and its version where there are several. */
function who(name: string | null): { readonly function: string; readonly version?: string } {
  const [base = 'blank', version] = name?.split('@') ?? []
  return { function: base, ...(version === undefined ? {} : { version }) }
}

export function logPool(pool: WarmPool, log: Logger): void {
  pool.on('log', ({ function: name, pid, stream, line }) => log.info({ ...who(name), pid, stream }, line))
  pool.on('load-failed', ({ function: name, report }) => {
    const place = report.file === undefined ? '' : ` at ${report.file.split('/files/').at(-1)}:${report.line}`
    log.error(
      { ...who(name), frame: [report.frame ?? report.stack, ...innerInWords(report)].join('\n') },
      `does not load${place}: ${report.name}: ${report.message}`,
    )
  })
  const warned = new Set<string>()
  const warnOnce = (key: string, name: string | null, message: string): void => {
    if (warned.has(key)) return
    warned.add(key)
    log.warn(who(name), message)
  }
  pool.on('loaded', ({ function: name, pid, loadMs, confined }) => {
    log.debug({ ...who(name), pid }, `loaded in ${loadMs.toFixed(1)} ms`)
    const lacking = missingInWords(confined)
    if (lacking === null) return
    warnOnce(
      `${name} ${lacking}`,
      name,
      `it runs without a part of its isolation (${lacking}): see wrangler-free doctor`,
    )
  })
  pool.on('unkept', ({ function: name, settings }) => {
    for (const setting of settings) warnOnce(setting, name, `this system does not let the gateway keep ${setting}`)
  })
  pool.on('shortage', ({ wanted, functions, places, maxWorkers, memoryBytes }) => {
    const by =
      places < maxWorkers
        ? `pool.memory is ${Math.round(memoryBytes / 1024 / 1024)} MiB`
        : `pool.maxWorkers is ${maxWorkers}`
    log.warn(
      `${functions} functions ask for ${wanted} workers that are always warm (minWorkers), and the pool has room for ${places} (${by}): it shares them, keeps as many warm as there is room for, and starts the others when they are called. Raise the pool's limit, or lower minWorkers`,
    )
  })
  pool.on('death', ({ function: name, pid, reason, description, invocations }) => {
    const level = WORRYING.has(reason) ? 'warn' : 'debug'
    log[level]({ ...who(name), pid, invocations }, `worker ended: ${description}`)
  })
}

/** For whom a starting gateway waits. */
export function awaitedInWords(warming: readonly WarmingFunction[]): string {
  const named = warming.slice(0, MOST_NAMED).map(({ name, warm, wanted, loadingMs }) => {
    const how = loadingMs === null ? 'none is loading yet' : `loading for ${loadingMs} ms`
    return `${who(name).function} (${warm} of ${wanted}, ${how})`
  })
  const more = warming.length > MOST_NAMED ? ` and ${warming.length - MOST_NAMED} more` : ''
  return `waiting for warm workers (minWorkers) of ${named.join(', ') || 'no function'}${more}`
}

export function logExchange({ invocation, status, problem, failure, tookMs }: ExchangeSummary, log: Logger): void {
  const fields = { function: invocation.functionName, id: invocation.invocationId, status }
  const line = `${invocation.exchange.method} ${invocation.exchange.url}`
  if (problem === null || problem.fault === 'caller') return log.debug(fields, `${line} ${tookMs.toFixed(1)} ms`)
  const report = failure?.details.report
  const what = report === undefined ? problem.detail : `${report.name}: ${report.message}`
  log.error(
    { ...fields, code: problem.code, ...(report?.stack ? { stack: stackInWords(report) } : {}) },
    `${line}: ${what}`,
  )
}

/** What functions lack and what is wrong with secrets that are there, each said when it begins and when it is over. */
export class SecretsTold {
  #lacking: ReadonlyMap<string, string> = new Map()
  #warnings: readonly string[] = []

  tell(functions: readonly CatalogEntry[], warnings: readonly string[], log: Logger): void {
    const lacking = new Map<string, string>()
    for (const { name, error } of functions) if (error?.code === 'secret-missing') lacking.set(name, error.message)
    for (const [name, message] of lacking)
      if (this.#lacking.get(name) !== message) log.error({ function: name }, `cannot be served: ${message}`)
    for (const name of this.#lacking.keys())
      if (!lacking.has(name)) log.info({ function: name }, 'lacks no secret any longer')
    for (const warning of warnings) if (!this.#warnings.includes(warning)) log.warn(warning)
    this.#lacking = lacking
    this.#warnings = warnings
  }
}
