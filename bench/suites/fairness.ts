/**
 * What a quiet function notices of a neighbour's flood: ten callers for each call that the neighbour can run at a time,
 * in a pool that is smaller than the neighbour would like. The quiet one is called every few milliseconds over one
 * connection, in turns without the flood, with it, and with nothing but as much processor time burnt by processes that are nobody's:
 * what the machine does of its own is in all three, and what is in the last as well no gateway could help.
 */
import { Agent, type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { Burden, busyCores } from '../lib/burden.ts'
import { calmLoad } from '../lib/calm-load.ts'
import { type Gateway, withGateway } from '../lib/gateway.ts'
import { serverTiming } from '../lib/one-call.ts'
import { pinningInWords } from '../lib/pinning.ts'
import { median, quantile } from '../lib/stats.ts'
import type { Progress, Suite, SuiteOptions } from '../lib/suite.ts'
import { atMost, type Finding, mustBeNone } from '../lib/verdict.ts'

const PAUSE_MS = 5
const BURST_MS = 5
const QUIET = "export default { fetch: () => new Response('quiet\\n') }\n"
const BUSY = `export default { fetch() {
  for (const until = performance.now() + 5; performance.now() < until; );
  return new Response('busy\\n')
} }
`
const WAITING = `export default { async fetch() {
  await new Promise((resolve) => setTimeout(resolve, 20))
  return new Response('waited\\n')
} }
`
/** Of the whole pool; a flooded function may have all of them. */
const WORKERS = 5

interface Flood {
  readonly name: string
  readonly what: string
  readonly connections: number
  /** What a connection waits between two requests. */
  readonly pauseMs: number
}

/**
 * Ten connections for each slot, which wait for their answers; or, where the queue is short and most are refused at
 * once, so many with a pause that ten times as much is asked for as two cores can run.
 */
const FLOODS: readonly Flood[] = [
  { name: 'busy', what: '5 ms of CPU a call', connections: 10 * WORKERS, pauseMs: 0 },
  { name: 'refused', what: '5 ms of CPU a call, and a queue of 8', connections: 40, pauseMs: 10 },
  { name: 'waiting', what: '20 ms of waiting a call, 16 at a time', connections: 10 * WORKERS * 16, pauseMs: 0 },
]

interface Call {
  readonly tookMs: number
  readonly status: number
  readonly start: string
}

interface Round {
  readonly calm: readonly Call[]
  readonly flooded: readonly Call[]
  /** As many processes as the flood has workers, and as much of the machine kept busy. */
  readonly burnt: readonly Call[]
}

export const fairness: Suite = {
  name: 'fairness',
  question: "What does a quiet function's p99 become under a neighbour's tenfold overload?",
  run(options, progress) {
    const limited = { concurrency: 1, maxWorkers: WORKERS }
    return withGateway(
      () => ({
        functions: { 'quiet.js': QUIET, 'busy.js': BUSY, 'refused.js': BUSY, 'waiting.js': WAITING },
        config: {
          listen: { serverTiming: true },
          pool: { maxWorkers: WORKERS, blanks: 1 },
          overrides: {
            busy: limited,
            refused: { ...limited, queue: { max: 8 } },
            waiting: { maxWorkers: WORKERS },
          },
          log: { level: 'error' },
        },
      }),
      (gateway) => measure(gateway, options, progress),
    )
  },
}

async function measure(gateway: Gateway, options: SuiteOptions, progress: Progress): ReturnType<Suite['run']> {
  const seconds = options.quick ? 2 : 5
  const rounds = options.rounds ?? (options.quick ? 2 : 5)
  const seen = new Map<Flood, Round[]>(FLOODS.map((flood) => [flood, []]))
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const callQuiet = (forMs: number): Promise<Call[]> => callFor(`${gateway.url}/quiet`, agent, forMs)
  await callQuiet(1_000)
  for (let round = 1; round <= rounds; round++)
    for (const [flood, all] of seen) {
      const { cores: calmCores, result: calm } = await busyCores(() => callQuiet(seconds * 1000))
      const { connections, pauseMs } = flood
      const flooding = calmLoad(`${gateway.url}/${flood.name}`, pauseMs, { connections, seconds: seconds + 1 })
      // It has its workers by then.
      await pause(1_000)
      const { cores, result: flooded } = await busyCores(() => callQuiet(seconds * 1000 - 200))
      const { requestsPerSecond } = await flooding
      const burden = new Burden(WORKERS, Math.max(0.1, cores - calmCores), BURST_MS)
      await pause(1_000)
      const burnt = await callQuiet(seconds * 1000 - 200)
      await burden.end()
      all.push({ calm, flooded, burnt })
      progress(
        `round ${round}, ${flood.name}: ${Math.round(requestsPerSecond)}/s, ${cores.toFixed(2)} cores busy (${calmCores.toFixed(2)}); ` +
          `p99 ${p99(calm)} to ${p99(flooded)} ms, ${p99(burnt)} when only busy`,
      )
    }
  agent.destroy()
  return {
    conditions: [
      pinningInWords,
      `The quiet function is called ${PAUSE_MS} ms after its last answer, for ${seconds} s without the flood, with it, and with as much processor time burnt by ${WORKERS} processes that are nobody's, ${rounds} times in turns.`,
      `The pool has ${WORKERS} processes, and a flooded function may have all of them. No minWorkers are set.`,
      ...FLOODS.map(
        ({ name, what, connections, pauseMs }) =>
          `${name}: ${what}; ${connections} connections, ${pauseMs} ms between their requests.`,
      ),
    ],
    table: {
      head: [
        'flood',
        'p50 calm ms',
        'p50 ms',
        'p99 calm ms',
        'p99 ms',
        'p99 only busy ms',
        '÷ calm',
        '÷ only busy',
        'not 200',
        'not warm',
      ],
      rows: [...seen].map(([{ name }, all]) => row(name, all)),
    },
    drawing: {
      title: "A quiet function's p99",
      unit: 'ms',
      bars: [...seen].flatMap(([{ name }, all]) => [
        { label: `${name}, calm`, value: median(all.map(({ calm }) => p99(calm))) },
        { label: `${name}, flooded`, value: median(all.map(({ flooded }) => p99(flooded))) },
        { label: `${name}, only busy`, value: median(all.map(({ burnt }) => p99(burnt))) },
      ]),
    },
    findings: [...seen].flatMap(([{ name }, all]) => findings(name, all)),
    raw: [...seen].map(([{ name }, all]) => ({ name, rounds: all })),
  }
}

function row(name: string, rounds: readonly Round[]): (string | number)[] {
  const calm = rounds.flatMap((round) => round.calm)
  const flooded = rounds.flatMap((round) => round.flooded)
  const burnt = rounds.flatMap((round) => round.burnt)
  return [
    name,
    at(calm, 0.5),
    at(flooded, 0.5),
    at(calm, 0.99),
    at(flooded, 0.99),
    at(burnt, 0.99),
    ratio(rounds, 'calm'),
    ratio(rounds, 'burnt'),
    flooded.filter(({ status }) => status !== 200).length,
    flooded.filter(({ start }) => start !== 'warm').length,
  ]
}

function findings(name: string, rounds: readonly Round[]): Finding[] {
  const flooded = rounds.flatMap((round) => round.flooded)
  return [
    atMost(2, { measure: `${name}: p99 under the flood ÷ calm`, value: ratio(rounds, 'calm') }),
    atMost(2, {
      measure: `${name}: p99 under the flood ÷ as busy a machine without it`,
      value: ratio(rounds, 'burnt'),
    }),
    mustBeNone({
      measure: `${name}: calls of the quiet function that were not answered 200`,
      value: flooded.filter(({ status }) => status !== 200).length,
    }),
    mustBeNone({
      measure: `${name}: calls of the quiet function that found no warm worker`,
      value: flooded.filter(({ start }) => start !== 'warm').length,
    }),
  ]
}

/** Of each round by itself: a neighbour on the machine then spoils one of them, and not the whole. */
function ratio(rounds: readonly Round[], against: 'calm' | 'burnt'): number {
  return median(rounds.map((round) => p99(round.flooded) / p99(round[against])))
}

function p99(calls: readonly Call[]): number {
  return at(calls, 0.99)
}

function at(calls: readonly Call[], share: number): number {
  return Number(
    quantile(
      calls.map(({ tookMs }) => tookMs),
      share,
    ).toFixed(2),
  )
}

async function callFor(url: string, agent: Agent, forMs: number): Promise<Call[]> {
  const calls: Call[] = []
  for (const untilMs = performance.now() + forMs; performance.now() < untilMs; await pause(PAUSE_MS))
    calls.push(await callOnce(url, agent))
  return calls
}

function callOnce(url: string, agent: Agent): Promise<Call> {
  const { promise, resolve, reject } = Promise.withResolvers<Call>()
  const startedAtMs = performance.now()
  const call = request(url, { agent }, (response: IncomingMessage) => {
    buffer(response).then(() => {
      const tookMs = performance.now() - startedAtMs
      const { start } = serverTiming(`server-timing: ${String(response.headers['server-timing'])}`)
      resolve({ tookMs, status: response.statusCode!, start })
    }, reject)
  })
  call.on('error', reject)
  call.end()
  return promise
}
