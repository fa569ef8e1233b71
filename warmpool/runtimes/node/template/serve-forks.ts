/**
 * A template: a process of this runtime that has booted and becomes no function itself. It forks, and each fork goes on
 * from here as a worker, in a millisecond and with what has been loaded and compiled shared as long as neither changes
 * it. Between forks it stands in one system call: no event loop turns and no thread of it has anything to do, so that
 * what a fork finds is whole. It says which process has ended and how, for they are its children.
 */
import { readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs'
import { programFunctions } from '../../../wire/c-library.ts'
import { DescriptorMessage } from '../../../wire/descriptor-message.ts'
import { FRAME, type FrameType, HEADER_BYTES } from '../../../wire/frames.ts'
import type { Exited, Fork, Forked } from '../../../wire/messages.ts'
import { PIDFD_OPEN } from '../../../wire/system-calls.ts'
import { type TemplateMemory, templateMemory } from './own-memory.ts'

/** What a template calls of the system. They are in every process: the C library's and libuv's. */
const CALLS = {
  fork: { arguments: [], return: 'int32' },
  poll: { arguments: ['pointer', 'uint64', 'int32'], return: 'int32' },
  recvmsg: { arguments: ['int32', 'pointer', 'int32'], return: 'int64' },
  syscall: { arguments: ['int64', 'int64', 'int64'], return: 'int64' },
  waitpid: { arguments: ['int32', 'pointer', 'int32'], return: 'int32' },
  madvise: { arguments: ['pointer', 'uint64', 'int32'], return: 'int32' },
  dup3: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
  dup2: { arguments: ['int32', 'int32'], return: 'int32' },
  close: { arguments: ['int32'], return: 'int32' },
  getpid: { arguments: [], return: 'int32' },
  mmap: { arguments: ['pointer', 'uint64', 'int32', 'int32', 'int32', 'int64'], return: 'pointer' },
  memcpy: { arguments: ['pointer', 'pointer', 'uint64'], return: 'pointer' },
  setsid: { arguments: [], return: 'int32' },
  _exit: { arguments: ['int32'], return: 'void' },
  uv_default_loop: { arguments: [], return: 'pointer' },
  uv_loop_fork: { arguments: ['pointer'], return: 'int32' },
  uv_update_time: { arguments: ['pointer'], return: 'void' },
} as const

export type TemplateCalls = NonNullable<ReturnType<typeof programFunctions<typeof CALLS>>>

const WIRE_FD = 3
const JOURNAL_FD = 4
const MESSAGE_BYTES = 1024
const DESCRIPTORS = 4
const MSG_CMSG_CLOEXEC = 0x4000_0000
const MADV_DOFORK = 11
const POLLIN = 1
const POLLOUT = 4
const POLLFD_BYTES = 8
const LOWEST_ADDRESS = 0x1_0000n

/** What a new process knows of where it comes from. */
export interface Birth {
  readonly calls: TemplateCalls
  readonly name: string
  /** For `Math.random`. */
  readonly seed: number
  /** In the order of the descriptors that they become, from 1 on. */
  readonly descriptors: readonly number[]
  /** Those of the template that are to be closed. */
  readonly closing: readonly number[]
  /** What else the template has open: descriptors, and what each is. */
  readonly inherited: ReadonlyMap<number, string>
  /** Where the template's memory is not this process's own. */
  readonly memory: TemplateMemory
}

export function templateCalls(): TemplateCalls | null {
  return programFunctions(CALLS)
}

/** Returns in every process that is forked, and never in the template: that ends with its parent. */
export function serveForks(calls: TemplateCalls, controlFd: number): Birth {
  const message = new DescriptorMessage(MESSAGE_BYTES, DESCRIPTORS)
  /** By the descriptor that tells of its end. */
  const children = new Map<number, number>()
  const inherited = openDescriptors(controlFd)
  const forkable = everythingBelow(endOfForkable())
  const memory = templateMemory()
  for (;;) {
    const ended = waitFor(calls, controlFd, [...children.keys()])
    for (const descriptor of ended.children) {
      tellEnd(calls, children.get(descriptor)!)
      calls.close(descriptor)
      children.delete(descriptor)
    }
    if (!ended.isAsked) continue
    message.clear()
    const bytes = Number(calls.recvmsg(controlFd, message.header, MSG_CMSG_CLOEXEC))
    if (bytes === 0) calls._exit(0)
    if (bytes < 0) continue
    const { text, descriptors } = message.read(bytes)
    const { fork, name, seed } = JSON.parse(text) as Fork
    // Without room for its descriptors it would speak on this process's own.
    if (descriptors.length < DESCRIPTORS) {
      for (const descriptor of descriptors) calls.close(descriptor)
      tell(calls, FRAME.forked, { fork, pid: -1 } satisfies Forked)
      continue
    }
    // V8 keeps its memory from being forked, which a process has no use for that starts another program.
    calls.madvise(LOWEST_ADDRESS, forkable, MADV_DOFORK)
    const pid = Number(calls.fork())
    if (pid === 0)
      return { calls, name, seed, descriptors, closing: [controlFd, ...children.keys()], inherited, memory }
    for (const descriptor of descriptors) calls.close(descriptor)
    tell(calls, FRAME.forked, { fork, pid } satisfies Forked)
    if (pid > 0) children.set(Number(calls.syscall(BigInt(PIDFD_OPEN), BigInt(pid), 0n)), pid)
  }
}

/** Those that are not a worker's own: of the event loops and threads of Node. */
function openDescriptors(controlFd: number): ReadonlyMap<number, string> {
  const found = new Map<number, string>()
  for (const name of readdirSync('/proc/self/fd')) {
    const descriptor = Number(name)
    if (descriptor > JOURNAL_FD && descriptor !== controlFd) found.set(descriptor, targetOf(descriptor))
  }
  return found
}

/** `pipe:[1234]`, `anon_inode:[eventfd]`; empty: there is none. */
export function targetOf(descriptor: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    return ''
  }
}

/** Until somebody asks for a fork, or a child has ended. */
function waitFor(calls: TemplateCalls, controlFd: number, children: readonly number[]) {
  const watched = [controlFd, ...children]
  const table = pollTable(watched, POLLIN)
  calls.poll(table, BigInt(watched.length), -1)
  const isReady = (at: number): boolean => table.readInt16LE(at * POLLFD_BYTES + 6) !== 0
  return { isAsked: isReady(0), children: children.filter((_, at) => isReady(at + 1)) }
}

function pollTable(descriptors: readonly number[], events: number): Buffer {
  const table = Buffer.alloc(descriptors.length * POLLFD_BYTES)
  for (const [at, descriptor] of descriptors.entries()) {
    table.writeInt32LE(descriptor, at * POLLFD_BYTES)
    table.writeInt16LE(events, at * POLLFD_BYTES + 4)
  }
  return table
}

function tellEnd(calls: TemplateCalls, pid: number): void {
  const status = Buffer.alloc(4)
  calls.waitpid(pid, status, 0)
  const word = status.readUInt32LE()
  const signal = word & 0x7f
  tell(calls, FRAME.exited, {
    pid,
    code: signal === 0 ? (word >> 8) & 0xff : null,
    signal: signal === 0 ? null : signal,
  } satisfies Exited)
}

/** Past the event loop, which does not turn here. */
function tell(calls: TemplateCalls, type: FrameType, value: unknown): void {
  const payload = Buffer.from(JSON.stringify(value))
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUIntLE(payload.length, 0, 3)
  header[3] = type
  writeAll(calls, Buffer.concat([header, payload]))
}

function writeAll(calls: TemplateCalls, bytes: Buffer): void {
  let at = 0
  while (at < bytes.length) {
    try {
      at += writeSync(WIRE_FD, bytes, at)
    } catch (error) {
      // Where the parent is gone, the end of its messages says so.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
      calls.poll(pollTable([WIRE_FD], POLLOUT), 1n, -1)
    }
  }
}

/** The kernel's own pages lie highest, but for the stack, and stay out: with them the whole would be refused. */
function endOfForkable(): bigint {
  const line = /^([0-9a-f]+)-.* \[(?:vvar|vdso|stack)\S*\]$/m.exec(readFileSync('/proc/self/maps', 'latin1'))
  return line === null ? LOWEST_ADDRESS : BigInt(`0x${line[1]}`)
}

function everythingBelow(end: bigint): bigint {
  return end - LOWEST_ADDRESS
}
