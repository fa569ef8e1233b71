/**
 * The one place that starts processes. A worker leads a session and a process group of its own, so that a terminal's
 * Ctrl-C does not reach it before the gateway has drained it, and so that what it started can be killed with it.
 * It inherits stdout and stderr pipes (the function's logs), the frame socket as fd 3, the journal as fd 4, and a
 * scrubbed environment: nothing of the parent's that it is not given.
 */
import { type ChildProcess, spawnSync } from 'node:child_process'
import type { EventEmitter } from 'node:events'
import { closeSync, fchownSync, openSync } from 'node:fs'
import type { Socket } from 'node:net'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import { execa } from 'execa'
import type { Mechanism } from './wire/messages.ts'

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** It starts in a sandbox: what is known of that. */
  readonly sandbox?: Sandboxed
}

/** A process that another program starts, in a sandbox. */
export interface Sandboxed {
  /** Whose its processes are in the end; null: this process's user's. */
  readonly user: number | null
  /** Its own, where it has been made already. */
  readonly folder: string | null
  /** Where it sees the whole machine until it has a function; null: nowhere. */
  readonly host: string | null
  readonly given: readonly Mechanism[]
  /** What of the runtime is seen in it already. */
  readonly shown: readonly string[]
  /** A file that it inherits opened, behind the others, for the program that starts it; null: none. */
  readonly filterFile: string | null
}

/** What tells of a process's end by `exit`, with its code and signal as a ChildProcess does, and ends it. */
export interface ProcessHandle extends EventEmitter {
  kill(signal: NodeJS.Signals): boolean
}

export interface WorkerProcess {
  readonly handle: ProcessHandle
  readonly pid: number
  readonly wire: Socket
  readonly stdout: Readable
  readonly stderr: Readable
  /** The process is the one that has started the worker, not the worker itself. */
  readonly isLaunched: boolean
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Exit codes of what a signal has ended begin behind it. */
const SIGNALLED = 128
const LONGEST_RUN_MS = 5_000
const QUIET = { buffer: false, reject: false, cleanup: false, detached: true, extendEnv: false } as const

/** Starts a worker process. Throws when the system refuses (no such program, no processes or descriptors left). */
export function spawnWorker(command: Command, journalFd: number): WorkerProcess {
  const { filterFile = null, user = null } = command.sandbox ?? {}
  // There are runtimes that open it anew.
  if (user !== null) fchownSync(journalFd, user, user)
  const filterFd = filterFile === null ? null : openSync(filterFile, 'r')
  try {
    return spawnWith(command, filterFd === null ? [journalFd] : [journalFd, filterFd])
  } finally {
    if (filterFd !== null) closeSync(filterFd)
  }
}

/** Starts a process that inherits these, from descriptor 4 on. Throws as {@link spawnWorker} does. */
export function spawnWith(command: Command, descriptors: readonly number[]): WorkerProcess {
  // Its types know no descriptor behind the standard three.
  const inherited = descriptors as unknown as 'ignore'[]
  const subprocess = execa(command.file, [...command.args], {
    ...QUIET,
    env: { ...command.env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', ...inherited],
  })
  const child = subprocess.nodeChildProcess
  child.on('error', () => {})
  if (child.pid === undefined) {
    // Why it could not be started is in the (never rejecting) result; the caller only needs to know that it was not.
    throw new Error(`Cannot start ${command.file}: see \`ulimit -u\` and \`ulimit -n\`, and whether the file exists`)
  }
  return {
    handle: child,
    pid: child.pid,
    wire: child.stdio[3] as Socket,
    stdout: child.stdout!,
    stderr: child.stderr!,
    isLaunched: command.sandbox !== undefined,
  }
}

/** How the worker has ended: what started it says so as shells do. */
export function exitOf({ isLaunched }: WorkerProcess, code: number | null, signal: NodeJS.Signals | null): Exit {
  if (!isLaunched || code === null || code <= SIGNALLED) return { code, signal }
  const found = signalName(code - SIGNALLED)
  return found === null ? { code, signal } : { code: null, signal: found }
}

/** Null: there is no such signal. */
export function signalName(number: number): NodeJS.Signals | null {
  // Some have two names; the first is the usual one.
  const found = Object.entries(constants.signals).find(([, value]) => value === number)
  return (found?.[0] ?? null) as NodeJS.Signals | null
}

/** Starts the reaper's shell; see reaper.ts. */
export function spawnShell(script: string, env: Readonly<Record<string, string>> = {}): ChildProcess {
  return execa('/bin/sh', ['-c', script], { ...QUIET, env: { ...env }, stdio: ['pipe', 'ignore', 'ignore'] })
    .nodeChildProcess
}

/** Runs a program that is over in a moment, and stops this process for that long. */
export function runToEnd(
  file: string,
  args: readonly string[],
): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8', timeout: LONGEST_RUN_MS })
  return { status, stdout: stdout ?? '', stderr: stderr || (error?.message ?? '') }
}

/** Signals a worker's whole process group; one that is gone already is no error. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // ESRCH: nobody is left there.
  }
}
