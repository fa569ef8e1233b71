/**
 * What callers and workers can make of one turn of the gateway's event loop: each sends the worst that it may, as fast
 * as it can, while a probe in the gateway's own thread takes the processor time of every turn.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { RouteTable } from '../../gateway/http/route-table.ts'
import { createLog, Gateway, loadConfig } from '../../gateway/index.ts'
import type { HostileCaller } from '../lib/hostile-caller.ts'
import { makeProject } from '../lib/project.ts'
import type { Progress, Suite } from '../lib/suite.ts'
import { TurnProbe } from '../lib/turn-probe.ts'
import { atMost } from '../lib/verdict.ts'

/** The longest stall that a neighbour may notice. */
const LONGEST_MS = 50
const ROUTES = 10_000

/** Writes what no runtime would onto its own wire; the call is the worker's first. */
const HOSTILE = `
import { writeSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
const frame = (type, payload) => {
  const head = Buffer.alloc(8)
  head.writeUIntLE(payload.length, 0, 3)
  head[3] = type
  head.writeUInt32LE(type === 0x16 ? 0 : 1, 4)
  return Buffer.concat([head, payload])
}
const send = async (bytes) => {
  for (let at = 0; at < bytes.length; ) {
    try { at += writeSync(3, bytes, at) } catch (error) { if (error.code !== 'EAGAIN') return; await pause(1) }
  }
}
const response = (head) => {
  const prefix = Buffer.alloc(7)
  prefix.writeUInt16LE(200, 1)
  prefix.writeUInt32LE(head.length, 3)
  return frame(0x13, Buffer.concat([prefix, Buffer.from(head)]))
}
const MANY = 4 * 1024 * 1024 - 100
const worst = {
  'wide failure': () => frame(0x14, Buffer.from(JSON.stringify({ name: 'E', message: 'x', stack: '', more: Array(500_000).fill({}) }).slice(0, MANY))),
  'long failure': () => frame(0x14, Buffer.from(JSON.stringify({ name: 'E', message: '\\\\"'.repeat(1_000_000), stack: '' }))),
  'deep failure': () => frame(0x14, Buffer.from('[' .repeat(MANY))),
  'head of line breaks': () => response('\\n'.repeat(MANY)),
  'largest head': () => response(Array.from({ length: 256 }, (_, at) => 'x-' + at + Math.random() + '\\n' + 'y'.repeat(200)).join('\\n')),
  pongs: () => Buffer.concat(Array(500_000).fill(frame(0x16, Buffer.alloc(0)))),
}
export default async (request) => {
  const kind = decodeURIComponent(new URL(request.url).searchParams.get('kind'))
  if (kind === 'lines') for (let at = 0; at < 40; at++) { process.stdout.write('\\n'.repeat(65_536)); await pause(25) }
  else if (kind === 'words') for (let at = 0; at < 40; at++) { process.stdout.write('ab\\n'.repeat(20_000)); await pause(25) }
  else await send(worst[kind]())
  return new Response('sent')
}
`

interface Measured {
  readonly by: 'caller' | 'worker' | 'configuration'
  readonly what: string
  readonly longestMs: number
}

const HOST = 'host: here\r\n'
const END = '\r\n'
const GET = `GET /hello HTTP/1.1\r\n${HOST}`

function headOf(line: string, bytes: number): string {
  return line.repeat(Math.floor((bytes - GET.length) / line.length))
}

const FROM_CALLERS: Readonly<Record<string, string>> = {
  'pipelined calls': `${GET}${END}`.repeat(2_000),
  'pipelined requests for nothing': `GET /nothing HTTP/1.1\r\n${HOST}${END}`.repeat(2_000),
  'as many headers as may be':
    `${GET}${Array.from({ length: 255 }, (_, at) => `x-${at}: ${'y'.repeat(50)}\r\n`).join('')}${END}`.repeat(8),
  'Connection that names thousands of headers':
    `${GET}${headOf(`connection: ${Array.from({ length: 28 }, (_, at) => String.fromCharCode(97 + (at % 26)) + at).join(',')}\r\n`, 15_000)}${END}`.repeat(
      8,
    ),
  'distinct names in many Connection headers':
    `${GET}${Array.from({ length: 200 }, (_, line) => `connection: ${Array.from({ length: 12 }, (_, at) => `${(line * 12 + at).toString(36)}`).join(',')}\r\n`).join('')}${END}`.repeat(
      8,
    ),
  'paths with thousands of dot segments': `GET ${'/a/..'.repeat(3_000)}/hello HTTP/1.1\r\n${HOST}${END}`.repeat(8),
  'paths with thousands of escapes': `GET /hello/${'%61%c3'.repeat(2_500)} HTTP/1.1\r\n${HOST}${END}`.repeat(8),
  'chunks of one byte': `POST /hello HTTP/1.1\r\n${HOST}transfer-encoding: chunked\r\n\r\n${'1\r\na\r\n'.repeat(30_000)}0\r\n\r\n`,
  'chunks with extensions': `POST /hello HTTP/1.1\r\n${HOST}transfer-encoding: chunked\r\n\r\n1;${'a=b;'.repeat(1_000)}c\r\na\r\n0\r\n\r\n`,
  'what is no HTTP': 'x'.repeat(60_000),
}
const FROM_WORKERS = [
  'wide failure',
  'long failure',
  'deep failure',
  'head of line breaks',
  'largest head',
  'pongs',
  'lines',
  'words',
]

export const stalls: Suite = {
  name: 'stalls',
  question: "How long can a caller or a worker hold up the gateway's event loop?",
  async run({ quick }, progress) {
    const measured = [...(await ofGateway(quick ? 1_000 : 4_000, progress)), ...ofRoutes()]
    const longestMs = Math.max(...measured.map((one) => one.longestMs))
    return {
      conditions: [
        'Processor time of the longest turn of the gateway’s event loop; callers run in another thread, workers in processes.',
        'Eight connections a caller, each with more to send than is taken; nothing to compare with, so the machine matters.',
      ],
      table: {
        head: ['by', 'what', 'longest ms'],
        rows: measured.map(({ by, what, longestMs: ms }) => [by, what, Math.round(ms * 10) / 10]),
      },
      drawing: {
        title: 'Longest turn',
        unit: 'ms',
        bars: measured.map(({ what, longestMs: value }) => ({ label: what, value })),
      },
      findings: [atMost(LONGEST_MS, { measure: 'longest turn', value: longestMs, unit: 'ms' })],
      raw: measured,
    }
  },
}

async function ofGateway(eachMs: number, progress: Progress): Promise<Measured[]> {
  const one = { minWorkers: 1, maxWorkers: 1 }
  const overrides = { hello: { ...one, concurrency: 64 }, hostile: { ...one, concurrency: 1, maxInvocations: 1 } }
  const project = makeProject(() => ({
    functions: { 'hello.js': "export default () => new Response('hello')\n", 'hostile.js': HOSTILE },
    config: { listen: { port: 0 }, admin: { port: 0 }, overrides, log: { level: 'info' } },
  }))
  const config = await loadConfig({ cwd: project.folder, env: {} })
  const gateway = await Gateway.start(config, createLog(config.log))
  try {
    await fetch(`${gateway.address}/hello`)
    const measured: Measured[] = []
    for (const [what, text] of Object.entries(FROM_CALLERS)) {
      progress(what)
      measured.push({ by: 'caller', what, longestMs: await callersTurn(gateway.address, text, eachMs) })
    }
    for (const what of FROM_WORKERS) {
      progress(what)
      measured.push({ by: 'worker', what, longestMs: await workersTurn(gateway.address, what) })
    }
    return measured
  } finally {
    await gateway.stop()
    project.remove()
  }
}

/** The first turns compile the code that they run. */
const WARM_UP_MS = 500

async function callersTurn(address: string, text: string, ms: number): Promise<number> {
  const port = Number(new URL(address).port)
  const workerData: HostileCaller = { port, connections: 8, bytes: Buffer.from(text, 'latin1') }
  const caller = new Worker(new URL('../lib/hostile-caller.ts', import.meta.url), { workerData })
  await pause(WARM_UP_MS)
  const probe = new TurnProbe()
  await pause(ms)
  const longestMs = probe.stop()
  await caller.terminate()
  return longestMs
}

async function workersTurn(address: string, kind: string): Promise<number> {
  const call = async (): Promise<void> => {
    // The gateway may close the connection without an answer.
    await fetch(`${address}/hostile?kind=${encodeURIComponent(kind)}`)
      .then((response) => response.text())
      .catch(() => {})
  }
  const probe = new TurnProbe()
  for (let calls = 0; calls < 3; calls++) await call()
  await pause(200)
  return probe.stop()
}

/** A table without a gateway: as many routes as a configuration may have, and a path that fits none of them. */
function ofRoutes(): Measured[] {
  const rules = Array.from({ length: ROUTES }, (_, at) => ({
    path: at % 3 === 0 ? `/exact/${at}` : at % 3 === 1 ? `/users/:id/${at}` : `/deep/${at}/*`,
    host: null,
    function: 'hello',
    stripPrefix: false,
  }))
  const timed = (what: string, work: () => void): Measured => {
    const { user, system } = process.threadCpuUsage()
    work()
    const after = process.threadCpuUsage()
    return { by: 'configuration', what, longestMs: (after.user + after.system - user - system) / 1000 }
  }
  let table!: RouteTable
  const made = timed(`a table of ${ROUTES} routes is made`, () => {
    table = new RouteTable(rules, [])
  })
  table.find('here', '/nothing/at/all')
  return [made, timed('a path that fits none of them', () => table.find('here', '/users/7/other'))]
}
