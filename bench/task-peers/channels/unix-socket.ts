import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import type { OpenPeer } from '../peer.ts'
import { spawnWorker, streamPeer } from './stream-channel.ts'

export const open: OpenPeer = async ({ task }) => {
  // An abstract name: no file is left behind.
  const name = `wrangler-free-bench-${process.pid}-${task}`
  const server = createServer().listen(`\0${name}`)
  await once(server, 'listening')
  const child = spawnWorker(task, 'frames', `@${name}`)
  const [socket] = (await once(server, 'connection')) as [Socket]
  server.close()
  return streamPeer(child, 'frames', socket, socket)
}
