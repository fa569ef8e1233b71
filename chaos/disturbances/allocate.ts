/** A function that takes far more memory than it may: in Buffers, in objects, or a little more with every call. */
import type { Disturbance } from '../disturbance.ts'

/** What it takes at most, so that nothing else on the machine suffers. */
const MOST_MIB = 256

const SOURCE = `const kept = []
export default async (request) => {
  const { searchParams } = new URL(request.url)
  const mib = Math.min(${MOST_MIB}, Number(searchParams.get('mib') ?? 0))
  const taken = searchParams.get('as') === 'objects'
    ? Array.from({ length: mib * 1024 }, (_, at) => Array.from({ length: 128 }, () => at))
    : Array.from({ length: mib }, () => Buffer.alloc(1024 * 1024, 1))
  if (searchParams.has('keep')) kept.push(taken)
  return new Response('took ' + mib + ' ' + request.headers.get('x-call'))
}
`

export const allocate: Disturbance = {
  name: 'allocate',
  does: `calls that take up to ${MOST_MIB} MiB of Buffers or objects where 96 MiB are, and 192 at most`,
  functions: { 'hoarder.js': SOURCE },
  settings: { hoarder: { memory: '96MiB', limits: { memory: '192MiB' } } },
  lanes: [{ function: 'hoarder', everyMs: 100, query: '?mib=1' }],
  // Filling a heap takes processor time, of which a busy machine has less than fits into the time-out.
  mayAnswer: { hoarder: ['502 worker-died', '502 out-of-memory', '503 queue-timeout', '504 timeout'] },
  async strike(scene, random) {
    const calls = Array.from({ length: random.between(1, 3) }, () => {
      const as = random.pick(['buffers', 'objects'])
      const keep = random.chance(0.5) ? '&keep=1' : ''
      return scene.ask(`/hoarder?mib=${random.between(64, MOST_MIB)}&as=${as}${keep}`)
    })
    const outcomes = (await Promise.all(calls)).map(({ outcome }) => outcome)
    return `asked for much memory: ${outcomes.join(', ')}`
  },
}
