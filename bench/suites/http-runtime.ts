/**
 * A program that serves HTTP: as a function of ours beside nginx in front of the same program, over TCP and over a unix
 * socket. nginx has one process between caller and program; ours are two, the gateway and the worker that forwards.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { withGateway } from '../lib/gateway.ts'
import { type CpuSample, failuresOf, httpContestant, proveHello } from '../lib/http-contestant.ts'
import { type Contestant, interleave, medianOf, ratioOf } from '../lib/interleave.ts'
import { loadInWords } from '../lib/load.ts'
import { oneCall } from '../lib/one-call.ts'
import { pinningInWords } from '../lib/pinning.ts'
import type { Suite } from '../lib/suite.ts'
import { atLeast, atMost, mustBeNone } from '../lib/verdict.ts'
import { freePort, Host } from '../peers/host.ts'
import { nginxBefore } from '../peers/nginx.ts'

const CONNECTIONS = 64
const WAYS = ['tcp', 'socket'] as const
type Way = (typeof WAYS)[number]

/** Listens where the first word says; the other of the two addresses that it is told stays unused. */
const PROGRAM = `const server = require('node:http').createServer((request, response) => {
  response.setHeader('content-type', 'text/plain')
  response.end('Hello!\\n')
})
if (process.argv[2] === 'socket') server.listen(process.env.SOCKET)
else server.listen(Number(process.env.PORT), '127.0.0.1')
`

export const httpRuntime: Suite = {
  name: 'http-runtime',
  question: 'Is a program that serves HTTP as fast through us as behind nginx?',
  run(options, progress) {
    const rounds = options.rounds ?? (options.quick ? 3 : 7)
    const seconds = options.quick ? 1 : 3
    return withGateway(filesIn, async (gateway) => {
      const hosts: Host[] = []
      const skipped: string[] = []
      try {
        const all: Contestant<CpuSample>[] = []
        const load = { connections: CONNECTIONS, seconds }
        for (const way of WAYS) {
          const url = `${gateway.url}/${way}/`
          await proveHello(way, url)
          all.push(httpContestant(`ours, ${way}`, url, [gateway.pid], load))
          const host = new Host()
          hosts.push(host)
          const behind = await behindNginx(host, way).catch(({ message }: Error) => {
            skipped.push(`nginx, ${way}, left out: ${message}.`)
            return null
          })
          if (behind !== null) all.push(httpContestant(`nginx, ${way}`, behind, host.pids, load))
        }
        progress('warming up')
        for (const one of all) await one.measure(0)
        const standings = await interleave(all, rounds, (name, round, { cpuMicros, requestsPerSecond }) =>
          progress(
            `round ${round + 1}/${rounds} ${name} ${Math.round(requestsPerSecond)} requests/s, ${cpuMicros.toFixed(1)} µs`,
          ),
        )
        const pairs = WAYS.flatMap((way) => {
          const ours = standings.find(({ name }) => name === `ours, ${way}`)!
          const nginx = standings.find(({ name }) => name === `nginx, ${way}`)
          return nginx === undefined ? [] : [{ way, ours, nginx }]
        })
        return {
          conditions: [
            pinningInWords,
            `${loadInWords} ${CONNECTIONS} connections, ${rounds} interleaved rounds of ${seconds} s after one to warm up.`,
            "CPU is that of all processes, the program's counted in.",
            ...skipped,
          ],
          table: {
            head: ['', 'requests/s', 'CPU µs', 'p50 ms', 'p99 ms', 'failed'],
            rows: standings.map((one) => [
              one.name,
              ...(['requestsPerSecond', 'cpuMicros', 'p50Ms', 'p99Ms'] as const).map((key) => medianOf(one, key)),
              failuresOf(one),
            ]),
          },
          drawing: {
            title: 'Requests per second (median)',
            unit: '/s',
            bars: standings.map((one) => ({ label: one.name, value: medianOf(one, 'requestsPerSecond') })),
          },
          findings: [
            ...pairs.flatMap(({ way, ours, nginx }) => [
              atLeast(1, {
                measure: `requests/s: ours ÷ nginx, ${way}`,
                value: ratioOf(ours, nginx, 'requestsPerSecond'),
              }),
              atMost(1, { measure: `CPU: ours ÷ nginx, ${way}`, value: ratioOf(ours, nginx, 'cpuMicros') }),
            ]),
            ...standings.map((one) => mustBeNone({ measure: `${one.name}: failed requests`, value: failuresOf(one) })),
          ],
          raw: standings,
        }
      } finally {
        await Promise.all(hosts.map((host) => host.stop()))
      }
    })
  },
}

async function behindNginx(host: Host, way: Way): Promise<string> {
  const file = join(host.folder, 'main.cjs')
  const socket = join(host.folder, 'program.sock')
  writeFileSync(file, PROGRAM)
  const port = await freePort()
  host.run([process.execPath, file, way], { PORT: String(port), SOCKET: socket })
  const url = await nginxBefore(host, way === 'socket' ? `unix:${socket}` : `127.0.0.1:${port}`)
  // 502 until the program listens.
  for (let tries = 0; ; tries++) {
    const status = await oneCall(url).then(
      (answer) => answer.status,
      () => 0,
    )
    if (status === 200) return url
    if (tries > 200 || host.complaint !== null) throw new Error(host.complaint ?? `it answers ${status}`)
    await pause(50)
  }
}

function filesIn() {
  const files = WAYS.flatMap((way) => [
    [`${way}/main.cjs`, PROGRAM] as const,
    [
      `${way}/function.json`,
      JSON.stringify({ runtime: 'http', command: [process.execPath, 'main.cjs', way] }),
    ] as const,
  ])
  const settings = { minWorkers: 1, maxWorkers: 1, concurrency: CONNECTIONS, maxInvocations: 'never', maxAge: 'never' }
  const overrides = Object.fromEntries(WAYS.map((way) => [way, settings]))
  return { functions: Object.fromEntries(files), config: { overrides, log: { level: 'warn' } } }
}
