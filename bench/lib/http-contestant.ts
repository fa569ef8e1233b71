/** A server under load as a contestant: speed and failures from the load generator, CPU of a process tree from /proc. */
import { setTimeout as pause } from 'node:timers/promises'
import { freePort, type Host } from '../peers/host.ts'
import { treeCpuMs } from './cpu.ts'
import type { Contestant, Standing } from './interleave.ts'
import { type LoadOptions, type LoadReport, load } from './load.ts'
import { oneCall } from './one-call.ts'
import { sum } from './stats.ts'

export type CpuSample = LoadReport & { readonly cpuMicros: number; readonly failed: number }

/** `pids`: whose trees are counted. */
export function httpContestant(
  name: string,
  url: string,
  pids: readonly number[],
  options: LoadOptions,
): Contestant<CpuSample> {
  const cpuMs = (): number => sum(pids.map(treeCpuMs))
  return {
    name,
    async measure() {
      const beforeMs = cpuMs()
      const report = await load(url, options)
      const usedMs = cpuMs() - beforeMs
      return { ...report, cpuMicros: (usedMs * 1000) / report.requests, failed: report.badStatuses + report.errors }
    },
  }
}

/** Starts a server that is told its port, and gives its address and process when it answers. */
export async function startServer(
  host: Host,
  commandOn: (port: number) => readonly string[],
): Promise<{ readonly url: string; readonly port: number; readonly pid: number }> {
  const port = await freePort()
  host.run(commandOn(port), { PORT: String(port) })
  const url = `http://127.0.0.1:${port}/`
  for (let tries = 0; !(await answers(url)); tries++) {
    if (tries > 200 || host.complaint !== null)
      throw new Error(host.complaint ?? `${commandOn(port)[0]} does not answer`)
    await pause(50)
  }
  return { url, port, pid: host.pids.at(-1)! }
}

function answers(url: string): Promise<boolean> {
  return oneCall(url).then(
    ({ status }) => status === 200,
    () => false,
  )
}

export async function proveHello(name: string, url: string): Promise<void> {
  const { status, body } = await oneCall(url)
  if (status !== 200 || !body.includes('Hello!')) throw new Error(`${name} answered ${status}: ${body}`)
}

export function failuresOf(standing: Standing<CpuSample>): number {
  return sum(standing.rounds.map(({ failed }) => failed))
}
