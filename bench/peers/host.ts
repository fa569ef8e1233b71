/**
 * Where one contestant lives: a temporary folder and the processes that were started for it, each on the servers'
 * cores. Stopping it ends all of them and removes the folder, as does the end of this process, whatever its reason.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pinServer } from '../lib/pinning.ts'

const STOP_MS = 10_000
/** How much of what a process says is kept for an error's message. */
const KEPT_CHARS = 2_000

/** Those that run: one listener clears up after all, for as many listeners as contestants are taken for a leak. */
const hosts = new Set<Host>()
process.once('exit', () => {
  for (const host of hosts) host.clear()
})

export class Host {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'bench-peer-')))
  /** Of each started process; what these start in turn is found below them. */
  readonly pids: number[] = []
  /** What went wrong with one of the processes; null while all run. */
  complaint: string | null = null
  #endings: (() => Promise<void>)[] = []
  #children: ChildProcess[] = []
  #isStopping = false

  constructor() {
    hosts.add(this)
  }

  /** Starts a command that stays in the foreground. */
  run([file, ...args]: readonly string[], env: Readonly<Record<string, string>> = {}): void {
    const command = [...pinServer, file!, ...args]
    const child = spawn(command[0]!, command.slice(1), {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_ENV: 'production', NO_COLOR: '1', ...env },
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-KEPT_CHARS)
      })
    const complain = (why: unknown): void => {
      if (!this.#isStopping) this.complaint ??= `${file} ended (${why}): ${said.trim()}`
    }
    child.once('error', ({ message }) => complain(message))
    child.once('close', (code, signal) => complain(signal ?? `exit code ${code}`))
    this.#children.push(child)
    if (child.pid !== undefined) this.pids.push(child.pid)
    this.afterwards(() => stop(child))
  }

  /** Counts a process in that somebody else starts and stops. */
  adopt(pid: number): void {
    this.pids.push(pid)
  }

  /** Done when this host stops; what was asked for last is done first. */
  afterwards(ending: () => Promise<void>): void {
    this.#endings.unshift(ending)
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    const results = []
    for (const ending of this.#endings) results.push(...(await Promise.allSettled([ending()])))
    this.clear()
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  /**
   * At once, without waiting for anything to end. SIGTERM and not SIGKILL: nginx and php-fpm have children of their own
   * to end, and files to remove meanwhile.
   */
  clear(): void {
    hosts.delete(this)
    for (const child of this.#children) child.kill('SIGTERM')
    // A file that its owner removes at the same moment makes rmSync leave the rest, without an error.
    for (let tries = 0; tries < 5 && existsSync(this.folder); tries++)
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGTERM')
  const tooLate = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await closed
  clearTimeout(tooLate)
}

/** A port of the loopback address that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
