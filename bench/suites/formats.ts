/**
 * What each format adds to the fetch format's hello. All are functions of one gateway, asked in turns: of two gateways
 * the second costs some 5 % more, whichever it is. The order moves on every round. The applications of Express, Fastify
 * and Koa are also served without us, by their own `listen`, and so is a bare `(request, response)`: what a framework adds
 * to that is its own, wherever it runs.
 */
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withGateway } from '../lib/gateway.ts'
import { APP_NAMES, APPS, type AppName, BARE, FETCH_ALONE, HELLO_FOLDERS } from '../lib/hello-folders.ts'
import { type CpuSample, failuresOf, httpContestant, proveHello, startServer } from '../lib/http-contestant.ts'
import { type Contestant, interleave, medianOf, ratioOf, type Standing } from '../lib/interleave.ts'
import { loadInWords } from '../lib/load.ts'
import { pinningInWords } from '../lib/pinning.ts'
import { median } from '../lib/stats.ts'
import type { Suite } from '../lib/suite.ts'
import { atMost, type Finding, mustBeNone } from '../lib/verdict.ts'
import { Host } from '../peers/host.ts'

const CONNECTIONS = 64
const WARM = { minWorkers: 1, maxWorkers: 1, maxInvocations: 'never', maxAge: 'never' }
const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url))
const FETCH = HELLO_FOLDERS[0]!.name
const MOST = 1.25
const DIRECT = [BARE, ...APP_NAMES.map((name) => ({ name, ...APPS[name] }))]

export const formats: Suite = {
  name: 'formats',
  question:
    "What does each format cost beside the fetch format's hello, and an app of a framework beside its own listen?",
  run(options, progress) {
    const rounds = options.rounds ?? (options.quick ? 3 : 7)
    const seconds = options.quick ? 1 : 2
    return withGateway(filesIn, async (gateway) => {
      const host = new Host()
      try {
        const direct: Contestant<CpuSample>[] = []
        symlinkSync(MODULES, join(host.folder, 'node_modules'))
        for (const app of DIRECT) direct.push(await serveDirectly(host, app, seconds))
        const ours = HELLO_FOLDERS.map(({ name, path }) =>
          httpContestant(name, gateway.url + path, [gateway.pid], { connections: CONNECTIONS, seconds }),
        )
        for (const { name, path } of HELLO_FOLDERS) await proveHello(name, gateway.url + path)
        const all = [...ours, ...direct]
        progress('warming up')
        for (const one of all) await one.measure(0)
        const standings = await interleave(all, rounds, (name, round, { cpuMicros, requestsPerSecond }) =>
          progress(
            `round ${round + 1}/${rounds} ${name} ${cpuMicros.toFixed(1)} µs, ${Math.round(requestsPerSecond)} requests/s`,
          ),
        )
        const of = (name: string): Standing<CpuSample> => standings.find((one) => one.name === name)!
        const hello = of(FETCH)
        const alone = new Set(HELLO_FOLDERS.filter(({ concurrency }) => concurrency === 1).map(({ name }) => name))
        const baseOf = (name: string): Standing<CpuSample> => (alone.has(name) ? of(FETCH_ALONE) : hello)
        return {
          conditions: [
            pinningInWords,
            `${loadInWords} ${CONNECTIONS} connections, ${rounds} interleaved rounds of ${seconds} s after one to warm up.`,
            'One gateway and one worker a function; CPU is that of the gateway and all below it. Lambda, stdio and bootstrap',
            `take one call at a time, as their contracts say; "÷ base" compares these with ${FETCH_ALONE}, fetch's hello with one`,
            "call at a time, the others with fetch's. Of stdio and bootstrap, the program's CPU is counted in.",
          ],
          table: {
            head: ['', 'CPU µs', '÷ base', '÷ fetch', 'requests/s', 'p50 ms', 'failed'],
            rows: standings.map((one) => [
              one.name,
              medianOf(one, 'cpuMicros'),
              ratioOf(one, baseOf(one.name), 'cpuMicros'),
              ratioOf(one, hello, 'cpuMicros'),
              medianOf(one, 'requestsPerSecond'),
              medianOf(one, 'p50Ms'),
              failuresOf(one),
            ]),
          },
          drawing: {
            title: 'CPU per hello ÷ that of the fetch format, with as many calls at a time (median)',
            unit: '×',
            bars: standings.map((one) => ({ label: one.name, value: ratioOf(one, baseOf(one.name), 'cpuMicros') })),
          },
          findings: [
            ...HELLO_FOLDERS.filter(({ name, isProgram }) => name !== FETCH && name !== FETCH_ALONE && !isProgram).map(
              ({ name }) =>
                atMost(MOST, {
                  measure: `CPU: ${name} ÷ ${baseOf(name).name}`,
                  value: ratioOf(of(name), baseOf(name), 'cpuMicros'),
                }),
            ),
            ...APP_NAMES.flatMap((name) => besideDirect(name, of(name), of(directName(name)))),
            ...APP_NAMES.map((name) => withoutItsOwn(name, of)),
            ...standings.map((one) => mustBeNone({ measure: `${one.name}: failed requests`, value: failuresOf(one) })),
          ],
          raw: standings,
        }
      } finally {
        await host.stop()
      }
    })
  },
}

function besideDirect(name: AppName, ours: Standing<CpuSample>, direct: Standing<CpuSample>): Finding[] {
  return [
    atMost(MOST, { measure: `CPU: ${name}, ours ÷ its own listen`, value: ratioOf(ours, direct, 'cpuMicros') }),
    atMost(MOST, {
      measure: `requests/s: ${name}, its own listen ÷ ours`,
      value: ratioOf(direct, ours, 'requestsPerSecond'),
    }),
  ]
}

/** What an app takes here, beside fetch's hello and what its framework adds to a bare one: what the format adds. */
function withoutItsOwn(name: AppName, of: (name: string) => Standing<CpuSample>): Finding {
  const cpuIn = (standing: string, round: number): number => of(standing).rounds[round]!.cpuMicros
  const ratios = of(name).rounds.map((_, round) => {
    const ofItsOwn = cpuIn(directName(name), round) - cpuIn(directName(BARE.name), round)
    return cpuIn(name, round) / (cpuIn(FETCH, round) + ofItsOwn)
  })
  return atMost(MOST, { measure: `CPU: ${name} ÷ (${FETCH} + what ${name} adds by itself)`, value: median(ratios) })
}

function filesIn(folder: string) {
  symlinkSync(MODULES, join(folder, 'node_modules'))
  const files = HELLO_FOLDERS.flatMap(({ name, files }) =>
    Object.entries(files).map(([path, text]) => [`${name}/${path}`, text] as const),
  )
  const overrides = Object.fromEntries(HELLO_FOLDERS.map(({ name, concurrency }) => [name, { ...WARM, concurrency }]))
  return { functions: Object.fromEntries(files), config: { overrides, log: { level: 'warn' } } }
}

function directName(name: string): string {
  return `${name} by itself`
}

async function serveDirectly(
  host: Host,
  { name, source, listen }: (typeof DIRECT)[number],
  seconds: number,
): Promise<Contestant<CpuSample>> {
  const file = join(host.folder, `${name}.mjs`)
  writeFileSync(file, source + listen)
  const { url, pid } = await startServer(host, () => [process.execPath, file])
  return httpContestant(directName(name), url, [pid], { connections: CONNECTIONS, seconds })
}
