/**
 * What callers see when workers are killed all the time. A SIGKILL reaches a random worker every 100 ms, in whatever
 * state it is, while 64 calls are in flight; afterwards every single call is accounted for. The function writes down
 * each call's id as the first thing it does, so that "it ran" is known from the function itself.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { brokenInvariants } from '../../warmpool/index.ts'
import { type Gateway, startGateway } from '../lib/gateway.ts'
import { type Account, runLanes } from '../lib/lanes.ts'
import { pinningInWords } from '../lib/pinning.ts'
import { processesInside } from '../lib/processes.ts'
import { makeProject } from '../lib/project.ts'
import type { Progress, Suite } from '../lib/suite.ts'
import { type Finding, mustBeAtLeast, mustBeNone } from '../lib/verdict.ts'

const KILL_EVERY_MS = 100
const IN_FLIGHT = 64
/** How long after a kill its answers may reach the caller, on a machine that is busy. */
const LATEST_ANSWER_MS = 1_000

/** A quarter of the calls keeps the core busy, so that others wait unbegun in the same worker; a quarter is quick. */
const SOURCE = `import { openSync, writeSync } from 'node:fs'
const marks = openSync(process.env.MARKS, 'a')
let calls = 0
export default {
  async fetch(request, env, ctx) {
    writeSync(marks, ctx.invocationId + '\\n')
    const kind = calls++ % 4
    if (kind === 0) for (const until = performance.now() + 2; performance.now() < until; );
    else if (kind < 3) await new Promise((resolve) => setTimeout(resolve, 5 * kind))
    return new Response(ctx.invocationId)
  },
}
`

interface Kill {
  readonly pid: number
  readonly state: string
  readonly atMs: number
}

interface Outcome {
  readonly accounts: readonly Account[]
  readonly kills: readonly Kill[]
  /** How often each call's id was written down by the function. */
  readonly marks: ReadonlyMap<string, number>
  readonly broken: readonly string[]
  readonly leftOver: readonly number[]
}

export const killStorm: Suite = {
  name: 'kill-storm',
  question: `Is every request answered, and none failed that never ran, while a worker is killed every ${KILL_EVERY_MS} ms?`,
  async run(options, progress) {
    const seconds = options.quick ? 4 : 10
    const outcome = await storm(seconds * 1000, progress)
    const { accounts, kills } = outcome
    const statuses = Map.groupBy(accounts, describe)
    const states = Map.groupBy(kills, ({ state }) => state)
    return {
      conditions: [
        pinningInWords,
        `${seconds} s, ${IN_FLIGHT} calls in flight from a generator of our own; up to 4 workers with 16 calls each.`,
        `Killed: ${[...states].map(([state, all]) => `${all.length} ${state}`).join(', ')}. Where the function had no worker at that moment, none was.`,
        'A worker notes durably that a call begins right before it hands it to the function: a kill between the two',
        'fails a call that the function did not see, at most one a kill. More than that would be a fault.',
      ],
      table: {
        head: ['answer', 'calls', 'begun once', 'begun more than once', 'never begun'],
        rows: [...statuses].map(([answer, all]) => [answer, all.length, ...beginnings(all, outcome)]),
      },
      drawing: {
        title: `What callers saw through ${kills.length} kills`,
        unit: 'calls',
        bars: [...statuses].map(([label, all]) => ({ label, value: all.length })),
      },
      findings: findings(outcome, seconds),
      raw: {
        kills,
        broken: outcome.broken,
        leftOver: outcome.leftOver,
        notOk: accounts
          .filter((one) => describe(one) !== '200')
          .map((one) => ({ id: one.id, answer: describe(one), body: one.answers[0]?.body.toString() ?? null })),
      },
    }
  },
}

async function storm(durationMs: number, progress: Progress): Promise<Outcome> {
  const marksIn = (folder: string): string => join(folder, 'marks')
  const project = makeProject((folder) => {
    const marked = { minWorkers: 4, maxWorkers: 4, concurrency: 16, env: { MARKS: marksIn(folder) } }
    return {
      functions: { 'marked.js': SOURCE },
      config: { overrides: { marked }, pool: { blanks: 4 }, log: { level: 'error' } },
    }
  })
  try {
    const gateway = await startGateway(project)
    const seen = await stormOn(gateway, durationMs, progress).finally(() => gateway.stop())
    return { ...seen, marks: countLines(marksIn(project.folder)), leftOver: processesInside(project.folder) }
  } finally {
    project.remove()
  }
}

type Seen = Pick<Outcome, 'accounts' | 'kills' | 'broken'>

async function stormOn(gateway: Gateway, durationMs: number, progress: Progress): Promise<Seen> {
  const stopAtMs = performance.now() + durationMs
  const isOver = (): boolean => performance.now() >= stopAtMs
  const calling = runLanes({ url: `${gateway.url}/marked`, inFlight: IN_FLIGHT, isOver })
  const kills = await killUntil(gateway, stopAtMs, progress)
  const accounts = await calling
  progress(`${accounts.length} calls, ${kills.length} kills; looking at what is left`)
  return { accounts, kills, broken: brokenInvariants(await gateway.status()) }
}

async function killUntil(gateway: Gateway, stopAtMs: number, progress: Progress): Promise<Kill[]> {
  const kills: Kill[] = []
  for (let nextMs = performance.now() + KILL_EVERY_MS; nextMs < stopAtMs; nextMs += KILL_EVERY_MS) {
    await pause(Math.max(0, nextMs - performance.now()))
    const { workers } = await gateway.statusOf('marked')
    const victim = workers[Math.floor(Math.random() * workers.length)]
    // Right after a kill there may be none.
    if (victim === undefined) continue
    try {
      process.kill(victim.pid, 'SIGKILL')
    } catch {
      // It has ended in the meantime.
      continue
    }
    kills.push({ pid: victim.pid, state: victim.state, atMs: performance.now() })
    if (kills.length % 20 === 0) progress(`${kills.length} kills`)
  }
  return kills
}

function findings({ accounts, kills, marks, broken, leftOver }: Outcome, seconds: number): Finding[] {
  const died = accounts.filter((one) => describe(one) === '502 worker-died')
  const fine = accounts.filter((one) => describe(one) === '200')
  const unseen = died.filter(({ id }) => !marks.has(id))
  return [
    mustBeNone({
      measure: 'requests without exactly one whole answer',
      value: accounts.filter((one) => one.error !== null || one.answers.length !== 1).length,
    }),
    mustBeNone({
      measure: 'answers other than 200 and 502 worker-died',
      value: accounts.length - fine.length - died.length,
    }),
    mustBeNone({
      measure: 'answers of another request',
      value: fine.filter(({ id, answers }) => answers[0]!.body.toString() !== id).length,
    }),
    mustBeNone({
      measure: '200s that did not run exactly once',
      value: fine.filter(({ id }) => marks.get(id) !== 1).length,
    }),
    mustBeNone({
      measure: '502s that ran more than once',
      value: died.filter(({ id }) => (marks.get(id) ?? 0) > 1).length,
    }),
    mustBeNone({ measure: '502s that never ran, beyond one a kill', value: beyondOneAKill(unseen, kills) }),
    mustBeNone({ measure: 'broken invariants of the pool afterwards', value: broken.length }),
    mustBeNone({ measure: 'processes left after the gateway stopped', value: leftOver.length }),
    mustBeAtLeast(seconds, { measure: 'kills', value: kills.length }),
    mustBeAtLeast(1, { measure: 'requests that were answered 502', value: died.length }),
  ]
}

/** How many of these failures find no kill of their own shortly before them. */
function beyondOneAKill(failures: readonly Account[], kills: readonly Kill[]): number {
  const unused = new Set(kills)
  const inTime = failures.toSorted((a, b) => a.endedAtMs - b.endedAtMs)
  return inTime.filter(({ endedAtMs }) => {
    const own = [...unused].find(({ atMs }) => atMs <= endedAtMs && endedAtMs - atMs < LATEST_ANSWER_MS)
    return own === undefined || !unused.delete(own)
  }).length
}

/** `200`, `502 worker-died`, `no answer: socket hang up`. */
function describe({ answers, error }: Account): string {
  if (error !== null || answers.length !== 1) return `no answer: ${error ?? `${answers.length} answers`}`
  const { status, body } = answers[0]!
  if (status === 200) return '200'
  const code = body.toString().match(/"code":"([\w-]+)"/)?.[1]
  return code === undefined ? String(status) : `${status} ${code}`
}

function beginnings(accounts: readonly Account[], { marks }: Outcome): number[] {
  const counts = accounts.map(({ id }) => marks.get(id) ?? 0)
  return [
    counts.filter((n) => n === 1).length,
    counts.filter((n) => n > 1).length,
    counts.filter((n) => n === 0).length,
  ]
}

function countLines(file: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const line of readFileSync(file, 'utf8').split('\n'))
    if (line !== '') counts.set(line, (counts.get(line) ?? 0) + 1)
  return counts
}
