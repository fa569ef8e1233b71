/**
 * SIGKILL for workers in whatever state they are: of a function, of one whose calls may run again, and blanks; and for
 * what others are forked from.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { exeOf, type ProcessStat, readOrNull, readStat, readTree } from '../../bench/lib/processes.ts'
import type { Disturbance, Scene } from '../disturbance.ts'
import { times } from '../healthy.ts'

/** Some calls are quick, some are under way when the signal comes. */
const SOURCE = `let calls = 0
export default async (request) => {
  await new Promise((resolve) => setTimeout(resolve, 10 * (calls++ % 4)))
  return new Response('alive ' + request.headers.get('x-call'))
}
`

/** The gateway's other children are the reaper, a shell, and esbuild. */
const RUNTIME = /\/(node|python[\d.]*)$/

const VICTIMS = ['killed', 'repeated', 'blank', 'template'] as const

export const kill: Disturbance = {
  name: 'kill',
  does: 'SIGKILL for workers of two functions (one of them idempotent), for blanks, and for what workers are forked from',
  functions: { 'killed.js': SOURCE, 'repeated.js': SOURCE },
  settings: { killed: { minWorkers: 1 }, repeated: { minWorkers: 1, idempotent: true } },
  lanes: [...times(4, { function: 'killed', everyMs: 30 }), ...times(4, { function: 'repeated', everyMs: 30 })],
  mayAnswer: { killed: ['502 worker-died'] },
  async strike(scene, random) {
    const killed = { killed: 0, repeated: 0, blank: 0, template: 0 }
    for (let left = random.between(3, 8); left > 0; left--) {
      const victim = random.pick(VICTIMS)
      const pids = await victimsOf(scene, victim)
      if (pids.length > 0 && signal(random.pick(pids), 'SIGKILL')) killed[victim]++
      await pause(random.between(20, 150))
    }
    return `killed ${killed.killed} + ${killed.repeated} workers, ${killed.blank} blanks, ${killed.template} templates`
  },
}

async function victimsOf(scene: Scene, victim: (typeof VICTIMS)[number]): Promise<number[]> {
  if (victim === 'blank') return blanks(scene)
  if (victim !== 'template') return workersOf(scene, victim)
  const all = processes(scene)
  // One that has forked nothing yet still boots, and is left alone.
  return all.flatMap(({ pid }) => (isTemplate(pid) && all.some(({ ppid }) => ppid === pid) ? [pid] : []))
}

export async function workersOf(scene: Scene, name: string): Promise<number[]> {
  const { functions } = await scene.status()
  return functions.find((one) => one.name === name)!.workers.map(({ pid }) => pid)
}

/** Workers without a function: processes of a runtime that are nobody's. One that still boots is left alone. */
async function blanks(scene: Scene): Promise<number[]> {
  const { pool, functions } = await scene.status()
  if (pool.starting > 0) return []
  const owned = new Set(functions.flatMap(({ workers }) => workers.map(({ pid }) => pid)))
  return processes(scene).flatMap(({ pid }) => (owned.has(pid) || isTemplate(pid) ? [] : [pid]))
}

/** Those that the gateway has started, or that were forked for it. */
function processes(scene: Scene): ProcessStat[] {
  const tree = readTree(scene.pid)
  const templates = new Set(tree.flatMap(({ pid, ppid }) => (ppid === scene.pid && isTemplate(pid) ? [pid] : [])))
  return tree.filter(({ pid, ppid }) => (ppid === scene.pid || templates.has(ppid)) && RUNTIME.test(exeOf(pid) ?? ''))
}

/** What is forked shows the same arguments, and another parent. */
function isTemplate(pid: number): boolean {
  const isAlike = (of: number): boolean => readOrNull(`/proc/${of}/cmdline`)?.includes('--single-threaded') === true
  return isAlike(pid) && !isAlike(readStat(pid)?.ppid ?? 0)
}

/** False where the process has ended in the meantime. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}
