/** A function that writes into the socket on which its worker speaks with the gateway, or closes it. */
import type { Disturbance } from '../disturbance.ts'

const SOURCE = `import { closeSync, writeSync } from 'node:fs'
export default (request) => {
  const { searchParams } = new URL(request.url)
  if (searchParams.has('close')) closeSync(3)
  if (searchParams.has('bytes')) writeSync(3, Buffer.from(searchParams.get('bytes'), 'hex'))
  return new Response('wired ' + request.headers.get('x-call'))
}
`

export const wireGarbage: Disturbance = {
  name: 'wire-garbage',
  does: 'a function writes garbage and half frames into fd 3, or closes it',
  functions: { 'garbler.js': SOURCE },
  lanes: [
    { function: 'garbler', everyMs: 60 },
    { function: 'garbler', everyMs: 60 },
  ],
  mayAnswer: {
    garbler: ['502 worker-broke-protocol', '502 worker-died', '504 timeout', '503 crash-loop', '503 queue-timeout'],
  },
  settings: { garbler: { timeout: '2s' } },
  async strike(scene, random) {
    const outcomes: string[] = []
    for (let left = random.between(2, 5); left > 0; left--) {
      const bytes = random.bytes(random.pick([1, 3, 8, 64, 1_000])).toString('hex')
      // The header of the longest frame that may be, and nothing behind it: all that follows is taken for its payload.
      const query = random.pick([`bytes=${bytes}`, 'bytes=0000401301000000', 'bytes=ffffff1301000000', 'close'])
      outcomes.push(`${query.slice(0, 22)}: ${(await scene.ask(`/garbler?${query}`)).outcome}`)
    }
    return outcomes.join(', ')
  },
}
