/** The seed's call test: an empty task with an integer, ten thousand times, over every channel. */
import { contest } from '../lib/contest.ts'
import { medianOf } from '../lib/interleave.ts'
import { pinningInWords } from '../lib/pinning.ts'
import type { Suite } from '../lib/suite.ts'
import { peerCommand, showCalls } from '../lib/task-peers.ts'
import { atLeast } from '../lib/verdict.ts'
import { CHANNELS, channelsInWords, IN_PROCESS, OURS } from '../task-peers/channels/index.ts'
import type { Case, CaseReport } from '../task-peers/host.ts'

const SEEDS_OWN = 'lines over stdin and stdout'
const IN_FLIGHT = 64
const SINGLE = 'one at a time'
const MANY = `${IN_FLIGHT} in flight`
const EVENTS = [SINGLE, MANY] as const
type Event = (typeof EVENTS)[number]

export const seedCall: Suite = {
  name: 'seed-call',
  question: 'How many calls a second of an empty task with an integer does each channel take?',
  async run(options, progress) {
    const rounds = options.rounds ?? (options.quick ? 2 : 5)
    const calls = options.quick ? 2_000 : 10_000
    const order = (inFlight: number): Case => ({
      task: 'integer',
      bytes: 0,
      inFlight,
      workers: 1,
      calls,
      forMs: 30_000,
    })
    const orders = { [SINGLE]: order(1), [MANY]: order(IN_FLIGHT) }
    const entrants = CHANNELS.map(({ name, file }) => ({ name, command: peerCommand(file), orders }))
    const outcome = await contest<Event, CaseReport>(EVENTS, entrants, { rounds, progress, show: showCalls })
    return {
      conditions: [
        pinningInWords,
        `${calls.toLocaleString('en-US')} calls a cell, ${rounds} interleaved rounds.`,
        ...channelsInWords,
        ...outcome.skipped,
      ],
      table: {
        head: ['calls/s', ...EVENTS, 'p50 ms, one at a time'],
        rows: CHANNELS.map(({ name }) => [
          name,
          ...EVENTS.map((event) => outcome.median(name, event, 'callsPerSecond')),
          outcome.median(name, SINGLE, 'p50Ms'),
        ]),
      },
      drawing: {
        title: `An integer in and out, ${MANY}: calls per second (median)`,
        unit: '/s',
        bars: outcome.raw[MANY]
          .filter(({ name }) => name !== IN_PROCESS)
          .map((standing) => ({
            label: standing.name,
            value: medianOf(standing, 'callsPerSecond'),
          })),
      },
      findings: EVENTS.map((event) =>
        atLeast(0.5, {
          measure: `an integer, ${event}: ours ÷ bare lines over stdio`,
          value: outcome.ratio(OURS, SEEDS_OWN, event, 'callsPerSecond'),
        }),
      ),
      raw: outcome.raw,
    }
  },
}
