/**
 * Sockets that read into one buffer for all: a read of its own costs 64 KiB of memory that is given back at once, which
 * was a tenth of what the gateway spent on a warm call. node:net offers this (`onread`) for sockets that are made, not
 * for those that its server accepts; so this takes what the system accepted before a socket is made of it, which also
 * spares a connection the making and ending of one. Where a later Node has no such handles, the accepted socket is used
 * as it is.
 */
import { type Server, Socket } from 'node:net'

/** `bytes` are good until the callback returns: whoever keeps some copies them. */
export type OnBytes = (bytes: Buffer) => void

/** A connection as node:net holds it below its sockets. */
export interface Handle {
  setNoDelay(isOn: boolean): unknown
}

interface ListeningHandle {
  onconnection?: (this: ListeningHandle, error: number, handle?: Handle) => void
}

const READ_BYTES = 64 * 1024
const shared = Buffer.allocUnsafeSlow(READ_BYTES)

/** For a server that listens: from now on it makes no sockets. */
export function takeHandles(server: Server, onHandle: (handle: Handle) => void): void {
  const listening = (server as { _handle?: ListeningHandle | null })._handle
  const makesSocket = listening?.onconnection
  if (typeof makesSocket !== 'function') return
  listening!.onconnection = function (error, handle) {
    if (handle === undefined || typeof handle.setNoDelay !== 'function') return makesSocket.call(this, error, handle)
    handle.setNoDelay(true)
    onHandle(handle)
  }
}

/** A socket that was accepted comes paused; what is returned is to be resumed in any case. */
export function readIntoSharedBuffer(accepted: Handle | Socket, onBytes: OnBytes): Socket {
  if (accepted instanceof Socket) return accepted.on('data', onBytes)
  const callback = (length: number): boolean => {
    onBytes(shared.subarray(0, length))
    return true
  }
  return new Socket({
    handle: accepted,
    allowHalfOpen: true,
    onread: { buffer: shared, callback },
  } as unknown as ConstructorParameters<typeof Socket>[0])
}
