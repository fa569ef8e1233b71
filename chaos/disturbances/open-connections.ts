/** Callers that connect and say nothing, or half of something, more than the gateway has descriptors for. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Disturbance } from '../disturbance.ts'
import { DESCRIPTORS } from '../lib/gateway.ts'

const source = (edition: number): string =>
  `export default (request) => new Response('${edition} ' + request.headers.get('x-call'))\n`

export const openConnections: Disturbance = {
  name: 'open-connections',
  does: `more open connections than the gateway has descriptors (${DESCRIPTORS})`,
  functions: { 'changed.js': source(0) },
  lanes: [{ function: 'changed', everyMs: 60 }],
  isAlone: true,
  async strike(scene, random) {
    const { hostname, port } = new URL(scene.url)
    const sockets = Array.from({ length: DESCRIPTORS }, () => {
      const socket = connect({ host: hostname, port: Number(port) })
      if (random.chance(0.5)) socket.write('GET /hello HTTP/1.1\r\nhost: chaos\r\n')
      return socket.on('error', () => {})
    })
    // What changes meanwhile is not forgotten.
    const edition = random.seed()
    scene.project.write('functions/changed.js', source(edition))
    await pause(random.between(500, 3_000))
    const held = sockets.filter((socket) => !socket.destroyed && !socket.readableEnded).length
    await Promise.all(sockets.map(close))
    const isServed = async (): Promise<boolean> => (await scene.ask('/hello')).outcome === '200'
    await scene.until('a new connection is served again', isServed)
    const isNew = async (): Promise<boolean> => (await scene.ask('/changed')).body.startsWith(`${edition} `)
    await scene.until('a change that came meanwhile is served', isNew)
    return `opened ${sockets.length} connections, ${held} of them were held`
  },
}

async function close(socket: Socket): Promise<void> {
  if (socket.closed) return
  const closed = once(socket, 'close')
  socket.destroy()
  await closed
}
