/**
 * What memory a warm worker holds, beyond what all processes of a runtime share, against the least that it could: the
 * bare runtime with an idle socket. All of them are alive at the same time, so that each shares what can be shared.
 */
import { realpathSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Gateway, withGateway } from '../lib/gateway.ts'
import { type IdleProcess, startIdle } from '../lib/idle-process.ts'
import { runLanes } from '../lib/lanes.ts'
import { MiB, readMemory } from '../lib/memory.ts'
import { pinningInWords } from '../lib/pinning.ts'
import { exeOf, readTree } from '../lib/processes.ts'
import { shelfIsFull } from '../lib/shelf.ts'
import { median } from '../lib/stats.ts'
import type { Progress, Suite } from '../lib/suite.ts'
import { atMost, mustBeNone } from '../lib/verdict.ts'

const IN_FLIGHT = 16
const STARTS = ['boot', 'fork'] as const
type Start = (typeof STARTS)[number]

const IDLE_FOLDER = new URL('../peers/idle/', import.meta.url)
const BUN = fileURLToPath(new URL('../node_modules/bun/bin/bun.exe', import.meta.url))
const IDLE = [
  { name: 'idle node', command: [process.execPath, inFolder('hold-socket.js')] },
  { name: 'idle bun', command: [BUN, inFolder('hold-socket-bun.js')] },
  { name: 'idle python3', command: ['python3', inFolder('hold_socket.py')] },
] as const

interface Holder {
  readonly name: string
  readonly privateMiB: number
  readonly pssMiB: number
  readonly rssMiB: number
}

export const workerMemory: Suite = {
  name: 'worker-memory',
  question: 'How much memory of its own does a warm worker hold, against an idle bare runtime?',
  run(options, progress) {
    const count = 5
    const calls = options.quick ? 500 : 2_000
    const idleSeconds = options.quick ? 3 : 80
    const names = STARTS.flatMap((start) => Array.from({ length: count }, (_, at) => `${start}-${at}`))
    const functions = Object.fromEntries(names.map((name) => [`${name}.js`, helloSource(name)]))
    const overrides = Object.fromEntries(
      names.map((name) => [name, { minWorkers: 1, maxWorkers: 1, startBy: name.split('-')[0] }]),
    )
    const config = { pool: { blanks: count }, overrides, log: { level: 'warn' } }
    return withGateway(
      () => ({ functions, config }),
      async (gateway) => {
        // What is called before its template has booted boots itself.
        await shelfIsFull(gateway, count * STARTS.length)
        let failed = 0
        for (const name of names) failed += await callOften(`${gateway.url}/${name}`, name, calls)
        progress(`${names.length} workers have answered ${calls} calls each`)
        await shelfIsFull(gateway, count * STARTS.length)
        const idle = await startAllIdle(count, progress)
        try {
          progress(`nothing for ${idleSeconds} s`)
          await pause(idleSeconds * 1000)
          const blanks = await blankPids(gateway, count)
          const holders = [
            holder('warm worker', await warmPids(gateway, 'boot')),
            holder('blank', blanks.booted),
            holder('warm worker, forked', await warmPids(gateway, 'fork')),
            holder('blank, forked', blanks.forked),
            ...idle.started.map(({ name, processes }) =>
              holder(
                name,
                processes.map(({ pid }) => pid),
              ),
            ),
          ]
          const [worker, blank, forked] = holders
          const bare = holders.find(({ name }) => name === IDLE[0].name)!
          return {
            conditions: [
              pinningInWords,
              `${count} of each, all alive at the same time; medians. A warm worker has answered ${calls} calls of hello, ${IN_FLIGHT} at a time.`,
              `Everything has been idle for ${idleSeconds} s. The idle ones hold one inherited unix socket and do nothing.`,
              'Forked ones share their template with each other: one process more, of some 40 MiB.',
              'Private is what would be free if the process ended; PSS counts a part of what is shared too, RSS all of it.',
              ...idle.skipped,
            ],
            table: {
              head: ['', 'private MiB', `÷ ${bare.name}`, 'PSS MiB', 'RSS MiB'],
              rows: holders.map(({ name, privateMiB, pssMiB, rssMiB }) => {
                return [name, privateMiB, privateMiB / bare.privateMiB, pssMiB, rssMiB]
              }),
            },
            drawing: {
              title: 'Private memory (median)',
              unit: 'MiB',
              bars: holders.map(({ name, privateMiB }) => ({ label: name, value: privateMiB })),
            },
            findings: [
              atMost(1.15, { measure: 'warm worker ÷ idle node: private memory', value: ratio(worker!, bare) }),
              atMost(1.15, { measure: 'blank ÷ idle node: private memory', value: ratio(blank!, bare) }),
              atMost(1.15, { measure: 'forked warm worker ÷ idle node: private memory', value: ratio(forked!, bare) }),
              mustBeNone({ measure: 'failed calls', value: failed }),
            ],
            raw: holders,
          }
        } finally {
          for (const { processes } of idle.started) await stopAll(processes)
        }
      },
    )
  },
}

function ratio(one: Holder, base: Holder): number {
  return one.privateMiB / base.privateMiB
}

function inFolder(file: string): string {
  return fileURLToPath(new URL(file, IDLE_FOLDER))
}

function helloSource(name: string): string {
  return `export default { fetch: () => new Response('Hello from ${name}!\\n') }\n`
}

/** Returns how many calls failed. */
async function callOften(url: string, name: string, calls: number): Promise<number> {
  let left = calls
  const accounts = await runLanes({ url, inFlight: IN_FLIGHT, isOver: () => left-- <= 0 })
  return accounts.filter(({ answers: [first] }) => first?.status !== 200 || !first.body.includes(name)).length
}

async function startAllIdle(count: number, progress: Progress) {
  const started: { name: string; processes: IdleProcess[] }[] = []
  const skipped: string[] = []
  for (const { name, command } of IDLE) {
    const processes: IdleProcess[] = []
    try {
      while (processes.length < count) processes.push(await startIdle(command))
      started.push({ name, processes })
    } catch (error) {
      await stopAll(processes)
      skipped.push(`Skipped: ${name} (${(error as Error).message}).`)
    }
    progress(`${name}: ${processes.length} started`)
  }
  return { started, skipped }
}

async function stopAll(processes: readonly IdleProcess[]): Promise<void> {
  for (const one of processes) await one.stop()
}

async function warmPids(gateway: Gateway, start: Start | '' = ''): Promise<number[]> {
  const ofThese = (await gateway.status()).functions.filter(({ name }) => name.startsWith(start))
  return ofThese.flatMap(({ workers }) => workers.map(({ pid }) => pid))
}

/** The status does not name them: they run Node below the gateway and are no function's, nor what others are forked from. */
async function blankPids(gateway: Gateway, count: number): Promise<{ booted: number[]; forked: number[] }> {
  const warm = new Set(await warmPids(gateway))
  const node = realpathSync(process.execPath)
  const tree = readTree(gateway.pid).slice(1)
  const parents = new Set(tree.map(({ ppid }) => ppid))
  const blanks = tree.filter(({ pid }) => !warm.has(pid) && !parents.has(pid) && exeOf(pid) === node)
  const pidsOf = (isBooted: boolean): number[] =>
    blanks.flatMap(({ pid, ppid }) => ((ppid === gateway.pid) === isBooted ? [pid] : []))
  const found = { booted: pidsOf(true), forked: pidsOf(false) }
  for (const pids of Object.values(found))
    if (pids.length !== count) throw new Error(`${pids.length} processes look like ${count} blanks`)
  return found
}

function holder(name: string, pids: readonly number[]): Holder {
  const all = pids.map(readMemory)
  return {
    name,
    privateMiB: median(all.map(({ privateBytes }) => privateBytes)) / MiB,
    pssMiB: median(all.map(({ pssBytes }) => pssBytes)) / MiB,
    rssMiB: median(all.map(({ rssBytes }) => rssBytes)) / MiB,
  }
}
