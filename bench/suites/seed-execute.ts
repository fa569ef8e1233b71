/** The seed's execute test: once an environment is there, does code in it run as fast as anywhere else? */
import { medianOf } from '../lib/interleave.ts'
import { type Asked, type Level, labelOf, levelsTable, measureLevels } from '../lib/levels.ts'
import { pinningInWords } from '../lib/pinning.ts'
import { missingInWords, type Runtime, runtimes, sandboxes, versionsInWords } from '../lib/runtimes.ts'
import type { Suite } from '../lib/suite.ts'
import { atLeast } from '../lib/verdict.ts'

export const seedExecute: Suite = {
  name: 'seed-execute',
  question: 'How many times a second is SHA-512 of 1 MiB computed inside each level of isolation?',
  async run(options, progress) {
    const rounds = options.rounds ?? (options.quick ? 2 : 5)
    const forMs = options.quick ? 100 : 300
    const levels = levelsFor(forMs)
    const outcome = await measureLevels(levels, { rounds, progress })
    const [first, last] = [levels[0]!, levels.at(-1)!].map((level) => labelOf(level, runtimes[0]!))
    return {
      conditions: [
        pinningInWords,
        `The bytes are made inside; ${rounds} interleaved rounds of ${forMs / 1000} s, starts not counted. ${versionsInWords()}`,
        'In a process of its own a runtime is what it is in-process: the same program, started once.',
        ...missingInWords,
        ...outcome.skipped,
      ],
      table: levelsTable(levels, outcome),
      drawing: {
        title: 'SHA-512 of 1 MiB per second (median)',
        unit: '/s',
        bars: outcome.raw.rate.map((one) => ({ label: one.name, value: medianOf(one, 'perSecond') })),
      },
      findings: [
        atLeast(0.95, {
          measure: `${runtimes[0]!.name}: in the process pool ÷ in-process`,
          value: outcome.ratio(last!, first!, 'rate', 'perSecond'),
        }),
      ],
      raw: outcome.raw,
    }
  },
}

function levelsFor(forMs: number): Level[] {
  const inside = (
    what: 'hash' | 'hash-in-thread' | 'hash-in-realm' | 'hash-in-pool',
    prefix: readonly string[] = [],
  ) => {
    return ({ probe }: Runtime): Asked => ({ command: [...prefix, ...probe], order: { do: what, forMs } })
  }
  return [
    { name: 'in-process', on: inside('hash') },
    { name: 'thread', on: inside('hash-in-thread') },
    { name: 'realm', on: (runtime) => (runtime.hasRealms ? inside('hash-in-realm')(runtime) : null) },
    { name: 'process', on: inside('hash') },
    ...sandboxes.map(({ name, command }) => ({ name, on: inside('hash', command) })),
    { name: 'process pool', on: (runtime) => (runtime.hasPool ? inside('hash-in-pool')(runtime) : null) },
  ]
}
