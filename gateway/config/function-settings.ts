/**
 * How one function is run, put together of everything that is written about it: by the operator for all functions and
 * for this one, and by its own file, which of limits and isolation can only ask for something stricter.
 */
import {
  DEFAULT_FUNCTION_SETTINGS,
  type FunctionSettings,
  ISOLATIONS,
  type Isolation,
  memoryLimitBytes,
  type PoolSettings,
} from '../../warmpool/index.ts'
import type { WrittenSettings } from './schema.ts'

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
  return {
    minWorkers: written.minWorkers ?? base.minWorkers,
    maxWorkers: written.maxWorkers ?? Math.min(base.maxWorkers, pool.maxWorkers),
    concurrency: written.concurrency ?? base.concurrency,
    // What is said for all functions says nothing of this one's code.
    threads: ofThis.concurrency ?? own.concurrency ?? base.threads,
    maxInvocations: written.maxInvocations ?? base.maxInvocations,
    startBy: operators.startBy ?? base.startBy,
    maxAgeMs: written.maxAge ?? base.maxAgeMs,
    idleTimeoutMs: written.idleTimeout ?? base.idleTimeoutMs,
    timeoutMs: written.timeout ?? base.timeoutMs,
    streamTimeoutMs: written.streamTimeout ?? base.streamTimeoutMs,
    streamIdleTimeoutMs: written.streamIdleTimeout ?? base.streamIdleTimeoutMs,
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
      logLineBytes: limits.logLine ?? base.limits.logLineBytes,
      responseBytes: limits.response ?? base.limits.responseBytes,
    },
    cpu: {
      weight: cpu.weight ?? base.cpu.weight,
      nice: cpu.nice ?? base.cpu.nice,
      cores: [...(cpu.cores ?? base.cpu.cores)],
    },
    ...isolationOf(operators, own),
  }
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

type IsolationSettings = Pick<
  FunctionSettings,
  'isolation' | 'network' | 'listen' | 'readable' | 'writable' | 'isolationMissing'
>

/** A function's own file can only ask for something stricter; all else is the operator's. */
function isolationOf(operators: WrittenSettings, own: WrittenSettings): IsolationSettings {
  const base = DEFAULT_FUNCTION_SETTINGS
  const isWritten = [operators, own].some((layer) => layer.isolation !== undefined || layer.network !== undefined)
  return {
    isolation: stricter(own.isolation, operators.isolation ?? base.isolation),
    network: own.network === 'none' ? 'none' : (operators.network ?? base.network),
    listen: own.listen === 'none' ? 'none' : (operators.listen ?? base.listen),
    readable: operators.readable ?? base.readable,
    writable: operators.writable ?? base.writable,
    isolationMissing: operators.isolationMissing ?? (isWritten ? 'refuse' : 'warn'),
  }
}

function stricter(a: Isolation | undefined, b: Isolation): Isolation {
  return a === undefined || ISOLATIONS.indexOf(b) < ISOLATIONS.indexOf(a) ? b : a
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
