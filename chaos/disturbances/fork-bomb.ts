/** A function that starts processes, which start processes: all of them are gone when its worker is. */
import { readdirSync, readFileSync } from 'node:fs'
import type { Disturbance } from '../disturbance.ts'
import { signal, workersOf } from './kill.ts'

/** A bound of ours, besides the system's and the gateway's; each of them ends by itself after a while. */
const MOST = 50
const LIVE_SECONDS = 30

const SOURCE = `import { spawn } from 'node:child_process'
export default async (request) => {
  const { searchParams } = new URL(request.url)
  const mark = searchParams.get('mark')
  let started = 0
  if (mark !== null)
    for (let left = Math.min(${MOST}, Number(searchParams.get('forks'))) / 2; left > 0; left--)
      try {
        // Two processes: a shell, and what it waits for. Every other one leaves its worker's session and group.
        const isDetached = started % 4 === 0
        const child = spawn('/bin/sh', ['-c', 'sleep ${LIVE_SECONDS}; :', mark], { stdio: 'ignore', detached: isDetached })
        child.on('error', () => {})
        if (child.pid !== undefined) started += 2
      } catch {}
  return new Response('started ' + started + ' ' + request.headers.get('x-call'))
}
`

export const forkBomb: Disturbance = {
  name: 'fork-bomb',
  does: `a call that starts up to ${MOST} processes, half of them in sessions of their own, and the end of its worker`,
  functions: { 'forker.js': SOURCE },
  settings: { forker: { maxWorkers: 1 } },
  lanes: [{ function: 'forker', everyMs: 100 }],
  mayAnswer: { forker: ['502 worker-died', '500 handler-threw', '502 too-many-processes'] },
  async strike(scene, random) {
    const mark = `chaos-${random.seed()}`
    const { body, outcome } = await scene.ask(`/forker?mark=${mark}&forks=${random.between(10, MOST)}`)
    for (const pid of await workersOf(scene, 'forker')) signal(pid, 'SIGKILL')
    await scene.until('what a function started is gone with its worker', () => marked(mark) === 0)
    return outcome === '200' ? body.replace(/ undefined| null/, ' processes, none is left') : outcome
  },
}

function marked(mark: string): number {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(mark)).length
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
