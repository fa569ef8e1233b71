/** A function whose loop does not turn any more: a call that never ends and never waits. */
import type { Disturbance } from '../disturbance.ts'

/** If nobody ended it, it would end by itself after so long. */
const LONGEST_MS = 15_000

const SOURCE = `export default (request) => {
  if (request.url.endsWith('?spin')) for (const until = performance.now() + ${LONGEST_MS}; performance.now() < until; );
  return new Response('turning ' + request.headers.get('x-call'))
}
`

export const spin: Disturbance = {
  name: 'spin',
  does: 'calls that never end and never wait, ended by their time-out of 1 s',
  functions: { 'spinner.js': SOURCE },
  settings: { spinner: { timeout: '1s' } },
  lanes: [{ function: 'spinner', everyMs: 100 }],
  mayAnswer: { spinner: ['504 timeout', '502 worker-died', '503 queue-timeout'] },
  async strike(scene, random) {
    const calls = Array.from({ length: random.between(1, 2) }, () => scene.ask('/spinner?spin'))
    const outcomes = (await Promise.all(calls)).map(({ outcome }) => outcome)
    if (outcomes.includes('200')) throw new Error('a loop without end was not ended')
    return `spun: ${outcomes.join(', ')}`
  },
}
