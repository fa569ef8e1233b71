/** Holds the socket that it inherits as descriptor 3, and nothing else: the least that a worker is. For Node and Bun. */
import { Socket } from 'node:net'

const socket = new Socket({ fd: 3, readable: true, writable: true })
socket.on('data', () => {})
socket.write('ready')
