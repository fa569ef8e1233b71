/**
 * One run: a gateway with the healthy functions and those of the chosen disturbances, many small callers, and the phases
 * calm, disturbed, burdened (the disturbance's CPU without the disturbance), calm. Before and after them everything
 * rests, so that what is left can be compared with what was there.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { treeCpuMs } from '../bench/lib/cpu.ts'
import { sum } from '../bench/lib/stats.ts'
import type { GatewayStatus } from '../gateway/admin/status.ts'
import { brokenInvariants } from '../warmpool/index.ts'
import type { Disturbance, Scene } from './disturbance.ts'
import { HEALTHY_FUNCTIONS, HEALTHY_LANES, HEALTHY_SETTINGS } from './healthy.ts'
import { ask, until } from './lib/ask.ts'
import { Burden } from './lib/burden.ts'
import { Callers } from './lib/callers.ts'
import { nowMs } from './lib/clock.ts'
import { Gateway, type Vitals } from './lib/gateway.ts'
import type { Account } from './lib/load.ts'
import { Project, type ProjectFiles } from './lib/project.ts'
import { Random } from './lib/random.ts'
import { type Strike, schedule } from './lib/schedule.ts'
import type { Phases, Span, Struck } from './lib/verdict.ts'

const BLANKS = 2
const LOOK_EVERY_MS = 200
const WARM_UP_MS = 2_000
/** Of the given time. */
const CALM_SHARE = 0.15
const BURDENED_SHARE = 0.2

export interface SessionOptions {
  readonly seed: number
  readonly durationMs: number
  readonly disturbances: readonly Disturbance[]
  readonly tell: (line: string) => void
}

export interface Seen {
  readonly accounts: readonly Account[]
  readonly strikes: readonly Struck[]
  readonly phases: Phases
  /** How many cores the gateway and its workers kept busy. */
  readonly cores: { readonly calm: number; readonly disturbed: number }
  readonly looks: number
  readonly brokenInvariants: readonly string[]
  /** What did not come to rest, before and after. */
  readonly restless: readonly string[]
  readonly before: Vitals
  readonly after: Vitals
  readonly log: readonly string[]
  readonly adminFailures: readonly string[]
  /** Its exit code or the signal that ended it; what was left of it then. */
  readonly end: number | string
  readonly leftOver: readonly number[]
}

export async function runSession(options: SessionOptions): Promise<Seen> {
  const project = new Project(filesFor(options.disturbances))
  try {
    const gateway = await Gateway.start(project)
    const seen = await disturb(gateway, options).catch(async (error: unknown) => {
      await gateway.stop()
      throw error
    })
    const end = await gateway.stop()
    // Whatever it takes its time to die of, it is dead by then or left over.
    await until('everything is gone', () => gateway.processes().length === 0).catch(() => {})
    return { ...seen, log: gateway.log, adminFailures: gateway.adminFailures, end, leftOver: gateway.processes() }
  } finally {
    project.delete()
  }
}

function filesFor(disturbances: readonly Disturbance[]): ProjectFiles {
  const functions: Record<string, string> = { ...HEALTHY_FUNCTIONS }
  const overrides: Record<string, object> = { ...HEALTHY_SETTINGS }
  for (const one of disturbances) {
    Object.assign(functions, one.functions)
    Object.assign(overrides, one.settings)
  }
  const config = {
    // Whoever is not called for a moment is cold again: at rest, only what is to be kept warm is there.
    defaults: { maxWorkers: 2, idleTimeout: '1s', timeout: '5s' },
    limits: { headersTimeout: '2s', bodyTimeout: '2s', writeTimeout: '2s' },
    pool: { blanks: BLANKS, maxWorkers: 48 },
    log: { level: 'warn', format: 'json' },
    overrides,
  }
  return { functions, config }
}

async function disturb(
  gateway: Gateway,
  options: SessionOptions,
): Promise<Omit<Seen, 'log' | 'adminFailures' | 'end' | 'leftOver'>> {
  const { seed, durationMs, disturbances, tell } = options
  const lanes = [...HEALTHY_LANES, ...disturbances.flatMap((one) => one.lanes ?? [])]
  const callers = await Callers.start(gateway.url, lanes, new Random(seed).seed())
  const watch = new Watch(gateway)
  const restless: string[] = []
  try {
    callers.call()
    await pause(WARM_UP_MS)
    const before = await restOf(gateway, callers, disturbances, restless)
    const calm = await phase(gateway, callers, () => pause(durationMs * CALM_SHARE))
    tell(`calm: ${calm.cores.toFixed(2)} cores busy`)
    const planned = schedule(names(disturbances), durationMs * (1 - 2 * CALM_SHARE - BURDENED_SHARE), seed)
    const strikes: Struck[] = []
    const disturbed = await phase(gateway, callers, () => strikeAll(gateway, planned, disturbances, strikes, tell))
    tell(`disturbed: ${disturbed.cores.toFixed(2)} cores busy`)
    await restOf(gateway, callers, disturbances, restless)
    const extra = Math.max(0.01, disturbed.cores - calm.cores)
    const burdened = await phase(gateway, callers, async () => {
      const burden = new Burden(extra)
      await pause(durationMs * BURDENED_SHARE)
      burden.end()
    })
    const again = await phase(gateway, callers, () => pause(durationMs * CALM_SHARE))
    const after = await restOf(gateway, callers, disturbances, restless)
    return {
      accounts: await callers.accounts(),
      strikes,
      phases: { calm: [calm, again], disturbed, burdened },
      cores: { calm: calm.cores, disturbed: disturbed.cores },
      ...(await watch.end()),
      restless,
      before,
      after,
    }
  } finally {
    callers.stop()
    await watch.end()
  }
}

const names = (disturbances: readonly Disturbance[]): string[] => disturbances.map(({ name }) => name)

async function phase(
  gateway: Gateway,
  callers: Callers,
  run: () => Promise<unknown>,
): Promise<Span & { readonly cores: number }> {
  callers.call()
  const [fromMs, fromCpuMs] = [nowMs(), treeCpuMs(gateway.pid)]
  await run()
  const toMs = nowMs()
  return { fromMs, toMs, cores: (treeCpuMs(gateway.pid) - fromCpuMs) / (toMs - fromMs) }
}

/** Each strike at its time, unless the one of the same kind before it is not over. Resolves when all are. */
async function strikeAll(
  gateway: Gateway,
  planned: readonly Strike[],
  disturbances: readonly Disturbance[],
  strikes: Struck[],
  tell: (line: string) => void,
): Promise<void> {
  const startedAtMs = nowMs()
  const lastOf = new Map<string, Promise<void>>()
  const scene = sceneOf(gateway)
  for (const { name, atMs, seed } of planned) {
    await pause(Math.max(0, startedAtMs + atMs - nowMs()))
    const disturbance = disturbances.find((one) => one.name === name)!
    const turn = disturbance.isAlone ? 'alone' : name
    const strike = async (): Promise<void> => {
      const struck = await strikeOnce(disturbance, scene, new Random(seed))
      strikes.push(struck)
      tell(`${((struck.fromMs - startedAtMs) / 1000).toFixed(1).padStart(6)} s  ${name}: ${struck.did}`)
    }
    lastOf.set(turn, (lastOf.get(turn) ?? Promise.resolve()).then(strike))
  }
  await Promise.all(lastOf.values())
}

async function strikeOnce(disturbance: Disturbance, scene: Scene, random: Random): Promise<Struck> {
  const fromMs = nowMs()
  try {
    const did = await disturbance.strike(scene, random)
    return { disturbance, fromMs, toMs: nowMs(), did, isFailed: false }
  } catch (error) {
    return { disturbance, fromMs, toMs: nowMs(), did: `FAILED: ${(error as Error).message}`, isFailed: true }
  }
}

function sceneOf(gateway: Gateway): Scene {
  const { url, pid, project, log } = gateway
  return {
    log,
    url,
    pid,
    project,
    until,
    status: () => gateway.status(),
    ask: (path, init) => ask(`${url}${path}`, init),
    shiftClock: (byMs) => gateway.shiftClock(byMs),
  }
}

/** Nobody calls, nothing is under way, and only what is kept warm is there. */
async function restOf(
  gateway: Gateway,
  callers: Callers,
  disturbances: readonly Disturbance[],
  restless: string[],
): Promise<Vitals> {
  await callers.rest()
  const warm = warmWorkers(disturbances)
  let status: GatewayStatus
  await until('the gateway rests', async () => {
    status = await gateway.status()
    return isAtRest(status, warm)
  }).catch((error: Error) => {
    const { gateway, pool, functions } = status
    const counts = `${gateway.requestsInFlight} requests, ${pool.workers} processes, ${pool.blanks} blanks`
    const kept = functions.map(({ name, workers }) => `${name} ${workers.map(({ state }) => state)}`).join(', ')
    restless.push(`${error.message}: ${counts}; ${kept}`)
  })
  return gateway.vitals()
}

/** `warm`: how many workers each function keeps when nobody calls. */
function isAtRest({ gateway, pool, functions }: GatewayStatus, warm: ReadonlyMap<string, number>): boolean {
  const owned = sum(functions.map(({ workers }) => workers.length))
  // `once` has a kind of its own: its workers are forked.
  const kinds = new Set(functions.map(({ name, runtime }) => (name === 'once' ? `${runtime}, forked` : runtime)))
  const blanks = BLANKS * kinds.size
  return (
    gateway.requestsInFlight === 0 &&
    pool.blanks === blanks &&
    pool.workers === blanks + owned &&
    functions.every(({ name, workers }) => workers.length === (warm.get(name) ?? 0))
  )
}

/** From the configuration of this run. */
function warmWorkers(disturbances: readonly Disturbance[]): Map<string, number> {
  const settings = [HEALTHY_SETTINGS, ...disturbances.map((one) => one.settings ?? {})]
  return new Map(
    settings
      .flatMap((one) => Object.entries(one))
      .map(([name, of]) => [name, (of as { minWorkers?: number }).minWorkers ?? 0]),
  )
}

/** Looks at the status again and again for as long as a run lasts. */
class Watch {
  readonly #broken = new Set<string>()
  #looks = 0
  #isOver = false
  readonly #done: Promise<void>

  constructor(gateway: Gateway) {
    // Where it does not answer any more, everything else fails too.
    this.#done = this.#look(gateway).catch(() => {})
  }

  async end(): Promise<{ looks: number; brokenInvariants: string[] }> {
    this.#isOver = true
    await this.#done
    return { looks: this.#looks, brokenInvariants: [...this.#broken] }
  }

  async #look(gateway: Gateway): Promise<void> {
    while (!this.#isOver && gateway.isAlive) {
      for (const sentence of brokenInvariants(await gateway.status())) this.#broken.add(sentence)
      this.#looks++
      await pause(LOOK_EVERY_MS)
    }
  }
}
