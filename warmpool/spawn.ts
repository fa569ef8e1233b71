/**
 * The one place that starts processes. A worker leads a session and a process group of its own, so that a terminal's
 * Ctrl-C does not reach it before the gateway has drained it, and so that what it started can be killed with it.
 * It inherits stdout and stderr pipes (the function's logs), the frame socket as fd 3, the journal as fd 4, and a
 * scrubbed environment: nothing of the parent's that it is not given.
 */
import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { execa } from 'execa'

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export interface WorkerProcess {
  readonly child: ChildProcess
  readonly pid: number
  readonly wire: Socket
  readonly stdout: Readable
  readonly stderr: Readable
}

const QUIET = { buffer: false, reject: false, cleanup: false, detached: true, extendEnv: false } as const

/** Starts a worker process. Throws when the system refuses (no such program, no processes or descriptors left). */
export function spawnWorker(command: Command, journalFd: number): WorkerProcess {
  const subprocess = execa(command.file, [...command.args], {
    ...QUIET,
    env: { ...command.env },
    // Its types know no descriptor behind the standard three.
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', journalFd as unknown as 'ignore'],
  })
  const child = subprocess.nodeChildProcess
  if (child.pid === undefined) {
    // Why it could not be started is in the (never rejecting) result; the caller only needs to know that it was not.
    throw new Error(`Cannot start ${command.file}: see \`ulimit -u\` and \`ulimit -n\`, and whether the file exists`)
  }
  return {
    child,
    pid: child.pid,
    wire: child.stdio[3] as Socket,
    stdout: child.stdout!,
    stderr: child.stderr!,
  }
}

/** Starts the reaper's shell; see reaper.ts. */
export function spawnShell(script: string, env: Readonly<Record<string, string>> = {}): ChildProcess {
  return execa('/bin/sh', ['-c', script], { ...QUIET, env: { ...env }, stdio: ['pipe', 'ignore', 'ignore'] })
    .nodeChildProcess
}

/** Signals a worker's whole process group; one that is gone already is no error. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // ESRCH: nobody is left there.
  }
}
