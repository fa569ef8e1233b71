/** A thread that opens connections, sends the same bytes on each as fast as they are taken, and throws away what comes. */
import { connect, type Socket } from 'node:net'
import { workerData } from 'node:worker_threads'

export interface HostileCaller {
  readonly port: number
  readonly connections: number
  /** Sent again and again; a connection that is closed is opened anew. */
  readonly bytes: Uint8Array
}

const { port, connections, bytes } = workerData as HostileCaller

function open(): void {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  socket.on('connect', () => send(socket))
  socket.on('drain', () => send(socket))
  socket.on('close', () => setImmediate(open))
  socket.resume()
}

function send(socket: Socket): void {
  while (socket.writable && socket.write(bytes)) {}
}

for (let at = 0; at < connections; at++) open()
