/** Callers that are gone before their answer: after half a head, half a body, or while the function thinks or sends. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Disturbance } from '../disturbance.ts'

const SOURCE = `export default async (request) => {
  if (!request.url.endsWith('?slow')) return new Response('there ' + request.headers.get('x-call'))
  if (request.method === 'POST') return new Response(request.body)
  const chunk = new Uint8Array(20_000)
  let left = 50
  return new Response(new ReadableStream({
    async pull(c) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      left-- > 0 ? c.enqueue(chunk) : c.close()
    },
  }))
}
`
const HEAD = 'HTTP/1.1\r\nhost: chaos\r\n'
const REQUESTS = [
  `GET /left ${HEAD}`,
  `GET /left?slow ${HEAD}\r\n`,
  `POST /left?slow ${HEAD}content-length: 1000000\r\n\r\n${'x'.repeat(70_000)}`,
  `POST /left?slow ${HEAD}transfer-encoding: chunked\r\n\r\n10000\r\n${'x'.repeat(30_000)}`,
]

export const vanishingCallers: Disturbance = {
  name: 'vanishing-callers',
  does: 'callers that are gone before their answer, with and without a reset',
  functions: { 'left.js': SOURCE },
  lanes: [{ function: 'left', everyMs: 60 }],
  async strike(scene, random) {
    const { hostname, port } = new URL(scene.url)
    const count = random.between(10, 30)
    for (let left = count; left > 0; left--) {
      const socket = connect({ host: hostname, port: Number(port) })
      socket.on('error', () => {})
      socket.write(random.pick(REQUESTS))
      await pause(random.between(0, 60))
      if (random.chance(0.5)) socket.resetAndDestroy()
      else socket.destroy()
      if (!socket.closed) await once(socket, 'close')
    }
    await scene.until('no request of a caller that left is under way', async () => {
      const { functions } = await scene.status()
      const { workers } = functions.find(({ name }) => name === 'left')!
      return workers.every(({ inFlight }) => inFlight <= 1)
    })
    return `${count} callers left`
  },
}
