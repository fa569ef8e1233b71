/**
 * Two pipes. What Node calls a pipe between it and its child is a pair of sockets; so these are made as named ones,
 * and lose their names as soon as both ends are open: from there on they are anonymous pipes.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OpenPeer } from '../peer.ts'
import { spawnWorker, streamPeer } from './stream-channel.ts'

export const open: OpenPeer = ({ task }) => {
  const folder = mkdtempSync(join(tmpdir(), 'wrangler-free-bench-'))
  try {
    const there = makePipe(join(folder, 'there'))
    const back = makePipe(join(folder, 'back'))
    const child = spawnWorker(task, 'frames', 'pipes', [there.readFd, back.writeFd])
    // The child has its own copies: it sees the end only when no other writer is left.
    closeSync(there.readFd)
    closeSync(back.writeFd)
    const input = new Socket({ fd: there.writeFd, readable: false })
    const output = new Socket({ fd: back.readFd, readable: true, writable: false })
    return streamPeer(child, 'frames', input, output)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function makePipe(path: string): { readonly readFd: number; readonly writeFd: number } {
  execFileSync('mkfifo', [path])
  // In this order, and without blocking: a writer may come only where a reader is.
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return { readFd, writeFd: openSync(path, constants.O_WRONLY | constants.O_NONBLOCK) }
}
