/** The seed's pool test: hashing tasks of two sizes in one process, and in a pool of as many as there are cores. */
import { availableParallelism } from 'node:os'
import { contest, type Entrant } from '../lib/contest.ts'
import { medianOf } from '../lib/interleave.ts'
import { MiB } from '../lib/memory.ts'
import { pinningInWords } from '../lib/pinning.ts'
import type { Suite } from '../lib/suite.ts'
import { peerCommand, showCalls } from '../lib/task-peers.ts'
import { atLeast } from '../lib/verdict.ts'
import type { Case, CaseReport } from '../task-peers/host.ts'

const IN_FLIGHT = 64
const WORKERS = availableParallelism()
const SINGLE = 'single process, ours'
const POOL = `pool of ${WORKERS}, ours`
const SYSTEMS = [
  { name: 'in-process', file: 'channels/in-process.ts', workers: 1 },
  { name: 'single process, base64 lines', file: 'channels/base64-lines.ts', workers: 1 },
  { name: SINGLE, file: 'pools/ours.ts', workers: 1 },
  { name: POOL, file: 'pools/ours.ts', workers: WORKERS },
]

const BYTES = { '1 KiB': 1024, '1 MiB': MiB } as const
type Event = keyof typeof BYTES
const EVENTS = Object.keys(BYTES) as Event[]

export const seedPool: Suite = {
  name: 'seed-pool',
  question: 'How many hashing tasks a second does a pool of processes take, against a single one?',
  async run(options, progress) {
    const rounds = options.rounds ?? (options.quick ? 2 : 5)
    const forMs = options.quick ? 300 : 1_000
    const order = (bytes: number, workers: number): Case => ({
      task: 'sha512',
      bytes,
      inFlight: IN_FLIGHT,
      workers,
      calls: Number.MAX_SAFE_INTEGER,
      forMs,
    })
    const entrants: Entrant<Event>[] = SYSTEMS.map(({ name, file, workers }) => ({
      name,
      command: peerCommand(file),
      orders: { '1 KiB': order(BYTES['1 KiB'], workers), '1 MiB': order(BYTES['1 MiB'], workers) },
    }))
    const outcome = await contest<Event, CaseReport>(EVENTS, entrants, { rounds, progress, show: showCalls })
    return {
      conditions: [
        pinningInWords,
        `SHA-512 of the input, ${IN_FLIGHT} in flight, ${rounds} interleaved rounds of ${forMs / 1000} s. The caller needs a core too.`,
        ...outcome.skipped,
      ],
      table: {
        head: ['tasks/s', ...EVENTS],
        rows: SYSTEMS.map(({ name }) => [
          name,
          ...EVENTS.map((event) => outcome.median(name, event, 'callsPerSecond')),
        ]),
      },
      drawing: {
        title: 'SHA-512 of 1 MiB: tasks per second (median)',
        unit: '/s',
        bars: outcome.raw['1 MiB'].map((one) => ({ label: one.name, value: medianOf(one, 'callsPerSecond') })),
      },
      findings: [
        atLeast(1.4, {
          measure: `tasks of 1 MiB: ${POOL} ÷ single process`,
          value: outcome.ratio(POOL, SINGLE, '1 MiB', 'callsPerSecond'),
        }),
      ],
      raw: outcome.raw,
    }
  },
}
