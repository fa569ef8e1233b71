/**
 * The recycling tax: the same function in the same gateway, once with workers recycled every 200 invocations and once
 * never. Both share one gateway, so that only the setting differs. Full load leaves no core to boot replacements on, so
 * workers serve far more than 200; a calm load shows what it takes when recycling keeps pace.
 */
import { calmLoad } from '../lib/calm-load.ts'
import { treeCpuMs } from '../lib/cpu.ts'
import { type Gateway, withGateway } from '../lib/gateway.ts'
import { type Contestant, interleave, medianOf, ratioOf, type Standing } from '../lib/interleave.ts'
import { hasWrk, type LoadReport, loadInWords } from '../lib/load.ts'
import { pinningInWords } from '../lib/pinning.ts'
import { countingHello, servedBy } from '../lib/served.ts'
import { median, sum } from '../lib/stats.ts'
import type { Suite } from '../lib/suite.ts'
import { atLeast, atMost, type Finding, mustBeAtLeast, mustBeNone } from '../lib/verdict.ts'

const CONNECTIONS = 64
const MAX_INVOCATIONS = 200
const CALM_CONNECTIONS = 2
const CALM_PAUSE_MS = 5

interface Shape {
  readonly shape: string
  readonly settings: Readonly<Record<string, number>>
  readonly connections: number
  /** Of each connection, before its next request. */
  readonly pauseMs: number
}

const ONE = { minWorkers: 1, maxWorkers: 1, concurrency: 64 }
const FOUR = { minWorkers: 4, maxWorkers: 4, concurrency: 16 }

/** Full load on one worker that takes it all and on several that share it; and what one worker does with ease. */
const SHAPES: readonly Shape[] = [
  { shape: 'one worker', settings: ONE, connections: CONNECTIONS, pauseMs: 0 },
  { shape: 'four workers', settings: FOUR, connections: CONNECTIONS, pauseMs: 0 },
  { shape: 'calm', settings: ONE, connections: CALM_CONNECTIONS, pauseMs: CALM_PAUSE_MS },
]

type Sample = LoadReport & {
  readonly cpuUs: number
  readonly recycles: number
  readonly otherDeaths: number
  readonly unwarmed: number
}

interface Pair {
  readonly shape: string
  readonly isCalm: boolean
  readonly recycled: Standing<Sample>
  readonly kept: Standing<Sample>
  /** By each worker that was recycled, warming up included. */
  readonly served: readonly number[]
}

export const recycling: Suite = {
  name: 'recycling',
  question: `What does recycling every ${MAX_INVOCATIONS} invocations cost, under full load and under a calm one?`,
  run(options, progress) {
    const rounds = options.rounds ?? (options.quick ? 2 : 5)
    const seconds = options.quick ? 3 : 5
    const names = SHAPES.flatMap((_, at) => [`recycled-${at}`, `kept-${at}`])
    const functions = Object.fromEntries(names.map((name) => [`${name}.js`, countingHello(name)]))
    const overridesIn = (folder: string) =>
      Object.fromEntries(
        names.map((name, at) => {
          const maxInvocations = name.startsWith('recycled') ? MAX_INVOCATIONS : 'never'
          const own = { env: { SERVED_FOLDER: folder }, writable: [folder] }
          return [name, { ...SHAPES[at >> 1]!.settings, maxInvocations, ...own }]
        }),
      )
    const filesIn = (folder: string) => ({
      functions,
      config: { overrides: overridesIn(folder), log: { level: 'warn' } },
    })
    return withGateway(filesIn, async (gateway, { folder }) => {
      const pairs: Pair[] = []
      for (const [at, shape] of SHAPES.entries()) {
        const contestants = [`recycled-${at}`, `kept-${at}`].map((name) => contestant(gateway, name, shape, seconds))
        progress(`${shape.shape}: warming up`)
        for (const { measure } of contestants) await measure(0)
        const [recycled, kept] = await interleave(contestants, rounds, (name, round, sample) =>
          progress(
            `${shape.shape}: round ${round + 1}/${rounds} ${name} ${Math.round(sample.requestsPerSecond)} requests/s, ${sample.recycles} recycles`,
          ),
        )
        pairs.push({
          shape: shape.shape,
          isCalm: shape.pauseMs > 0,
          recycled: recycled!,
          kept: kept!,
          served: servedBy(folder, `recycled-${at}`),
        })
      }
      return {
        conditions: [
          pinningInWords,
          `${loadInWords} ${CONNECTIONS} connections, ${rounds} interleaved rounds of ${seconds} s after one to warm up.`,
          `Calm: ${CALM_CONNECTIONS} connections${hasWrk ? `, each pausing ${CALM_PAUSE_MS} ms before its next request` : ''}.`,
          'Replacements nobody waits for boot on idle cores, and at a trickle when there are none: a worker serves past',
          `its number until its replacement is warm. Under full load "each served" is therefore far above ${MAX_INVOCATIONS}, and the`,
          'ratio is what recycling costs there; what it costs when it keeps pace is told by the calm rows and their CPU.',
          'CPU is that of the gateway and all its workers, booting and ending included.',
        ],
        table: {
          head: [
            '',
            'requests/s',
            '÷ never',
            'p50 ms',
            'p99 ms',
            'CPU µs each',
            'failed',
            'recycles',
            'each served',
            'most by one',
            'not warm',
          ],
          rows: pairs.flatMap((pair) => [
            row(`${pair.shape}, every ${MAX_INVOCATIONS}`, pair.recycled, pair.kept, pair.served),
            row(`${pair.shape}, never`, pair.kept, pair.kept),
          ]),
        },
        drawing: {
          title: 'Requests per second (median)',
          unit: '/s',
          bars: pairs.flatMap(({ shape, recycled, kept }) => [
            { label: `${shape}, every ${MAX_INVOCATIONS}`, value: medianOf(recycled, 'requestsPerSecond') },
            { label: `${shape}, never`, value: medianOf(kept, 'requestsPerSecond') },
          ]),
        },
        findings: pairs.flatMap(findings),
        raw: pairs,
      }
    })
  },
}

function findings({ shape, isCalm, recycled, kept, served }: Pair): Finding[] {
  const ratio = ratioOf(recycled, kept, 'requestsPerSecond')
  const pace = isCalm
    ? [
        atMost(1.5 * MAX_INVOCATIONS, {
          measure: `${shape}: calls that each worker served (median)`,
          value: median(served),
        }),
        atMost(2 * MAX_INVOCATIONS, { measure: `${shape}: most that one worker served`, value: Math.max(...served) }),
      ]
    : []
  return [
    atLeast(0.97, { measure: `${shape}: requests/s, recycled ÷ never`, value: ratio }),
    ...pace,
    mustBeNone({ measure: `${shape}: failed requests`, value: failures(recycled) }),
    mustBeNone({ measure: `${shape}: blank and cold starts after warming up`, value: total(recycled, 'unwarmed') }),
    mustBeNone({ measure: `${shape}: workers that ended for another reason`, value: total(recycled, 'otherDeaths') }),
    mustBeAtLeast(1, { measure: `${shape}: recycles, warming up included`, value: served.length }),
  ]
}

function row(label: string, standing: Standing<Sample>, base: Standing<Sample>, served: readonly number[] = []) {
  return [
    label,
    medianOf(standing, 'requestsPerSecond'),
    ratioOf(standing, base, 'requestsPerSecond'),
    ...(['p50Ms', 'p99Ms', 'cpuUs'] as const).map((key) => medianOf(standing, key)),
    failures(standing),
    total(standing, 'recycles'),
    median(served),
    served.length > 0 ? Math.max(...served) : Number.NaN,
    total(standing, 'unwarmed'),
  ]
}

function contestant(gateway: Gateway, name: string, shape: Shape, seconds: number): Contestant<Sample> {
  const url = `${gateway.url}/${name}`
  const options = { connections: shape.connections, seconds }
  return {
    name,
    async measure() {
      const before = await gateway.statusOf(name)
      const cpuBeforeMs = treeCpuMs(gateway.pid)
      const report = await calmLoad(url, shape.pauseMs, options)
      const cpuMs = treeCpuMs(gateway.pid) - cpuBeforeMs
      const after = await gateway.statusOf(name)
      const recycles = (after.deaths.invocations ?? 0) - (before.deaths.invocations ?? 0)
      return {
        ...report,
        cpuUs: (cpuMs * 1000) / report.requests,
        recycles,
        otherDeaths: sum(Object.values(after.deaths)) - sum(Object.values(before.deaths)) - recycles,
        unwarmed: after.starts.blank + after.starts.cold - before.starts.blank - before.starts.cold,
      }
    },
  }
}

function failures(standing: Standing<Sample>): number {
  return total(standing, 'badStatuses') + total(standing, 'errors')
}

function total(standing: Standing<Sample>, key: keyof Sample): number {
  return sum(standing.rounds.map((sample) => sample[key]))
}
