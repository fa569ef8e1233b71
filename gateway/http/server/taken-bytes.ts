/**
 * How much of what was written to a socket the system has taken from us. node:net tells it of whole writes only, and a
 * slow caller may take minutes over one; so this asks the socket's handle, as node:net's own time-out does. The system
 * takes more once the caller has taken a third of what it holds, which is at most some 1.5 MB.
 */
import type { Socket } from 'node:net'

interface WithHandle {
  _handle?: { readonly bytesWritten?: number; readonly writeQueueSize?: number } | null
}

/** Counts up. Where a later Node has no such handle, only whole writes count. */
export function takenBytes(socket: Socket): number {
  const handle = (socket as WithHandle)._handle
  if (handle?.bytesWritten === undefined || handle.writeQueueSize === undefined)
    return socket.bytesWritten - socket.writableLength
  return handle.bytesWritten - handle.writeQueueSize
}
