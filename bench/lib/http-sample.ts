/** One contestant's turn under load, and its quiet: speed from the load generator, CPU and memory from /proc. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { CONNECTIONS, type HttpCase } from '../peers/http-case.ts'
import type { RunningPeer } from '../peers/peer.ts'
import { treeCpuMs } from './cpu.ts'
import { type LoadOptions, type LoadReport, load, type Post } from './load.ts'
import { MiB, readMemory } from './memory.ts'
import { readTree } from './processes.ts'
import { sum } from './stats.ts'

export type HttpSample = LoadReport & {
  /** Of all the contestant's processes. */
  readonly cpuMicros: number
  /** Each page that several processes share divided among them. */
  readonly memoryMiB: number
  /** One call at a time; NaN where that is not asked for. */
  readonly aloneP50Ms: number
  readonly failed: number
}

export interface Turn {
  readonly seconds: number
  /** 0: calls one at a time are not measured. */
  readonly aloneSeconds: number
  readonly post: Post | undefined
}

export async function sampleUnderLoad({ url, host }: RunningPeer, turn: Turn): Promise<HttpSample> {
  const { seconds, aloneSeconds, post } = turn
  const before = cpuMs(host.pids)
  const report = await loadOrNothing(url, { connections: CONNECTIONS, seconds, post })
  const usedMs = cpuMs(host.pids) - before
  const alone = aloneSeconds === 0 ? null : await loadOrNothing(url, { connections: 1, seconds: aloneSeconds, post })
  return {
    ...report,
    cpuMicros: (usedMs * 1000) / report.requests,
    memoryMiB: memoryMiB(host.pids),
    aloneP50Ms: alone?.p50Ms ?? Number.NaN,
    failed: failures(report) + (alone === null ? 0 : failures(alone)),
  }
}

/** CPU milliseconds a second of each while nobody is called: what the idle ones cost the one under load. */
export async function idleCpu(peers: readonly RunningPeer[], seconds: number): Promise<number[]> {
  const before = peers.map(({ host }) => cpuMs(host.pids))
  await pause(seconds * 1000)
  return peers.map(({ host }, at) => (cpuMs(host.pids) - before[at]!) / seconds)
}

/** Hands over what a load generator needs to send the case's body: a file, gone afterwards. */
export async function withPost<T>(
  { body, contentType }: HttpCase,
  use: (post: Post | undefined) => Promise<T>,
): Promise<T> {
  if (body === null) return use(undefined)
  const folder = mkdtempSync(join(tmpdir(), 'wrangler-free-bench-'))
  try {
    const bodyFile = join(folder, 'body')
    writeFileSync(bodyFile, body)
    return await use({ bodyFile, contentType })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Who answers nothing at all any more has failed, and does not end the run of the others. */
async function loadOrNothing(url: string, options: LoadOptions): Promise<LoadReport> {
  const nothing = { requestsPerSecond: 0, requests: 0, p50Ms: Number.NaN, p99Ms: Number.NaN, badStatuses: 0, errors: 1 }
  return load(url, options).catch(() => nothing)
}

function cpuMs(pids: readonly number[]): number {
  return sum(pids.map(treeCpuMs))
}

function memoryMiB(pids: readonly number[]): number {
  return sum(pids.flatMap(readTree).map(({ pid }) => readMemory(pid).pssBytes)) / MiB
}

function failures({ badStatuses, errors }: LoadReport): number {
  return badStatuses + errors
}
