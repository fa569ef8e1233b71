/** Callers that send byte by byte, that stop in the middle, and that do not read what they asked for. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Disturbance } from '../disturbance.ts'
import { ask } from '../lib/ask.ts'
import type { Random } from '../lib/random.ts'

const BIG = `const mebibyte = new Uint8Array(1024 * 1024)
export default (request) => {
  if (!request.url.endsWith('?big')) return new Response('small ' + request.headers.get('x-call'))
  let left = 16
  return new Response(new ReadableStream({ pull: (c) => (left-- > 0 ? c.enqueue(mebibyte) : c.close()) }))
}
`
const AT_ONCE = 8

type Kind = 'byte by byte' | 'half a head' | 'half a body' | 'not reading'

export const slowCallers: Disturbance = {
  name: 'slow-callers',
  does: 'callers that send byte by byte, stop half way, or do not read',
  functions: { 'big.js': BIG },
  lanes: [{ function: 'big', everyMs: 60 }],
  async strike(scene, random) {
    const kinds = Array.from({ length: AT_ONCE }, () =>
      random.pick<Kind>(['byte by byte', 'half a head', 'half a body', 'not reading']),
    )
    await Promise.all(kinds.map((kind) => beSlow(kind, scene.url, random)))
    const after = await ask(`${scene.url}/big`)
    if (after.outcome !== '200') throw new Error(`after slow callers came ${after.outcome}`)
    const counts = Map.groupBy(kinds, (kind) => kind)
    return [...counts].map(([kind, all]) => `${all.length} ${kind}`).join(', ')
  },
}

async function beSlow(kind: Kind, url: string, random: Random): Promise<void> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  let received = ''
  socket.on('error', () => {})
  if (kind !== 'not reading') socket.on('data', (bytes) => (received += bytes.toString('latin1')))
  const head = (line: string, more = ''): string => `${line} HTTP/1.1\r\nhost: chaos\r\n${more}`
  if (kind === 'byte by byte') {
    for (const byte of head('GET /big', 'connection: close\r\n\r\n')) {
      socket.write(byte)
      await pause(random.between(1, 10))
    }
    await ended(socket)
    if (received !== '' && !received.startsWith('HTTP/1.1 200 '))
      throw new Error(`byte by byte: ${received.slice(0, 80)}`)
  } else if (kind === 'half a head') {
    socket.write(head('GET /big'))
    await ended(socket)
  } else if (kind === 'half a body') {
    socket.write(head('POST /big', 'content-length: 100000\r\n\r\nonly the beginning'))
    await ended(socket)
  } else {
    socket.write(head('GET /big?big', '\r\n'))
    // What is paused does not hear of the end either; the gateway cuts it after its writeTimeout.
    await pause(random.between(500, 2_000))
    socket.destroy()
  }
}

/** Its own end, or the gateway's deadline. */
async function ended(socket: Socket): Promise<void> {
  if (!socket.closed) await once(socket, 'close')
}
