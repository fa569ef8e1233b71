/**
 * What the system still holds of what was written to a socket: SIOCOUTQ, see tcp(7). By node:ffi, so it is not to be had
 * everywhere.
 */
import { cFunctions } from './wire/c-library.ts'

const CALLS = { ioctl: { arguments: ['int32', 'uint64', 'pointer'], return: 'int32' } } as const
const SIOCOUTQ = 0x5411n

let calls: ReturnType<typeof cFunctions<typeof CALLS>> | undefined
const answer = Buffer.alloc(4)

/** Bytes that the other side has not acknowledged; null where the system cannot be asked. */
export function unacknowledgedBytes(fd: number): number | null {
  if (calls === undefined) calls = process.platform === 'linux' ? cFunctions(CALLS) : null
  if (calls === null || fd < 0) return null
  return calls.ioctl(fd, SIOCOUTQ, answer) === 0 ? answer.readInt32LE(0) : null
}
