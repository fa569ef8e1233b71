/**
 * Process and thread pools as libraries: the same small tasks through each, with one worker, so that what is compared
 * is the way to it and back. Each pool lives in a process of its own through all rounds.
 */
import { contest, type Entrant, type Outcome } from '../lib/contest.ts'
import { medianOf } from '../lib/interleave.ts'
import { MiB } from '../lib/memory.ts'
import { pinningInWords } from '../lib/pinning.ts'
import type { Suite } from '../lib/suite.ts'
import type { Cell } from '../lib/table.ts'
import { peerCommand, showCalls } from '../lib/task-peers.ts'
import { atLeast, type Finding } from '../lib/verdict.ts'
import type { Case, CaseReport } from '../task-peers/host.ts'

const OURS = 'ours'
const PISCINA = 'piscina (thread)'

const POOLS: Readonly<Record<string, string>> = {
  [OURS]: 'pools/ours.ts',
  [PISCINA]: 'pools/piscina.ts',
  'tinypool (child_process)': 'pools/tinypool.ts',
  'poolifier (thread)': 'pools/poolifier-thread.ts',
  'poolifier (cluster)': 'pools/poolifier-cluster.ts',
  'workerpool (process)': 'pools/workerpool.ts',
  'jest-worker (process)': 'pools/jest-worker.ts',
}

const IN_FLIGHT = 64

const EVENTS = {
  'integer, one': { task: 'integer', bytes: 0, inFlight: 1 },
  'integer, 64': { task: 'integer', bytes: 0, inFlight: IN_FLIGHT },
  '64 KiB, one': { task: 'tail', bytes: MiB / 16, inFlight: 1 },
  '64 KiB, 64': { task: 'tail', bytes: MiB / 16, inFlight: IN_FLIGHT },
  '1 MiB, one': { task: 'tail', bytes: MiB, inFlight: 1 },
  '1 MiB, 64': { task: 'tail', bytes: MiB, inFlight: IN_FLIGHT },
} as const

type Event = keyof typeof EVENTS
const NAMES = Object.keys(EVENTS) as Event[]

export const pools: Suite = {
  name: 'pools',
  question: 'How many small tasks a second does each pool for Node take through one worker?',
  async run(options, progress) {
    const rounds = options.rounds ?? (options.quick ? 2 : 5)
    const forMs = options.quick ? 300 : 1_000
    const orders = Object.fromEntries(
      NAMES.map((name) => [
        name,
        { ...EVENTS[name], workers: 1, calls: Number.MAX_SAFE_INTEGER, forMs } satisfies Case,
      ]),
    )
    const entrants: Entrant<Event>[] = Object.entries(POOLS).map(([name, file]) => ({
      name,
      command: peerCommand(file),
      orders,
    }))
    const outcome = await contest<Event, CaseReport>(NAMES, entrants, { rounds, progress, show: showCalls })
    return {
      conditions: [
        pinningInWords,
        `One worker each; ${rounds} interleaved rounds of ${forMs / 1000} s a cell, in a process for each pool. "64": in flight.`,
        'Bytes go in, their last 512 come back. Threads get them by structured clone: the caller keeps what it sent.',
        'Where a pool lets one worker have several tasks at once, it may have 64; bytes need "advanced" serialization.',
        ...outcome.skipped,
      ],
      table: {
        head: ['calls/s', ...NAMES, 'p50 ms: integer', '64 KiB', '1 MiB'],
        rows: Object.keys(POOLS).map((name) => row(name, outcome)),
      },
      drawing: {
        title: `Integers, ${IN_FLIGHT} in flight: calls per second (median)`,
        unit: '/s',
        bars: outcome.raw['integer, 64'].map((one) => ({ label: one.name, value: medianOf(one, 'callsPerSecond') })),
      },
      findings: findings(outcome),
      raw: outcome.raw,
    }
  },
}

function row(name: string, outcome: Outcome<Event, CaseReport>): Cell[] {
  const singles = NAMES.filter((event) => EVENTS[event].inFlight === 1)
  return [
    name,
    ...NAMES.map((event) => outcome.median(name, event, 'callsPerSecond')),
    ...singles.map((event) => outcome.median(name, event, 'p50Ms')),
  ]
}

function findings(outcome: Outcome<Event, CaseReport>): Finding[] {
  const [best] = outcome.raw['integer, 64']
    .filter(({ name }) => name !== OURS)
    .toSorted((a, b) => medianOf(b, 'callsPerSecond') - medianOf(a, 'callsPerSecond'))
  return [
    atLeast(5, {
      measure: `integers, ${IN_FLIGHT} in flight: ours ÷ the best from npm (${best?.name ?? 'none'})`,
      value: outcome.ratio(OURS, best?.name ?? '', 'integer, 64', 'callsPerSecond'),
    }),
    atLeast(1.2, {
      measure: 'integers, one at a time: ours ÷ piscina (threads)',
      value: outcome.ratio(OURS, PISCINA, 'integer, one', 'callsPerSecond'),
    }),
  ]
}
