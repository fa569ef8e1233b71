/**
 * How much of what was written to a socket the other side has taken. node:net tells of whole writes only, and a slow
 * caller may take minutes over one. Its handle tells what the system has taken from us, and the system what it still holds
 * of that: some megabytes for a slow caller. Where it cannot be asked, what it took counts as taken: it takes more once a
 * third of what it holds has gone.
 */
import type { Socket } from 'node:net'
import { unacknowledgedBytes } from '../../../warmpool/index.ts'

interface WithHandle {
  _handle?: { readonly fd?: number; readonly bytesWritten?: number; readonly writeQueueSize?: number } | null
}

/** Counts up. Where a later Node has no such handle, only whole writes count. */
export function takenBytes(socket: Socket): number {
  const handle = (socket as WithHandle)._handle
  if (handle?.bytesWritten === undefined || handle.writeQueueSize === undefined)
    return socket.bytesWritten - socket.writableLength
  return handle.bytesWritten - handle.writeQueueSize - (unacknowledgedBytes(handle.fd ?? -1) ?? 0)
}
