/**
 * Whether functions that nobody calls cost anything: gateways with few and with very many deployed functions, the same
 * number of warm workers in each, compared in what a call takes, what idling takes, and what starting takes. All of them live at the same time.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { RouteTable } from '../../gateway/http/route-table.ts'
import { treeCpuMs } from '../lib/cpu.ts'
import {
  BLANKS,
  CONNECTIONS,
  calledName,
  type Deployed,
  deploy,
  nameOf,
  proveAnswer,
  WARM_WORKERS,
} from '../lib/deployment.ts'
import { type Contestant, interleave, medianOf, ratioOf, type Standing } from '../lib/interleave.ts'
import { type LoadReport, load, loadInWords } from '../lib/load.ts'
import { MiB, readMemory } from '../lib/memory.ts'
import { pinningInWords } from '../lib/pinning.ts'
import { shelfIsFull } from '../lib/shelf.ts'
import { sum } from '../lib/stats.ts'
import type { Suite } from '../lib/suite.ts'
import { atLeast, atMost, type Finding, mustBeNone } from '../lib/verdict.ts'

const COUNTS = [10, 100, 1_000, 10_000]
const FEW = COUNTS[0]!
const LOOK_UPS = 1_000_000

interface Measured extends Deployed {
  readonly standing: Standing<LoadReport>
  readonly idleCpuMsPerSecond: number
  readonly privateMiB: number
}

export const manyFunctions: Suite = {
  name: 'many-functions',
  question:
    'Do functions that are deployed and not called cost anything: per call, while idle, in memory, at the start?',
  async run(options, progress) {
    // The last is started three times, the first time to build it all: that takes a while.
    const counts = options.quick && !options.full ? COUNTS.slice(0, -1) : COUNTS
    const rounds = options.rounds ?? (options.quick ? 2 : 5)
    const seconds = options.quick ? 2 : 4
    const idleSeconds = options.quick ? 4 : 10
    const deployed: Deployed[] = []
    try {
      for (const count of counts) deployed.push(await deploy(count, progress))
      progress(`nothing for ${idleSeconds} s`)
      const idleCpuMs = await idleCpu(deployed, idleSeconds)
      const memory = deployed.map(({ gateway }) => readMemory(gateway.pid).privateBytes / MiB)
      for (const one of deployed) {
        await proveAnswer(one)
        await loadOf(one, 1).measure(0)
      }
      const standings = await interleave(
        deployed.map((one) => loadOf(one, seconds)),
        rounds,
        (name, round, { requestsPerSecond }) =>
          progress(`round ${round + 1}/${rounds} ${name} ${Math.round(requestsPerSecond)} requests/s`),
      )
      const measured = deployed.map((one, at): Measured => {
        return {
          ...one,
          standing: standings[at]!,
          idleCpuMsPerSecond: idleCpuMs[at]! / idleSeconds,
          privateMiB: memory[at]!,
        }
      })
      const few = measured[0]!
      return {
        conditions: [
          pinningInWords,
          `${loadInWords} ${CONNECTIONS} connections, ${rounds} interleaved rounds of ${seconds} s on one warm function.`,
          `Each gateway keeps ${WARM_WORKERS} functions warm with a worker each, whatever it has deployed; all gateways run at the same time.`,
          `Route time is one look-up in the gateway's own route table, of names in random order, without the rest of a call.`,
          `Idle CPU is that of the gateway and all its workers together over ${idleSeconds} s.`,
        ],
        table: {
          head: [
            'deployed',
            'requests/s',
            `÷ ${FEW}`,
            'p50 ms',
            'p99 ms',
            'route ns',
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
            routeNs(one.count),
            one.idleCpuMsPerSecond,
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
        findings: findings(measured),
        raw: measured.map(({ gateway, project: _, ...numbers }) => ({ ...numbers, warmStartMs: gateway.startMs })),
      }
    } finally {
      await Promise.all(deployed.map(({ gateway, project }) => gateway.stop().finally(() => project.remove())))
    }
  },
}

/** The most against the fewest; what fails counts wherever it does. */
function findings(measured: readonly Measured[]): Finding[] {
  const few = measured[0]!
  const many = measured.at(-1)!
  const of = (one: Measured, other: Measured) => `${one.standing.name} ÷ ${other.count.toLocaleString('en-US')}`
  const failed = measured.flatMap(({ standing }) =>
    standing.rounds.map(({ badStatuses, errors }) => badStatuses + errors),
  )
  return [
    atLeast(0.97, {
      measure: `requests/s: ${of(many, few)}`,
      value: ratioOf(many.standing, few.standing, 'requestsPerSecond'),
    }),
    atLeast(0.97, {
      measure: `p99, turned over so that more is better: ${of(few, many)}`,
      value: ratioOf(few.standing, many.standing, 'p99Ms'),
    }),
    // Not a ratio: of few, it may be less than the system's clock can tell.
    atMost(5, {
      measure: `idle CPU of ${many.standing.name} beyond that of ${FEW}`,
      value: many.idleCpuMsPerSecond - few.idleCpuMsPerSecond,
      unit: 'ms/s',
    }),
    mustBeNone({ measure: 'failed requests', value: sum(failed) }),
  ]
}

/** Nanoseconds. The same table that the gateway makes of these names. */
function routeNs(count: number): number {
  const table = new RouteTable(
    [],
    Array.from({ length: count }, (_, at) => nameOf(at)),
  )
  const targets = Array.from({ length: count }, (_, at) => `/${nameOf(at)}`).sort(() => Math.random() - 0.5)
  const lookUp = (times: number): number => {
    const startedAtMs = performance.now()
    for (let at = 0; at < times; at++) if (table.find('', targets[at % count]!) === null) throw new Error('No route')
    return ((performance.now() - startedAtMs) * 1e6) / times
  }
  lookUp(LOOK_UPS / 10)
  return lookUp(LOOK_UPS)
}

/** All at the same time: they are compared with one another. */
async function idleCpu(deployed: readonly Deployed[], seconds: number): Promise<number[]> {
  for (const { gateway } of deployed) {
    await shelfIsFull(gateway, BLANKS)
    await gateway.until('all that is kept warm is', ({ pool }) => pool.workers === WARM_WORKERS + BLANKS)
  }
  await pause(1_000)
  const before = deployed.map(({ gateway }) => treeCpuMs(gateway.pid))
  await pause(seconds * 1000)
  return deployed.map(({ gateway }, at) => treeCpuMs(gateway.pid) - before[at]!)
}

function loadOf({ count, gateway }: Deployed, seconds: number): Contestant<LoadReport> {
  return {
    name: `${count.toLocaleString('en-US')} functions`,
    measure: () => load(`${gateway.url}/${calledName(count)}`, { connections: CONNECTIONS, seconds }),
  }
}
