/** The seed's start test: how many empty environments a second, at each isolation level, on each runtime. */
import { medianOf } from '../lib/interleave.ts'
import { type Asked, type Level, labelOf, levelsTable, measureLevels } from '../lib/levels.ts'
import { pinningInWords } from '../lib/pinning.ts'
import { missingInWords, type Runtime, runtimes, sandboxes, versionsInWords } from '../lib/runtimes.ts'
import type { Suite } from '../lib/suite.ts'
import { atLeast } from '../lib/verdict.ts'

/** Processes are started from the same small one, whatever they run. */
const STARTER = runtimes[0]!
const WARM_POOL = 'process pool, warm'

export const seedStart: Suite = {
  name: 'seed-start',
  question: 'How many times a second can an environment be started that runs nothing, at each level of isolation?',
  async run(options, progress) {
    const rounds = options.rounds ?? (options.quick ? 2 : 5)
    const forMs = options.quick ? 200 : 500
    const { levels, process, warm } = levelsFor(forMs)
    const outcome = await measureLevels(levels, { rounds, progress })
    return {
      conditions: [
        pinningInWords,
        `One after the other, from start to end, ${rounds} interleaved rounds of ${forMs / 1000} s. ${versionsInWords()}`,
        'A realm is a context of node:vm. The pool is ours: with a fresh process for every call, blanks are booted ahead',
        'for as long as they last; the warm one starts nothing and shows what a call costs instead.',
        ...missingInWords,
        ...outcome.skipped,
      ],
      table: levelsTable(levels, outcome),
      drawing: {
        title: 'Empty processes per second (median)',
        unit: '/s',
        bars: outcome.raw.rate
          .filter(({ name }) => isProcess(name))
          .map((standing) => ({ label: standing.name, value: medianOf(standing, 'perSecond') })),
      },
      findings: [
        atLeast(100, {
          measure: 'calls to the warm pool ÷ process starts',
          value: outcome.ratio(labelOf(warm, STARTER), labelOf(process, STARTER), 'rate', 'perSecond'),
        }),
      ],
      raw: outcome.raw,
    }
  },
}

/** The others start so much faster that nothing would be seen of these beside them. */
function isProcess(label: string): boolean {
  return label.startsWith('process') && !label.startsWith(WARM_POOL)
}

function levelsFor(forMs: number) {
  const inside = (what: 'start-threads' | 'start-realms' | 'start-pool-workers' | 'call-pool') => {
    return ({ probe }: Runtime): Asked => ({ command: probe, order: { do: what, forMs } })
  }
  const started = (prefix: readonly string[]) => {
    return ({ empty }: Runtime): Asked => ({
      command: STARTER.probe,
      order: { do: 'start-processes', command: [...prefix, ...empty], forMs },
    })
  }
  const process: Level = { name: 'process', on: started([]) }
  const pooled = (what: 'start-pool-workers' | 'call-pool') => {
    return (runtime: Runtime) => (runtime.hasPool ? inside(what)(runtime) : null)
  }
  const warm: Level = { name: WARM_POOL, on: pooled('call-pool') }
  const levels: Level[] = [
    { name: 'in-process', on: () => '∞' },
    { name: 'thread', on: inside('start-threads') },
    { name: 'realm', on: (runtime) => (runtime.hasRealms ? inside('start-realms')(runtime) : null) },
    process,
    ...sandboxes.map(({ name, command }) => ({ name, on: started(command) })),
    { name: 'process pool, fresh for every call', on: pooled('start-pool-workers') },
    warm,
  ]
  return { levels, process, warm }
}
