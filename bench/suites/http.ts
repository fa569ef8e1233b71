/**
 * HTTP contestants side by side, one suite for each thing they are asked to do: the same work, connections and cores
 * for all, measured in turns. All run all the time; who has no turn idles, and the conditions say what that costs.
 */
import { type HttpSample, idleCpu, sampleUnderLoad, type Turn, withPost } from '../lib/http-sample.ts'
import { interleave, medianOf, ratioOf, type Standing } from '../lib/interleave.ts'
import { loadInWords } from '../lib/load.ts'
import { pinningInWords } from '../lib/pinning.ts'
import { sum } from '../lib/stats.ts'
import type { Progress, Suite, SuiteOptions, SuiteResult } from '../lib/suite.ts'
import { readable } from '../lib/table.ts'
import { atLeast, atMost, type Finding, mustBeNone } from '../lib/verdict.ts'
import { CONNECTIONS, HTTP_CASES, type HttpCase } from '../peers/http-case.ts'
import { hono, nginxNode, nodeHttp, OURS, oursShared, PEERS } from '../peers/index.ts'
import { type Peer, type RunningPeer, startPeer } from '../peers/peer.ts'
import { versionsInWords } from '../peers/versions.ts'

const IDLE_SECONDS = 2

type Standings = readonly Standing<HttpSample>[]

export const httpSuites: readonly Suite[] = HTTP_CASES.map((httpCase) => ({
  name: `http-${httpCase.name}`,
  question: `What does ${httpCase.what} cost, ours beside what would be picked instead?`,
  run: (options, progress) => withPost(httpCase, (post) => compare(httpCase, post, options, progress)),
}))

async function compare(
  httpCase: HttpCase,
  post: Turn['post'],
  options: SuiteOptions,
  progress: Progress,
): Promise<SuiteResult> {
  const rounds = options.rounds ?? (options.quick ? 2 : 5)
  const isAloneAsked = httpCase.name === 'hello'
  const turn = { seconds: options.quick ? 1 : 3, aloneSeconds: isAloneAsked ? 1 : 0, post }
  const running: RunningPeer[] = []
  try {
    const skipped = await startAll(httpCase, running, progress)
    progress(`warming up, then nothing for ${IDLE_SECONDS} s`)
    for (const peer of running) await sampleUnderLoad(peer, { seconds: 1, aloneSeconds: 0, post })
    const idleMsPerSecond = await idleCpu(running, IDLE_SECONDS)
    const standings = await interleave(
      running.map((peer) => ({ name: peer.name, measure: () => sampleUnderLoad(peer, turn) })),
      rounds,
      (name, round, { requestsPerSecond, cpuMicros }) =>
        progress(
          `round ${round + 1}/${rounds} ${name}: ${readable(requestsPerSecond)} requests/s, ${readable(cpuMicros)} µs`,
        ),
    )
    return {
      conditions: [
        pinningInWords,
        `${loadInWords} ${CONNECTIONS} connections, ${rounds} interleaved rounds of ${turn.seconds} s after one to warm up.`,
        ...sizesInWords(httpCase),
        idleInWords(running, idleMsPerSecond),
        versionsInWords(),
        ...skipped,
        ...ended(running),
      ],
      table: table(standings, isAloneAsked),
      drawing: {
        title: `Requests per second: ${httpCase.what} (median)`,
        unit: '/s',
        bars: standings.map((one) => ({ label: one.name, value: medianOf(one, 'requestsPerSecond') })),
      },
      findings: [...(isAloneAsked ? speeds(standings) : []), ...OURS.map((peer) => failedRequests(standings, peer))],
      raw: { standings, idleMsPerSecond },
    }
  } finally {
    await stopAll(running)
  }
}

/** Returns a sentence for each contestant that could not start. The baseline and ours have to. */
async function startAll(httpCase: HttpCase, running: RunningPeer[], progress: Progress): Promise<string[]> {
  const skipped: string[] = []
  for (const peer of PEERS) {
    progress(`starting ${peer.name}`)
    try {
      running.push(await startPeer(peer, httpCase))
    } catch (error) {
      if (peer === nodeHttp || OURS.includes(peer)) throw error
      skipped.push(`Skipped: ${peer.name}: ${(error as Error).message}`)
      progress(skipped.at(-1)!)
    }
  }
  return skipped
}

/** Those that did not live through the run: their rows are not to be read. */
function ended(running: readonly RunningPeer[]): string[] {
  return running.flatMap(({ name, host: { complaint } }) =>
    complaint === null ? [] : [`Ended during the run: ${name}: ${complaint}`],
  )
}

async function stopAll(running: readonly RunningPeer[]): Promise<void> {
  const results = await Promise.allSettled(running.map(({ host }) => host.stop()))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

function table(standings: Standings, isAloneAsked: boolean): SuiteResult['table'] {
  const base = find(standings, nodeHttp)!
  const ratio = `÷ ${base.name}`
  const alone = (standing: Standing<HttpSample>): number[] =>
    isAloneAsked ? [medianOf(standing, 'aloneP50Ms'), ratioOf(standing, base, 'aloneP50Ms')] : []
  return {
    head: [
      '',
      'requests/s',
      ratio,
      'p50 ms',
      'p99 ms',
      'CPU µs',
      ratio,
      'memory MiB',
      ...(isAloneAsked ? ['one at a time p50 ms', ratio] : []),
      'failed',
    ],
    rows: standings.map((standing) => [
      standing.name,
      medianOf(standing, 'requestsPerSecond'),
      ratioOf(standing, base, 'requestsPerSecond'),
      medianOf(standing, 'p50Ms'),
      medianOf(standing, 'p99Ms'),
      medianOf(standing, 'cpuMicros'),
      ratioOf(standing, base, 'cpuMicros'),
      medianOf(standing, 'memoryMiB'),
      ...alone(standing),
      failed(standing),
    ]),
  }
}

function speeds(standings: Standings): Finding[] {
  const ours = find(standings, oursShared)!
  /** Nothing where the other is skipped. */
  const against = (peer: Peer, key: keyof HttpSample, judge: (ratio: number) => Finding): Finding[] => {
    const other = find(standings, peer)
    return other === undefined ? [] : [judge(ratioOf(ours, other, key))]
  }
  return [
    ...against(hono, 'cpuMicros', (value) =>
      atMost(1.25, { measure: `${ours.name}: CPU a request ÷ ${hono.name}`, value }),
    ),
    ...against(nginxNode, 'requestsPerSecond', (value) =>
      atLeast(1.2, { measure: `${ours.name}: requests/s ÷ ${nginxNode.name}`, value }),
    ),
    ...against(nodeHttp, 'aloneP50Ms', (value) =>
      atMost(1.8, { measure: `${ours.name}: p50 one call at a time ÷ ${nodeHttp.name}`, value }),
    ),
  ]
}

function failedRequests(standings: Standings, peer: Peer): Finding {
  return mustBeNone({ measure: `${peer.name}: failed requests`, value: failed(find(standings, peer)!) })
}

function failed({ rounds }: Standing<HttpSample>): number {
  return sum(rounds.map((sample) => sample.failed))
}

function find(standings: Standings, { name }: Peer): Standing<HttpSample> | undefined {
  return standings.find((standing) => standing.name === name)
}

function sizesInWords({ sharedWorkers, exclusiveWorkers, tasksPerThread }: HttpCase): string[] {
  return [
    `Workers: ${exclusiveWorkers} for ours at concurrency 1, as many children for php-fpm; ${sharedWorkers} for ours at concurrency 64,`,
    `as many threads for piscina (calls at a time in each: ${tasksPerThread}); one process for the others. As the others, ours does not recycle.`,
    'CPU and memory are those of all processes of a contestant, ours with its blanks. Pages that processes share are',
    'divided among them, and contestants on the same Node share its code.',
  ]
}

function idleInWords(running: readonly RunningPeer[], msPerSecond: readonly number[]): string {
  const most = Math.max(...msPerSecond)
  const { name } = running[msPerSecond.indexOf(most)]!
  return `Idle, all contestants together use ${readable(sum(msPerSecond))} ms of CPU a second, ${name} the most of it (${readable(most)} ms).`
}
