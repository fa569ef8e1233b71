/**
 * A new version before it gets traffic: it is started beside the live one under a name of its own, has to load and to
 * answer its health check, and is warm when this is done. What fails leaves nothing behind. Deployments and `--watch` go this way.
 */
import type { ErrorReport, FunctionSpec, LoadFailedEvent, WarmPool } from '../../warmpool/index.ts'
import { CheckCall } from '../functions/check-call.ts'
import { Refusal } from './refusal.ts'

export interface HealthCheck {
  readonly path: string
  readonly status: number
}

/** Hears of each step once it is done. */
export type OnStep = (step: string, tookMs: number, note?: string) => void

/** A worker may have to boot before it loads, and others may be in front of it. */
const BOOTS = 3
const HEALTH_MS = 30_000

/** Throws `Refusal` with the candidate gone, or resolves with as many workers of it warm as there is room for. */
export async function proveCandidate(
  pool: WarmPool,
  spec: FunctionSpec,
  health: HealthCheck | null,
  onStep: OnStep,
): Promise<void> {
  try {
    await timed('boot', onStep, () => boot(pool, spec))
    if (health !== null) await timed('health', onStep, () => checkHealth(pool, spec, health))
    if (spec.settings.minWorkers > 1) await warm(pool, spec, onStep)
  } catch (error) {
    pool.remove(spec.name)
    throw error
  }
}

export async function timed<T>(step: string, onStep: OnStep, work: () => Promise<T>): Promise<T> {
  const startedAtMs = performance.now()
  const result = await work()
  onStep(step, performance.now() - startedAtMs)
  return result
}

async function boot(pool: WarmPool, spec: FunctionSpec): Promise<void> {
  let report: ErrorReport | null = null
  const onLoadFailed = (event: LoadFailedEvent): void => {
    if (event.function === spec.name) report = event.report
  }
  pool.on('load-failed', onLoadFailed)
  try {
    pool.define({ ...spec, settings: { ...spec.settings, minWorkers: 1 } })
    await pool.warmedUp(spec.name, BOOTS * spec.settings.bootTimeoutMs)
  } finally {
    pool.off('load-failed', onLoadFailed)
  }
  if (warmWorkers(pool, spec.name) > 0) return
  throw notLoaded(pool, spec, report)
}

function notLoaded(pool: WarmPool, spec: FunctionSpec, report: ErrorReport | null): Refusal {
  if (report !== null) {
    const { name, message, file, line, frame, stack } = report
    const place = file === undefined ? '' : ` (${file.split('/files/').at(-1)}:${line ?? 1})`
    return new Refusal('init-failed', `It does not load: ${name}: ${message}${place}`, frame ?? stack ?? null)
  }
  const cannot = pool.cannotStart(spec.name)
  if (cannot !== null) return new Refusal('boot-failed', `No worker process can be started: ${cannot}`)
  const unavailable = pool.statusOf(spec.name)?.unavailable
  if (unavailable) return new Refusal('init-failed', `It does not load: ${unavailable.message}`)
  const detail = `No worker of it was ready within ${BOOTS * spec.settings.bootTimeoutMs} ms: the pool may have no place for one more (pool.maxWorkers)`
  return new Refusal('boot-failed', detail)
}

async function checkHealth(pool: WarmPool, spec: FunctionSpec, { path, status }: HealthCheck): Promise<void> {
  const headers = [['user-agent', 'wrangler-free-health'] as const]
  const call = new CheckCall({ method: 'GET', path, headers, body: null })
  // Its sender may be somebody who means ill: an endless one is not to fill the gateway's memory.
  call.keepsBody = false
  call.timeoutMs = Math.min(HEALTH_MS, spec.settings.timeoutMs)
  pool.invoke(spec.name, call)
  const answer = await call.answered
  if (!answer.ok) throw new Refusal('health-failed', `GET ${path}, its health check, failed: ${answer.message}`)
  if (answer.status === status) return
  const detail = `GET ${path}, its health check, was answered with ${answer.status} and has to be answered with ${status}`
  throw new Refusal('health-failed', detail)
}

/** As many as there is room for: the rest start when the version before gives up its own. */
async function warm(pool: WarmPool, spec: FunctionSpec, onStep: OnStep): Promise<void> {
  const startedAtMs = performance.now()
  pool.define(spec)
  await pool.warmedUp(spec.name, spec.settings.bootTimeoutMs)
  const note = `${warmWorkers(pool, spec.name)} of ${spec.settings.minWorkers} workers`
  onStep('warm', performance.now() - startedAtMs, note)
}

export function warmWorkers(pool: WarmPool, name: string): number {
  const workers = pool.statusOf(name)?.workers ?? []
  return workers.filter(({ state }) => state === 'ready' || state === 'busy').length
}
