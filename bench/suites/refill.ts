/**
 * How fast the pool makes new processes, and what a neighbour notices of it: one warm function is called all the time,
 * calmly or as much as it can take, while cold functions use up blanks, now and then or one right after the other. Each
 * cold call is one process that has to be started anew.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { calmLoad } from '../lib/calm-load.ts'
import { type Gateway, withGateway } from '../lib/gateway.ts'
import { interleave, medianOf, ratioOf, type Standing } from '../lib/interleave.ts'
import { hasWrk, type LoadReport, load, loadInWords } from '../lib/load.ts'
import { oneCall, serverTiming } from '../lib/one-call.ts'
import { pinningInWords } from '../lib/pinning.ts'
import { shelfIsFull } from '../lib/shelf.ts'
import { sum } from '../lib/stats.ts'
import type { Suite } from '../lib/suite.ts'
import { atLeast, atMost, type Finding, mustBeAtLeast, mustBeNone } from '../lib/verdict.ts'

const BLANKS = 4
/** A worker that idles is retired soon, and its function is cold again when its turn comes. */
const IDLE_TIMEOUT_MS = 250
const COLD_FUNCTIONS = 64
const SPREAD_MS = 250
const CALM = { connections: 4, pauseMs: 5 } as const
const FULL_CONNECTIONS = 16

type Sample = LoadReport & { readonly startsPerSecond: number; readonly notCold: number; readonly failed: number }

interface Filling {
  readonly filling: string
  /** That call cold functions at the same time, each with a pause after every call. */
  readonly callers: number
  readonly pauseMs: number
  /** Calls that use up blanks before it counts. */
  readonly prepaid: number
}

/** What goes on beside the neighbour. */
const FILLINGS: readonly Filling[] = [
  { filling: 'no starts', callers: 0, pauseMs: 0, prepaid: 0 },
  { filling: `a start each ${SPREAD_MS} ms`, callers: 1, pauseMs: SPREAD_MS, prepaid: 0 },
  { filling: 'as many starts as go', callers: 4, pauseMs: 0, prepaid: BLANKS },
]

interface Group {
  readonly how: string
  /** In the order of FILLINGS. */
  readonly standings: readonly Standing<Sample>[]
}

export const refill: Suite = {
  name: 'refill',
  question: 'How many processes does the pool start in a second, and what does a neighbour under load notice of it?',
  run(options, progress) {
    const rounds = options.rounds ?? (options.quick ? 2 : 5)
    const seconds = options.quick ? 2 : 4
    const names = Array.from({ length: COLD_FUNCTIONS }, (_, at) => `cold-${at}`)
    const functions = Object.fromEntries(['neighbour', ...names].map((name) => [`${name}.js`, helloSource(name)]))
    const overrides = { neighbour: { minWorkers: 1, maxWorkers: 1, maxInvocations: 'never' } }
    const config = {
      listen: { serverTiming: true },
      pool: { blanks: BLANKS },
      defaults: { idleTimeout: IDLE_TIMEOUT_MS },
      overrides,
      log: { level: 'warn' },
    }
    return withGateway(
      () => ({ functions, config }),
      async (gateway) => {
        const neighbour = `${gateway.url}/neighbour`
        const callNext = coldCaller(gateway, names)
        const loads = {
          calm: () => calmLoad(neighbour, CALM.pauseMs, { connections: CALM.connections, seconds }),
          full: () => load(neighbour, { connections: FULL_CONNECTIONS, seconds }),
        }
        for (const warmUp of Object.values(loads)) await warmUp()
        const groups: Group[] = []
        for (const [how, measure] of Object.entries(loads)) {
          const contestants = FILLINGS.map((filling) => ({
            name: `${how} load, ${filling.filling}`,
            measure: () => shelfIsFull(gateway, BLANKS).then(() => besides(filling, callNext, measure)),
          }))
          const standings = await interleave(contestants, rounds, (name, round, { p99Ms, startsPerSecond }) =>
            progress(
              `round ${round + 1}/${rounds} ${name}: p99 ${p99Ms.toFixed(2)} ms, ${startsPerSecond.toFixed(1)} starts/s`,
            ),
          )
          groups.push({ how, standings })
        }
        return {
          conditions: [
            pinningInWords,
            `${loadInWords} ${rounds} interleaved rounds of ${seconds} s on one warm function, the neighbour.`,
            `Calm load: ${CALM.connections} connections${hasWrk ? `, each pausing ${CALM.pauseMs} ms before its next request` : ''}. Full load: ${FULL_CONNECTIONS} that never pause.`,
            `Starts: calls of ${COLD_FUNCTIONS} cold functions in turn, whose workers idle for ${IDLE_TIMEOUT_MS} ms and end;`,
            `"as many as go": from ${FILLINGS.at(-1)!.callers} callers without a pause, counted once the ${BLANKS} blanks are used up.`,
          ],
          table: {
            head: ['neighbour', 'starts/s', 'requests/s', '÷ no starts', 'p50 ms', 'p99 ms', 'p99 ÷ no starts'],
            rows: groups.flatMap(({ standings }) => standings.map((standing) => row(standing, standings[0]!))),
          },
          drawing: {
            title: "The neighbour's p99 (median)",
            unit: 'ms',
            bars: groups.flatMap(({ standings }) =>
              standings.map((standing) => ({ label: standing.name, value: medianOf(standing, 'p99Ms') })),
            ),
          },
          findings: groups.flatMap(findings),
          raw: groups,
        }
      },
    )
  },
}

function row(standing: Standing<Sample>, quiet: Standing<Sample>) {
  return [
    standing.name,
    medianOf(standing, 'startsPerSecond'),
    medianOf(standing, 'requestsPerSecond'),
    ratioOf(standing, quiet, 'requestsPerSecond'),
    medianOf(standing, 'p50Ms'),
    medianOf(standing, 'p99Ms'),
    ratioOf(standing, quiet, 'p99Ms'),
  ]
}

/** The issue wants a refill "invisible in p99" and names no number: here that is a tenth. */
function findings({ standings }: Group): Finding[] {
  const [quiet, spread, most] = standings
  const total = (key: 'notCold' | 'failed' | 'badStatuses' | 'errors'): number =>
    sum(standings.flatMap(({ rounds }) => rounds.map((sample) => sample[key])))
  const name = spread!.name
  return [
    atMost(1.1, { measure: `${name}: p99 ÷ that without`, value: ratioOf(spread!, quiet!, 'p99Ms') }),
    atLeast(0.97, {
      measure: `${name}: requests/s ÷ those without`,
      value: ratioOf(spread!, quiet!, 'requestsPerSecond'),
    }),
    mustBeNone({
      measure: `${name}: failed requests`,
      value: total('failed') + total('badStatuses') + total('errors'),
    }),
    mustBeNone({ measure: `${name}: cold calls that found a warm worker`, value: total('notCold') }),
    mustBeAtLeast(1, { measure: `${most!.name}: starts`, value: sum(most!.rounds.map((one) => one.startsPerSecond)) }),
  ]
}

function helloSource(name: string): string {
  return `export default { fetch: () => new Response('Hello from ${name}!\\n') }\n`
}

type ColdCall = { readonly isCold: boolean; readonly isAnswered: boolean }

/** Calls the cold functions in turn, over all samples. */
function coldCaller(gateway: Gateway, names: readonly string[]): () => Promise<ColdCall> {
  let calls = 0
  return async () => {
    const name = names[calls++ % names.length]!
    const { status, head, body } = await oneCall(`${gateway.url}/${name}`)
    return { isCold: serverTiming(head).start !== 'warm', isAnswered: status === 200 && body.includes(name) }
  }
}

/** What the load on the neighbour sees while cold functions are called beside it. */
async function besides(
  { callers, pauseMs, prepaid }: Filling,
  callNext: () => Promise<ColdCall>,
  measure: () => Promise<LoadReport>,
): Promise<Sample> {
  const calls: ColdCall[] = []
  let isOver = false
  const caller = async (): Promise<void> => {
    while (!isOver) {
      calls.push(await callNext())
      await pause(pauseMs)
    }
  }
  while (calls.length < prepaid) calls.push(await callNext())
  const startedAtMs = performance.now()
  const all = Array.from({ length: callers }, caller)
  const report = await measure().finally(() => {
    isOver = true
  })
  const inTime = calls.length - prepaid
  const seconds = (performance.now() - startedAtMs) / 1000
  await Promise.all(all)
  return {
    ...report,
    startsPerSecond: inTime / seconds,
    notCold: calls.filter(({ isCold }) => !isCold).length,
    failed: calls.filter(({ isAnswered }) => !isAnswered).length,
  }
}
