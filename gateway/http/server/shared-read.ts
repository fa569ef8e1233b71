/**
 * Sockets that read into one buffer for all: a read of its own costs 64 KiB of memory that is given back at once, which
 * was a tenth of what the gateway spent on a warm call. node:net offers this (`onread`) for sockets that are made, not
 * for those that are accepted; so an accepted one hands its handle to one that is made, as node:cluster does it. Where a
 * later Node has no such handle, the accepted socket is used as it is.
 */
import { Socket } from 'node:net'

/** `bytes` are good until the callback returns: whoever keeps some copies them. */
export type OnBytes = (bytes: Buffer) => void

const READ_BYTES = 64 * 1024
const shared = Buffer.allocUnsafeSlow(READ_BYTES)

interface WithHandle {
  _handle?: object | null
}

/** `accepted` comes paused; what is returned is paused too until {@link Socket.resume}. */
export function readIntoSharedBuffer(accepted: Socket, onBytes: OnBytes): Socket {
  const handle = (accepted as WithHandle)._handle
  if (handle === undefined || handle === null) {
    accepted.on('data', onBytes)
    return accepted
  }
  ;(accepted as WithHandle)._handle = null
  // Its server does not wait for it any longer: whoever owns the other does.
  accepted.destroy()
  const callback = (length: number): boolean => {
    onBytes(shared.subarray(0, length))
    return true
  }
  return new Socket({
    handle,
    allowHalfOpen: true,
    onread: { buffer: shared, callback },
  } as ConstructorParameters<typeof Socket>[0])
}
