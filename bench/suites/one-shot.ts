/**
 * The price of a process for every call (`maxInvocations: 1`). While more is asked for than blanks can cover, calls can
 * be no faster than processes start: so they are set against bare starts, made by a process of its own, as many at a
 * time as gives the most. While blanks last, what counts is how long a caller waits.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { AT_A_TIME, bestAtATime, startEmpties } from '../lib/bare-starts.ts'
import { treeCpuMs } from '../lib/cpu.ts'
import { type Gateway, withGateway } from '../lib/gateway.ts'
import { type Contestant, interleave, medianOf, ratioOf, type Standing } from '../lib/interleave.ts'
import { runLanes } from '../lib/lanes.ts'
import { oneCall } from '../lib/one-call.ts'
import { pinningInWords } from '../lib/pinning.ts'
import { shelfIsFull } from '../lib/shelf.ts'
import { quantile, sum } from '../lib/stats.ts'
import type { Suite } from '../lib/suite.ts'
import { atLeast, atMost, mustBeNone } from '../lib/verdict.ts'

const BLANKS = 16
/** One after the other, each while blanks are left. */
const CALLS_IN_A_ROW = 12
const SPREAD_MS = 100
const CALLERS = [2, 8] as const

const SOURCE = 'export default { fetch: () => new Response(String(process.pid)) }\n'

/** The gateway with its one-shot function. */
interface Shot {
  readonly gateway: Gateway
  readonly url: string
  isFresh(status: number, pid: string): boolean
}

type Sample = {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly cpuMs: number
  /** Answers that were no 200, or came from a process that had answered before. */
  readonly wrong: number
}

interface Outcome {
  readonly sustained: readonly Standing<Sample>[]
  readonly inARow: readonly Standing<Sample>[]
  readonly bare: Standing<Sample>
}

export const oneShot: Suite = {
  name: 'one-shot',
  question:
    'What does a fresh process for every call cost, against bare starts of Node, and how long does a caller wait?',
  run(options, progress) {
    const rounds = options.rounds ?? (options.quick ? 2 : 5)
    const seconds = options.quick ? 2 : 4
    const overrides = { shot: { maxInvocations: 1 } }
    const config = { pool: { blanks: BLANKS }, overrides, log: { level: 'warn' } }
    return withGateway(
      () => ({ functions: { 'shot.js': SOURCE }, config }),
      async (gateway, { folder }) => {
        const emptyFile = join(folder, 'empty.js')
        writeFileSync(emptyFile, '')
        await shelfIsFull(gateway, BLANKS)
        const atATime = await bestAtATime(emptyFile, progress)
        const shot = { gateway, url: `${gateway.url}/shot`, isFresh: freshness() }
        const contestants = [
          ...CALLERS.map((callers) => sustainedCalls(shot, callers, seconds)),
          ...[0, SPREAD_MS].map((spreadMs) => callsInARow(shot, spreadMs)),
          bareStarts(shot, emptyFile, atATime, seconds),
        ]
        const standings = await interleave(contestants, rounds, (name, round, { perSecond, p50Ms, cpuMs }) =>
          progress(
            `round ${round + 1}/${rounds} ${name} ${perSecond.toFixed(1)}/s, p50 ${p50Ms.toFixed(1)} ms, CPU ${cpuMs.toFixed(1)} ms each`,
          ),
        )
        const outcome = {
          sustained: standings.slice(0, CALLERS.length),
          inARow: standings.slice(CALLERS.length, -1),
          bare: standings.at(-1)!,
        }
        return {
          conditions: [
            pinningInWords,
            `${rounds} interleaved rounds; ${BLANKS} blanks are ready before each, and nothing boots.`,
            `Sustained: ${seconds} s that begin once the blanks are used up, so that every call has to be paid with a start.`,
            `In a row: ${CALLS_IN_A_ROW} calls one at a time while blanks last, each over a connection of its own.`,
            `Bare starts: ${atATime} at a time gave the most of ${AT_A_TIME.join(', ')}.`,
            'CPU is that of the gateway or the starter and of all processes they started, booting and ending included.',
          ],
          table: { head: ['', 'each second', '÷ bare starts', 'p50 ms', 'p99 ms', 'CPU ms each'], rows: rows(outcome) },
          drawing: {
            title: 'Calls with a process of their own, and bare starts, each second (median)',
            unit: '/s',
            bars: [...outcome.sustained, outcome.bare].map((standing) => ({
              label: standing.name,
              value: medianOf(standing, 'perSecond'),
            })),
          },
          findings: findings(outcome),
          raw: standings,
        }
      },
    )
  },
}

function rows({ sustained, inARow, bare }: Outcome) {
  const row = (standing: Standing<Sample>, rates: readonly (string | number)[]) => {
    const rest = (['p50Ms', 'p99Ms', 'cpuMs'] as const).map((key) => medianOf(standing, key))
    return [standing.name, ...rates, ...rest]
  }
  const rated = (standing: Standing<Sample>) =>
    row(standing, [medianOf(standing, 'perSecond'), ratioOf(standing, bare, 'perSecond')])
  return [...sustained.map(rated), rated(bare), ...inARow.map((standing) => row(standing, [Number.NaN, Number.NaN]))]
}

function findings({ sustained, inARow, bare }: Outcome) {
  const wrong = [...sustained, ...inARow].flatMap(({ rounds }) => rounds.map((sample) => sample.wrong))
  return [
    ...sustained.map((standing) =>
      atLeast(0.85, { measure: `${standing.name} ÷ bare starts`, value: ratioOf(standing, bare, 'perSecond') }),
    ),
    ...inARow.map((standing) =>
      atMost(5, { measure: `${standing.name}: p50 while blanks last`, value: medianOf(standing, 'p50Ms'), unit: 'ms' }),
    ),
    mustBeNone({ measure: 'calls not answered 200 by a process of their own', value: sum(wrong) }),
  ]
}

function sustainedCalls(shot: Shot, callers: number, seconds: number): Contestant<Sample> {
  const { gateway } = shot
  const call = (isOver: () => boolean) => runLanes({ url: shot.url, inFlight: callers, isOver })
  return {
    name: `calls, ${callers} callers`,
    async measure() {
      await shelfIsFull(gateway, BLANKS)
      const cpuBeforeMs = treeCpuMs(gateway.pid)
      let prepaid = BLANKS + callers
      const first = await call(() => prepaid-- <= 0)
      const { blanks } = (await gateway.status()).pool
      const overAtMs = performance.now() + seconds * 1000
      const accounts = await call(() => performance.now() >= overAtMs)
      await shelfIsFull(gateway, BLANKS)
      const all = [...first, ...accounts]
      const tookMs = accounts.map(({ startedAtMs, endedAtMs }) => endedAtMs - startedAtMs)
      return {
        // A blank that was left over was started before this time.
        perSecond: (accounts.filter(({ endedAtMs }) => endedAtMs <= overAtMs).length - blanks) / seconds,
        p50Ms: quantile(tookMs, 0.5),
        p99Ms: quantile(tookMs, 0.99),
        cpuMs: (treeCpuMs(gateway.pid) - cpuBeforeMs) / all.length,
        wrong: all.filter(({ answers }) => {
          const [answer] = answers
          return answers.length !== 1 || !shot.isFresh(answer!.status, String(answer!.body))
        }).length,
      }
    },
  }
}

function callsInARow({ gateway, url, isFresh }: Shot, spreadMs: number): Contestant<Sample> {
  return {
    name: `in a row, ${spreadMs === 0 ? 'at once' : `${spreadMs} ms apart`}`,
    async measure() {
      await shelfIsFull(gateway, BLANKS)
      const cpuBeforeMs = treeCpuMs(gateway.pid)
      const tookMs: number[] = []
      let wrong = 0
      for (let done = 0; done < CALLS_IN_A_ROW; done++) {
        const answer = await oneCall(url)
        tookMs.push(answer.tookMs)
        if (!isFresh(answer.status, answer.body)) wrong++
        await pause(spreadMs)
      }
      await shelfIsFull(gateway, BLANKS)
      return {
        perSecond: CALLS_IN_A_ROW / (sum(tookMs) / 1000),
        p50Ms: quantile(tookMs, 0.5),
        p99Ms: quantile(tookMs, 0.99),
        cpuMs: (treeCpuMs(gateway.pid) - cpuBeforeMs) / CALLS_IN_A_ROW,
        wrong,
      }
    },
  }
}

function bareStarts({ gateway }: Shot, emptyFile: string, atATime: number, seconds: number): Contestant<Sample> {
  return {
    name: 'bare starts: node empty.js',
    async measure() {
      await shelfIsFull(gateway, BLANKS)
      const { startsPerSecond, cpuMsPerStart, tookMs } = await startEmpties(emptyFile, atATime, seconds)
      return {
        perSecond: startsPerSecond,
        p50Ms: quantile(tookMs, 0.5),
        p99Ms: quantile(tookMs, 0.99),
        cpuMs: cpuMsPerStart,
        wrong: 0,
      }
    },
  }
}

/** True for an answer from a process that has not answered yet. */
function freshness(): Shot['isFresh'] {
  const seenPids = new Set<string>()
  return (status, pid) => {
    const isFresh = status === 200 && !seenPids.has(pid)
    seenPids.add(pid)
    return isFresh
  }
}
