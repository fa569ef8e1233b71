/**
 * Deploying: how long it takes from a folder to the version that is live, for a hello and for 20 MB, and back to the version
 * before; and whether callers notice anything of a thousand switches. All times are those of whoever deploys, with a bare
 * start of Node beside them.
 */
import { bareStartTimes } from '../lib/bare-start-times.ts'
import { deployTo, type Files, rollBack, sayingHello } from '../lib/deploying.ts'
import { type Gateway, withGateway } from '../lib/gateway.ts'
import { type LoadReport, load, loadInWords } from '../lib/load.ts'
import { pinningInWords } from '../lib/pinning.ts'
import { shelfIsFull } from '../lib/shelf.ts'
import { median, quantile, sum } from '../lib/stats.ts'
import type { Progress, Suite } from '../lib/suite.ts'
import { below, type Finding, mustBe, mustBeNone } from '../lib/verdict.ts'

const CONNECTIONS = 16
const BLANKS = 2
const NAME = 'deployed'
const LARGE_FILES = 200
const LARGE_FILE_BYTES = 100_000

interface Switched {
  readonly count: number
  readonly tookMs: number[]
  readonly load: readonly LoadReport[]
  readonly calls: number
  /** Answers of a sequential caller that were no version's, or not that of the version which had to be live. */
  readonly mixed: number
  readonly stale: number
}

export const deploySuite: Suite = {
  name: 'deploy',
  question:
    'How long does it take from a folder to live and back, and do callers under load notice a thousand switches?',
  run(options, progress) {
    const times = options.quick ? 5 : 20
    const switches = options.quick ? 100 : 1_000
    const config = {
      pool: { blanks: BLANKS },
      overrides: { [NAME]: { minWorkers: 1, concurrency: 64 } },
      log: { level: 'warn' },
    }
    return withGateway(
      () => ({ functions: {}, config }),
      async (gateway, { folder }) => {
        const bareMs = bareStartTimes(folder, times)
        progress('hello folders')
        // The first pays for starting the builder.
        await deployTo(gateway, NAME, sayingHello('first'))
        const ready = (): Promise<void> => shelfIsFull(gateway, BLANKS)
        const hello = await timesOf(times, (at) => deployTo(gateway, NAME, sayingHello(`v${at}`)), ready)
        const back = await timesOf(times, () => rollBack(gateway, NAME))
        progress('20 MB folders')
        const large = await timesOf(
          Math.ceil(times / 4),
          (at) => deployTo(gateway, 'large', sayingHello(`v${at}`, largeFiles(at))),
          ready,
        )
        const switched = await switchUnderLoad(gateway, switches, progress)
        const rows = [
          ['hello folder to live', hello],
          ['20 MB folder to live', large],
          ['back to the version before', back],
          ['switch under load', switched.tookMs],
          ['bare start of Node', bareMs],
        ] as const
        return {
          conditions: [
            pinningInWords,
            `Folders are sent over HTTP as the command does it; ${LARGE_FILES} files of ${LARGE_FILE_BYTES} bytes are the 20 MB, new each time.`,
            `Before each of these the gateway has its ${BLANKS} blanks, as between two deployments of a day.`,
            `${loadInWords} ${CONNECTIONS} connections while ${switches} deployments of two versions alternate; a sequential caller beside them looks at each answer.`,
          ],
          table: {
            head: ['what', 'median ms', 'p95 ms', '÷ bare start'],
            rows: rows.map(([what, all]) => [what, median(all), quantile(all, 0.95), median(all) / median(bareMs)]),
          },
          drawing: {
            title: 'Until it is live (median)',
            unit: ' ms',
            bars: rows.map(([label, all]) => ({ label, value: median(all) })),
          },
          findings: findings(median(hello), median(large), median(back), switched),
          raw: { hello, large, back, bareMs, switched },
        }
      },
    )
  },
}

function findings(helloMs: number, largeMs: number, backMs: number, switched: Switched): Finding[] {
  const { load: reports, count, calls, mixed, stale } = switched
  return [
    below(300, { measure: 'hello folder to live', value: helloMs, unit: ' ms' }),
    below(3_000, { measure: '20 MB folder to live', value: largeMs, unit: ' ms' }),
    below(50, { measure: 'back to the version before', value: backMs, unit: ' ms' }),
    mustBe(count, { measure: 'switches under load', value: switched.tookMs.length }),
    mustBeNone({
      measure: `failed of ${sum(reports.map(({ requests }) => requests))} requests`,
      value: sum(reports.map(failedOf)),
    }),
    mustBeNone({ measure: `answers of ${calls} that were of no one version`, value: mixed }),
    mustBeNone({ measure: 'answers of another version than the one that had been told live', value: stale }),
  ]
}

function failedOf({ badStatuses, errors }: LoadReport): number {
  return badStatuses + errors
}

/** One caller beside the load knows which version has to answer: the one that was told live when it asked. */
async function switchUnderLoad(gateway: Gateway, count: number, progress: Progress): Promise<Switched> {
  const versions = [sayingHello('even'), sayingHello('odd')]
  for (const files of versions) await deployTo(gateway, NAME, files)
  let isOver = false
  /** Null while it is being changed. */
  let live = null as string | null
  const loading = (async () => {
    const reports: LoadReport[] = []
    while (!isOver) reports.push(await load(`${gateway.url}/${NAME}/`, { connections: CONNECTIONS, seconds: 2 }))
    return reports
  })()
  const calling = (async () => {
    const seen = { calls: 0, mixed: 0, stale: 0 }
    for (; !isOver; seen.calls++) {
      const before: string | null = live
      const [code, data] = (await (await fetch(`${gateway.url}/${NAME}/`)).text()).split(' ')
      if (code !== data) seen.mixed++
      if (before !== null && before === live && before !== code) seen.stale++
    }
    return seen
  })()
  const tookMs: number[] = []
  for (let at = 0; at < count; at++) {
    live = null
    tookMs.push(await timeOf(() => deployTo(gateway, NAME, versions[at % 2]!)))
    live = at % 2 === 0 ? 'even' : 'odd'
    if ((at + 1) % 100 === 0) progress(`${at + 1} of ${count} switches`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  isOver = true
  return { count, tookMs, load: await loading, ...(await calling) }
}

function largeFiles(seed: number): Files {
  return Object.fromEntries(
    Array.from({ length: LARGE_FILES }, (_, at) => [
      `data/${at}.txt`,
      `${seed} ${at} `.padEnd(LARGE_FILE_BYTES, 'abcdefghij'),
    ]),
  )
}

/** `ready` is waited for before each, and not counted. */
async function timesOf(
  count: number,
  work: (at: number) => Promise<unknown>,
  ready: () => Promise<void> = async () => {},
): Promise<number[]> {
  const all: number[] = []
  for (let at = 0; at < count; at++) {
    await ready()
    all.push(await timeOf(() => work(at)))
  }
  return all
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now()
  await work()
  return performance.now() - startedAtMs
}
