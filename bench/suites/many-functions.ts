/**
 * Whether functions that nobody calls cost anything: gateways with few and with very many deployed functions, the same
 * number of warm workers in each, compared in what a call takes, what idling takes, and what starting takes.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { treeCpuMs } from '../lib/cpu.ts'
import { type Gateway, startGateway } from '../lib/gateway.ts'
import { type Contestant, interleave, medianOf, ratioOf, type Standing } from '../lib/interleave.ts'
import { type LoadReport, load, loadInWords } from '../lib/load.ts'
import { MiB, readMemory } from '../lib/memory.ts'
import { pinningInWords } from '../lib/pinning.ts'
import { makeProject, type Project } from '../lib/project.ts'
import { sum } from '../lib/stats.ts'
import type { Progress, Suite } from '../lib/suite.ts'
import { atLeast, atMost, type Finding, mustBeNone } from '../lib/verdict.ts'

const WARM_WORKERS = 20
const FEW = 10
const CONNECTIONS = 64

interface Deployed {
  readonly count: number
  readonly project: Project
  readonly gateway: Gateway
  /** With nothing built, and with everything built. */
  readonly firstStartMs: number
  readonly secondStartMs: number
}

interface Measured extends Deployed {
  readonly standing: Standing<LoadReport>
  readonly idleCpuMs: number
  readonly privateMiB: number
}

export const manyFunctions: Suite = {
  name: 'many-functions',
  question:
    'Do functions that are deployed and not called cost anything: per call, while idle, in memory, at the start?',
  async run(options, progress) {
    const counts = [FEW, 1_000, ...(options.full ? [10_000] : [])]
    const rounds = options.rounds ?? (options.quick ? 2 : 5)
    const seconds = options.quick ? 2 : 5
    const idleSeconds = options.quick ? 4 : 10
    const deployed: Deployed[] = []
    try {
      for (const count of counts) deployed.push(await deploy(count, progress))
      progress(`nothing for ${idleSeconds} s`)
      const idleCpuMs = await idleCpu(deployed, idleSeconds)
      const memory = deployed.map(({ gateway }) => readMemory(gateway.pid).privateBytes / MiB)
      for (const one of deployed) await loadOf(one, 1).measure(0)
      const standings = await interleave(
        deployed.map((one) => loadOf(one, seconds)),
        rounds,
        (name, round, { requestsPerSecond }) =>
          progress(`round ${round + 1}/${rounds} ${name} ${Math.round(requestsPerSecond)} requests/s`),
      )
      const measured = deployed.map((one, at): Measured => {
        return { ...one, standing: standings[at]!, idleCpuMs: idleCpuMs[at]!, privateMiB: memory[at]! }
      })
      const few = measured[0]!
      return {
        conditions: [
          pinningInWords,
          `${loadInWords} ${CONNECTIONS} connections, ${rounds} interleaved rounds of ${seconds} s on one warm function.`,
          `Each gateway keeps ${WARM_WORKERS} workers warm, whatever it has deployed; all gateways run at the same time.`,
          `Idle CPU is that of the gateway and all its workers together over ${idleSeconds} s.`,
        ],
        table: {
          head: [
            'deployed',
            'requests/s',
            `÷ ${FEW}`,
            'p50 ms',
            'p99 ms',
            'idle CPU ms/s',
            'gateway private MiB',
            'first start s',
            'second start s',
            `with ${WARM_WORKERS} warm s`,
          ],
          rows: measured.map((one) => [
            one.standing.name,
            medianOf(one.standing, 'requestsPerSecond'),
            ratioOf(one.standing, few.standing, 'requestsPerSecond'),
            medianOf(one.standing, 'p50Ms'),
            medianOf(one.standing, 'p99Ms'),
            one.idleCpuMs / idleSeconds,
            one.privateMiB,
            one.firstStartMs / 1000,
            one.secondStartMs / 1000,
            one.gateway.startMs / 1000,
          ]),
        },
        drawing: {
          title: 'Requests per second on one of many functions (median)',
          unit: '/s',
          bars: measured.map(({ standing }) => ({
            label: standing.name,
            value: medianOf(standing, 'requestsPerSecond'),
          })),
        },
        findings: measured.slice(1).flatMap((one) => findings(one, few)),
        raw: measured.map(({ count, standing, idleCpuMs: idle, privateMiB, firstStartMs, secondStartMs, gateway }) => ({
          count,
          standing,
          idleCpuMs: idle,
          privateMiB,
          firstStartMs,
          secondStartMs,
          warmStartMs: gateway.startMs,
        })),
      }
    } finally {
      for (const { gateway, project } of deployed) {
        await gateway.stop()
        project.remove()
      }
    }
  },
}

function findings(many: Measured, few: Measured): Finding[] {
  const of = `${many.count.toLocaleString('en-US')} ÷ ${FEW} functions`
  const failed = sum(many.standing.rounds.map(({ badStatuses, errors }) => badStatuses + errors))
  return [
    atLeast(0.97, { measure: `${of}: requests/s`, value: ratioOf(many.standing, few.standing, 'requestsPerSecond') }),
    atMost(1.03, { measure: `${of}: p99`, value: ratioOf(many.standing, few.standing, 'p99Ms') }),
    atMost(1.25, { measure: `${of}: idle CPU`, value: many.idleCpuMs / few.idleCpuMs }),
    mustBeNone({ measure: `${of}: failed requests`, value: failed }),
  ]
}

/** Started without warm workers first, once with nothing built and once with everything built; then with them. */
async function deploy(count: number, progress: Progress): Promise<Deployed> {
  const names = Array.from({ length: count }, (_, at) => nameOf(at))
  const functions = Object.fromEntries(
    names.map((name) => [`${name}.js`, `export default { fetch: () => new Response('I am ${name}\\n') }\n`]),
  )
  const cold = { pool: { maxWorkers: 64 }, log: { level: 'warn' } }
  const project = makeProject(() => ({ functions, config: cold }))
  progress(`${count} functions: starting, with nothing built`)
  const firstStartMs = await startAndStop(project)
  progress(`${count} functions: started in ${(firstStartMs / 1000).toFixed(1)} s; again, with everything built`)
  const secondStartMs = await startAndStop(project)
  progress(`${count} functions: started in ${(secondStartMs / 1000).toFixed(1)} s; again, with ${WARM_WORKERS} warm`)
  project.configure({ ...cold, overrides: warmOnes(count) })
  return { count, project, firstStartMs, secondStartMs, gateway: await startGateway(project) }
}

async function startAndStop(project: Project): Promise<number> {
  const gateway = await startGateway(project)
  await gateway.stop()
  return gateway.startMs
}

/** Spread over all functions, so that none is found early by its place. */
function warmOnes(count: number): Record<string, { minWorkers: number }> {
  const warm = Math.min(count, WARM_WORKERS)
  const minWorkers = WARM_WORKERS / warm
  return Object.fromEntries(
    Array.from({ length: warm }, (_, at) => [nameOf(Math.floor((at * count) / warm)), { minWorkers }]),
  )
}

function nameOf(at: number): string {
  return `f${String(at).padStart(5, '0')}`
}

/** All at the same time: they are compared with one another. */
async function idleCpu(deployed: readonly Deployed[], seconds: number): Promise<number[]> {
  for (const { gateway } of deployed) {
    await gateway.until('no process is booting any more', ({ pool }) => pool.blanks > 0 && pool.starting === 0)
  }
  await pause(1_000)
  const before = deployed.map(({ gateway }) => treeCpuMs(gateway.pid))
  await pause(seconds * 1000)
  return deployed.map(({ gateway }, at) => treeCpuMs(gateway.pid) - before[at]!)
}

/** The function in the middle of those that are warm. */
function loadOf({ count, gateway }: Deployed, seconds: number): Contestant<LoadReport> {
  const warm = Object.keys(warmOnes(count))
  const name = warm[warm.length >> 1]!
  return {
    name: `${count.toLocaleString('en-US')} functions`,
    measure: () => load(`${gateway.url}/${name}`, { connections: CONNECTIONS, seconds }),
  }
}
