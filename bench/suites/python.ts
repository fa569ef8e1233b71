/**
 * Hello in Python through us beside gunicorn with its sync worker: the same interpreter, as many processes, one call at
 * a time in each. gunicorn's sync worker closes every connection after its answer; ours are asked both over connections
 * that are kept and over one for each request, so that a difference is not the connections' alone.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { withGateway } from '../lib/gateway.ts'
import { type CpuSample, failuresOf, httpContestant, proveHello, startServer } from '../lib/http-contestant.ts'
import { type Contestant, interleave, medianOf, ratioOf, type Standing } from '../lib/interleave.ts'
import { hasWrk, loadInWords } from '../lib/load.ts'
import { pinningInWords } from '../lib/pinning.ts'
import type { Suite } from '../lib/suite.ts'
import { atLeast, type Finding, mustBeNone } from '../lib/verdict.ts'
import { Host } from '../peers/host.ts'

const CONNECTIONS = 32
const COUNTS = [1, 2] as const

const PLAIN = "def handler(request):\n    return 'Hello!\\n'\n"
const WSGI = `def app(environ, start_response):
    start_response('200 OK', [('content-type', 'text/plain'), ('content-length', '7')])
    return [b'Hello!\\n']
`

export const python: Suite = {
  name: 'python',
  question: 'Is hello in Python through us faster than through gunicorn with its sync worker?',
  run(options, progress) {
    const rounds = options.rounds ?? (options.quick ? 3 : 7)
    const seconds = options.quick ? 1 : 3
    const gunicorn = findGunicorn()
    // Our workers run on gunicorn's interpreter.
    if (gunicorn !== null) process.env.PATH = `${dirname(gunicorn.interpreter)}${delimiter}${process.env.PATH}`
    return withGateway(filesIn, async (gateway) => {
      const host = new Host()
      try {
        const all: Contestant<CpuSample>[] = []
        for (const count of COUNTS) {
          for (const kind of ['plain', 'wsgi']) {
            const url = `${gateway.url}/${kind}-${count}/`
            await proveHello(kind, url)
            const load = { connections: CONNECTIONS, seconds }
            all.push(httpContestant(ourName(kind, count), url, [gateway.pid], load))
            if (hasWrk)
              all.push(httpContestant(closing(ourName(kind, count)), url, [gateway.pid], { ...load, isClosing: true }))
          }
          if (gunicorn === null) continue
          writeFileSync(join(host.folder, 'hello.py'), WSGI)
          const { url, pid } = await startServer(host, (port) => [
            ...[gunicorn.interpreter, gunicorn.file, '--worker-class', 'sync', '--workers', String(count)],
            ...['--bind', `127.0.0.1:${port}`, '--log-level', 'error', 'hello:app'],
          ])
          all.push(httpContestant(peerName(count), url, [pid], { connections: CONNECTIONS, seconds }))
        }
        progress('warming up')
        for (const one of all) await one.measure(0)
        const standings = await interleave(all, rounds, (name, round, { requestsPerSecond }) =>
          progress(`round ${round + 1}/${rounds} ${name} ${Math.round(requestsPerSecond)} requests/s`),
        )
        return {
          conditions: [
            pinningInWords,
            `${loadInWords} ${CONNECTIONS} connections, ${rounds} interleaved rounds of ${seconds} s after one to warm up.`,
            '"closing": a connection for each request. gunicorn\'s sync worker closes them whatever is asked of it.',
            ...(gunicorn === null ? ['gunicorn left out: not installed (apt install gunicorn).'] : []),
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
            ...COUNTS.flatMap((count) => besideGunicorn(standings, count)),
            ...standings
              .filter(({ name }) => name.startsWith('ours'))
              .map((one) => mustBeNone({ measure: `${one.name}: failed requests`, value: failuresOf(one) })),
          ],
          raw: standings,
        }
      } finally {
        await host.stop()
      }
    })
  },
}

function besideGunicorn(standings: readonly Standing<CpuSample>[], count: number): Finding[] {
  const base = standings.find(({ name }) => name === peerName(count))
  if (base === undefined) return []
  return standings
    .filter(({ name }) => name.startsWith('ours') && name.includes(` ${count} `))
    .map((one) => {
      const value = ratioOf(one, base, 'requestsPerSecond')
      return atLeast(1, { measure: `requests/s: ${one.name} ÷ gunicorn`, value })
    })
}

function ourName(kind: string, count: number): string {
  return `ours, ${kind}, ${count} worker${count === 1 ? '' : 's'}`
}

function closing(name: string): string {
  return `${name}, closing`
}

function peerName(count: number): string {
  return `gunicorn sync, ${count} worker${count === 1 ? '' : 's'}`
}

function filesIn() {
  const names = COUNTS.flatMap((count) => [`plain-${count}`, `wsgi-${count}`])
  const files = names.map((name) => [`${name}/main.py`, name.startsWith('plain') ? PLAIN : WSGI] as const)
  const settings = names.map((name) => {
    const count = Number(name.at(-1))
    return [name, { minWorkers: count, maxWorkers: count, maxInvocations: 'never', maxAge: 'never' }] as const
  })
  const config = { overrides: Object.fromEntries(settings), log: { level: 'warn' } }
  return { functions: Object.fromEntries(files), config }
}

/** Its script, and the interpreter that the first line of this names; null where it is not installed. */
function findGunicorn(): { readonly file: string; readonly interpreter: string } | null {
  const { stdout } = spawnSync('sh', ['-c', 'command -v gunicorn'], { encoding: 'utf8' })
  const file = stdout.trim()
  if (file === '') return null
  const [, interpreter] = readFileSync(file, 'utf8').match(/^#!(\/\S*python\S*)\n/) ?? []
  return interpreter === undefined ? null : { file, interpreter }
}
