/**
 * The recycling tax: the same function in the same gateway under full load, once with workers recycled every 200
 * invocations and once never. Both share one gateway, so that only the setting differs.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Gateway, withGateway } from '../lib/gateway.ts'
import { type Contestant, interleave, medianOf, ratioOf, type Standing } from '../lib/interleave.ts'
import { type LoadReport, load, loadInWords } from '../lib/load.ts'
import { pinningInWords } from '../lib/pinning.ts'
import { sum } from '../lib/stats.ts'
import type { Suite } from '../lib/suite.ts'
import { atLeast, type Finding, mustBeAtLeast, mustBeNone } from '../lib/verdict.ts'

const CONNECTIONS = 64
const MAX_INVOCATIONS = 200

/** Two ways to serve the load: one worker that takes it all, and several that share it. */
const SHAPES = [
  { shape: 'one worker', settings: { minWorkers: 1, maxWorkers: 1, concurrency: 64 } },
  { shape: 'four workers', settings: { minWorkers: 4, maxWorkers: 4, concurrency: 16 } },
] as const

type Sample = LoadReport & { readonly recycles: number; readonly otherDeaths: number; readonly unwarmed: number }

interface Pair {
  readonly shape: string
  readonly recycled: Standing<Sample>
  readonly kept: Standing<Sample>
  readonly mostServed: number
}

export const recycling: Suite = {
  name: 'recycling',
  question: `What does recycling every ${MAX_INVOCATIONS} invocations cost under full load?`,
  run(options, progress) {
    const rounds = options.rounds ?? (options.quick ? 2 : 5)
    const seconds = options.quick ? 2 : 5
    const names = SHAPES.flatMap((_, at) => [`recycled-${at}`, `kept-${at}`])
    const functions = Object.fromEntries(names.map((name) => [`${name}.js`, countingHello(name)]))
    const overridesIn = (folder: string) =>
      Object.fromEntries(
        names.map((name, at) => {
          const maxInvocations = name.startsWith('recycled') ? MAX_INVOCATIONS : 'never'
          return [name, { ...SHAPES[at >> 1]!.settings, maxInvocations, env: { SERVED_FOLDER: folder } }]
        }),
      )
    const filesIn = (folder: string) => ({
      functions,
      config: { overrides: overridesIn(folder), log: { level: 'warn' } },
    })
    return withGateway(filesIn, async (gateway, { folder }) => {
      const pairs: Pair[] = []
      for (const [at, { shape }] of SHAPES.entries()) {
        const contestants = [`recycled-${at}`, `kept-${at}`].map((name) => contestant(gateway, name, seconds))
        progress(`${shape}: warming up`)
        for (const { measure } of contestants) await measure(0)
        const [recycled, kept] = await interleave(contestants, rounds, (name, round, sample) =>
          progress(
            `${shape}: round ${round + 1}/${rounds} ${name} ${Math.round(sample.requestsPerSecond)} requests/s, ${sample.recycles} recycles`,
          ),
        )
        pairs.push({ shape, recycled: recycled!, kept: kept!, mostServed: mostServed(folder, `recycled-${at}`) })
      }
      return {
        conditions: [
          pinningInWords,
          `${loadInWords} ${CONNECTIONS} connections, ${rounds} interleaved rounds of ${seconds} s after one to warm up.`,
          'Replacements nobody waits for boot on idle cores, or one a second when there are none: a worker serves past',
          'its number until its replacement is warm, so "most by one" may be far above it under full load.',
        ],
        table: {
          head: ['', 'requests/s', 'p50 ms', 'p99 ms', '÷ never', 'failed', 'recycles', 'most by one', 'not warm'],
          rows: pairs.flatMap((pair) => [
            row(`${pair.shape}, every ${MAX_INVOCATIONS}`, pair.recycled, pair.kept, pair.mostServed),
            row(`${pair.shape}, never`, pair.kept, pair.kept, '–'),
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

function findings({ shape, recycled, kept }: Pair): Finding[] {
  const ratio = ratioOf(recycled, kept, 'requestsPerSecond')
  return [
    atLeast(0.9, { measure: `${shape}: requests/s, recycled ÷ never`, value: ratio }),
    atLeast(0.97, { measure: `${shape}: the same, the speed aimed at`, value: ratio }),
    mustBeNone({ measure: `${shape}: failed requests`, value: failures(recycled) }),
    mustBeNone({ measure: `${shape}: blank and cold starts after warming up`, value: total(recycled, 'unwarmed') }),
    mustBeNone({ measure: `${shape}: workers that ended for another reason`, value: total(recycled, 'otherDeaths') }),
    mustBeAtLeast(1, { measure: `${shape}: recycles`, value: total(recycled, 'recycles') }),
  ]
}

function row(label: string, standing: Standing<Sample>, base: Standing<Sample>, most: number | string) {
  const medians = (['requestsPerSecond', 'p50Ms', 'p99Ms'] as const).map((key) => medianOf(standing, key))
  const ratio = ratioOf(standing, base, 'requestsPerSecond')
  return [
    label,
    ...medians,
    ratio,
    failures(standing),
    total(standing, 'recycles'),
    String(most),
    total(standing, 'unwarmed'),
  ]
}

function contestant(gateway: Gateway, name: string, seconds: number): Contestant<Sample> {
  return {
    name,
    async measure() {
      const before = await gateway.statusOf(name)
      const report = await load(`${gateway.url}/${name}`, { connections: CONNECTIONS, seconds })
      const after = await gateway.statusOf(name)
      const recycles = (after.deaths.invocations ?? 0) - (before.deaths.invocations ?? 0)
      return {
        ...report,
        recycles,
        otherDeaths: sum(Object.values(after.deaths)) - sum(Object.values(before.deaths)) - recycles,
        unwarmed: after.starts.blank + after.starts.cold - before.starts.blank - before.starts.cold,
      }
    },
  }
}

/** Counts what it serves, and leaves that number behind when its worker ends. */
function countingHello(name: string): string {
  return `import { appendFileSync } from 'node:fs'
let served = 0
process.on('exit', () => appendFileSync(\`\${process.env.SERVED_FOLDER}/${name}.served\`, \`\${served}\\n\`))
export default {
  fetch() {
    served++
    return new Response('Hello!\\n')
  },
}
`
}

function mostServed(folder: string, name: string): number {
  return Math.max(
    0,
    ...readFileSync(join(folder, `${name}.served`), 'utf8')
      .trim()
      .split('\n')
      .map(Number),
  )
}

function failures(standing: Standing<Sample>): number {
  return total(standing, 'badStatuses') + total(standing, 'errors')
}

function total(standing: Standing<Sample>, key: keyof Sample): number {
  return sum(standing.rounds.map((sample) => sample[key]))
}
