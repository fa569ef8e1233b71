/** SIGKILL for workers in whatever state they are: of a function, of one whose calls may run again, and blanks. */
import { setTimeout as pause } from 'node:timers/promises'
import { exeOf, readTree } from '../../bench/lib/processes.ts'
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

const VICTIMS = ['killed', 'repeated', 'blank'] as const

export const kill: Disturbance = {
  name: 'kill',
  does: 'SIGKILL for workers of two functions (one of them idempotent) and for blanks',
  functions: { 'killed.js': SOURCE, 'repeated.js': SOURCE },
  settings: { killed: { minWorkers: 1 }, repeated: { minWorkers: 1, idempotent: true } },
  lanes: [...times(4, { function: 'killed', everyMs: 30 }), ...times(4, { function: 'repeated', everyMs: 30 })],
  mayAnswer: { killed: ['502 worker-died'] },
  async strike(scene, random) {
    const killed = { killed: 0, repeated: 0, blank: 0 }
    for (let left = random.between(3, 8); left > 0; left--) {
      const victim = random.pick(VICTIMS)
      const pids = await (victim === 'blank' ? blanks(scene) : workersOf(scene, victim))
      if (pids.length > 0 && signal(random.pick(pids), 'SIGKILL')) killed[victim]++
      await pause(random.between(20, 150))
    }
    return `killed ${killed.killed} + ${killed.repeated} workers, ${killed.blank} blanks`
  },
}

export async function workersOf(scene: Scene, name: string): Promise<number[]> {
  const { functions } = await scene.status()
  return functions.find((one) => one.name === name)!.workers.map(({ pid }) => pid)
}

/** Workers without a function: children of the gateway that are nobody's. One that still boots is left alone. */
async function blanks(scene: Scene): Promise<number[]> {
  const { pool, functions } = await scene.status()
  if (pool.starting > 0) return []
  const owned = new Set(functions.flatMap(({ workers }) => workers.map(({ pid }) => pid)))
  const children = readTree(scene.pid).filter(({ ppid }) => ppid === scene.pid)
  return children.map(({ pid }) => pid).filter((pid) => !owned.has(pid) && RUNTIME.test(exeOf(pid) ?? ''))
}

/** False where the process has ended in the meantime. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}
