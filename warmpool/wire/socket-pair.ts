/**
 * Pairs of connected sockets whose one end is for another process, and the way to give it: what Node does by itself only
 * for a process that it starts. By node:ffi, so it is not to be had everywhere.
 */
import { Socket } from 'node:net'
import { cFunctions } from './c-library.ts'
import type { DescriptorMessage } from './descriptor-message.ts'

const CALLS = {
  socketpair: { arguments: ['int32', 'int32', 'int32', 'pointer'], return: 'int32' },
  sendmsg: { arguments: ['int32', 'pointer', 'int32'], return: 'int64' },
} as const
const AF_UNIX = 1
const SOCK_STREAM = 1
const SOCK_SEQPACKET = 5
const SOCK_CLOEXEC = 0o2000000
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000

let calls: ReturnType<typeof cFunctions<typeof CALLS>> | undefined

export type Pair = readonly [own: number, other: number]

/** False where node:ffi or the system lacks something. */
export function canPassDescriptors(): boolean {
  if (calls === undefined) calls = process.platform === 'linux' ? cFunctions(CALLS) : null
  return calls !== null
}

/** Of bytes, or of whole messages. Throws when the system refuses. */
export function socketPair(kind: 'bytes' | 'messages'): Pair {
  const type = kind === 'bytes' ? SOCK_STREAM : SOCK_SEQPACKET
  const ends = Buffer.alloc(8)
  if (!canPassDescriptors() || calls!.socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) !== 0)
    throw new Error('The system gives no pair of sockets: see `ulimit -n`')
  return [ends.readInt32LE(0), ends.readInt32LE(4)]
}

export function socketOf(fd: number): Socket {
  return new Socket({ fd, readable: true, writable: true })
}

/** False: the other side takes no more just now, or is gone. */
export function pass(message: DescriptorMessage, fd: number, text: string, descriptors: readonly number[]): boolean {
  if (!message.write(text, descriptors)) return false
  return Number(calls!.sendmsg(fd, message.header, MSG_DONTWAIT | MSG_NOSIGNAL)) >= 0
}
