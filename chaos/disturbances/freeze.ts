/** SIGSTOP for a worker under load: continued in time, after its calls' time is up, or never. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Disturbance } from '../disturbance.ts'
import { times } from '../healthy.ts'
import { signal, workersOf } from './kill.ts'

const SOURCE = `export default (request) => new Response('warm ' + request.headers.get('x-call'))
`
const TIMEOUT_MS = 1_000

export const freeze: Disturbance = {
  name: 'freeze',
  does: 'SIGSTOP for a worker, and SIGCONT after a while, after too long, or never',
  functions: { 'frozen.js': SOURCE },
  settings: { frozen: { minWorkers: 1, timeout: `${TIMEOUT_MS}ms` } },
  lanes: times(4, { function: 'frozen', everyMs: 40 }),
  mayAnswer: { frozen: ['504 timeout', '502 worker-died', '503 queue-timeout'] },
  async strike(scene, random) {
    const [pid] = await workersOf(scene, 'frozen')
    if (pid === undefined || !signal(pid, 'SIGSTOP')) return 'found nobody'
    const frozenMs = random.pick([100, TIMEOUT_MS / 2, TIMEOUT_MS * 2, Number.POSITIVE_INFINITY])
    if (Number.isFinite(frozenMs)) {
      await pause(frozenMs)
      signal(pid, 'SIGCONT')
    }
    await scene.until('a frozen function answers again', async () => (await scene.ask('/frozen')).outcome === '200')
    if (frozenMs < TIMEOUT_MS) return `stopped one for ${frozenMs} ms`
    await scene.until('the gateway ends a worker that does not move', async () => {
      return !(await workersOf(scene, 'frozen')).includes(pid)
    })
    return Number.isFinite(frozenMs) ? `stopped one for ${frozenMs} ms: ended` : 'stopped one for good: ended'
  },
}
