/**
 * From nothing running to the first answer: each contestant is started from its command, called until it answers right,
 * and stopped, again and again in turns. What a deployment, a crash or a reboot costs before anything is served.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { startGateway } from '../lib/gateway.ts'
import { type Contestant, interleave, medianOf, ratioOf, type Standing } from '../lib/interleave.ts'
import { oneCall } from '../lib/one-call.ts'
import { pinningInWords } from '../lib/pinning.ts'
import { makeProject, type Project } from '../lib/project.ts'
import { quantile } from '../lib/stats.ts'
import type { Suite } from '../lib/suite.ts'
import { mustBeNone } from '../lib/verdict.ts'
import { Host } from '../peers/host.ts'
import { HTTP_CASES } from '../peers/http-case.ts'
import { nginxPhp } from '../peers/nginx.ts'
import type { Peer } from '../peers/peer.ts'
import { bun, functionsFramework, hono, nodeHttp } from '../peers/single-process.ts'
import { versionsInWords } from '../peers/versions.ts'
import { workerd } from '../peers/workerd.ts'

const HELLO = HTTP_CASES.find(({ name }) => name === 'hello')!
const PEERS = [nodeHttp, hono, functionsFramework, workerd, bun, nginxPhp]
const SOURCE = "export default { fetch: () => new Response('Hello!\\n') }\n"
const OURS = { fresh: 'ours, nothing built', again: 'ours, started again' } as const

const POLL_MS = 1
const GIVE_UP_MS = 15_000

type Sample = { readonly ms: number }

export const coldStart: Suite = {
  name: 'cold-start',
  question: 'How long does it take from nothing running to the first answer?',
  async run(options, progress) {
    const rounds = options.rounds ?? (options.quick ? 3 : 10)
    const built = newProject()
    const leftBecause = new Map<string, string>()
    const contestants = [
      ...PEERS.map((peer) => ({ name: peer.name, measure: () => startPeerOnce(peer) })),
      { name: OURS.fresh, measure: startFresh },
      { name: OURS.again, measure: () => startOurs(built) },
    ].map((one) => leavingOnFailure(one, leftBecause))
    try {
      // Brings files into memory, builds what is started again, and finds out who cannot start here.
      for (const { measure } of contestants) await measure(0)
      const able = contestants.filter(({ name }) => !leftBecause.has(name))
      const standings = await interleave(able, rounds, (name, round, { ms }) =>
        progress(`round ${round + 1}/${rounds} ${name}: ${leftBecause.get(name) ?? `${ms.toFixed(1)} ms`}`),
      )
      const whole = standings.filter(({ name }) => !leftBecause.has(name))
      const failedOurs = Object.values(OURS).filter((name) => leftBecause.has(name))
      return {
        conditions: [
          pinningInWords,
          `${rounds} interleaved rounds after one that does not count; files are in the system's cache.`,
          `From the start of the first process to the last byte of hello, tried again ${POLL_MS} ms after each refusal.`,
          'Ours is called once its banner says that it is ready; that call then takes a blank, or waits for one to boot.',
          versionsInWords(),
          ...[...leftBecause].map(([name, reason]) => `Skipped: ${name}, for it could not be measured: ${reason}`),
        ],
        table: {
          head: ['', 'median ms', 'best ms', 'p90 ms', `÷ ${nodeHttp.name}`],
          rows: whole.map((standing) =>
            row(
              standing,
              whole.find(({ name }) => name === nodeHttp.name),
            ),
          ),
        },
        drawing: {
          title: 'Nothing running, to the first answer (median)',
          unit: 'ms',
          bars: whole.map((standing) => ({ label: standing.name, value: medianOf(standing, 'ms') })),
        },
        findings: [mustBeNone({ measure: 'ways of ours that did not start and answer', value: failedOurs.length })],
        raw: whole,
      }
    } finally {
      built.remove()
    }
  },
}

function row(standing: Standing<Sample>, base: Standing<Sample> | undefined) {
  const all = standing.rounds.map(({ ms }) => ms)
  const ratio = base === undefined ? Number.NaN : ratioOf(standing, base, 'ms')
  return [standing.name, medianOf(standing, 'ms'), quantile(all, 0), quantile(all, 0.9), ratio]
}

/** One that fails once is not asked again, and does not end the run. */
function leavingOnFailure(one: Contestant<Sample>, leftBecause: Map<string, string>): Contestant<Sample> {
  return {
    name: one.name,
    async measure(round) {
      if (leftBecause.has(one.name)) return { ms: Number.NaN }
      try {
        return await one.measure(round)
      } catch (error) {
        leftBecause.set(one.name, (error as Error).message.trim().split('\n')[0]!)
        return { ms: Number.NaN }
      }
    },
  }
}

/** Configurations are written and ports are found before the first command starts. */
class TimedHost extends Host {
  startedAtMs = Number.NaN

  override run(...command: Parameters<Host['run']>): void {
    if (Number.isNaN(this.startedAtMs)) this.startedAtMs = performance.now()
    super.run(...command)
  }
}

async function startPeerOnce(peer: Peer): Promise<Sample> {
  const host = new TimedHost()
  try {
    const url = await peer.start(host, HELLO)
    await untilAnswered(url, host)
    return { ms: performance.now() - host.startedAtMs }
  } finally {
    await host.stop()
  }
}

async function untilAnswered(url: string, host: Host): Promise<void> {
  const giveUpAtMs = performance.now() + GIVE_UP_MS
  for (;;) {
    const problem = await problemOf(url)
    if (problem === null) return
    if (host.complaint !== null) throw new Error(host.complaint)
    if (performance.now() > giveUpAtMs) throw new Error(problem)
    await pause(POLL_MS)
  }
}

/** null: answered as it should be. */
async function problemOf(url: string): Promise<string | null> {
  try {
    const { status, body } = await oneCall(url)
    return status === 200 && body.includes('Hello!\n') ? null : `it answered ${status}: ${body.slice(0, 200)}`
  } catch (error) {
    return `no answer: ${(error as Error).message}`
  }
}

function newProject(): Project {
  return makeProject(() => ({ functions: { 'hello.js': SOURCE }, config: { log: { level: 'warn' } } }))
}

async function startFresh(): Promise<Sample> {
  const project = newProject()
  try {
    return await startOurs(project)
  } finally {
    project.remove()
  }
}

async function startOurs(project: Project): Promise<Sample> {
  const startedAtMs = performance.now()
  const gateway = await startGateway(project)
  try {
    const problem = await problemOf(`${gateway.url}/hello`)
    if (problem !== null) throw new Error(problem)
    return { ms: performance.now() - startedAtMs }
  } finally {
    await gateway.stop()
  }
}
