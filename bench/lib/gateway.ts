/**
 * The product under measurement, as a user starts it: `serve` as a process of its own, on ports that were free. It is
 * ready when its banner says so, tells its status through its admin address, and is stopped with SIGTERM. No gateway
 * outlives this process.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { FunctionStatus, PoolStatus } from '../../warmpool/index.ts'
import { pinServer } from './pinning.ts'
import { makeProject, type Project, type ProjectFiles } from './project.ts'

const COMMAND = fileURLToPath(new URL('../../bin/wrangler-free.js', import.meta.url))
const ADMIN_TOKEN = randomUUID()
const STOP_MS = 45_000
/** How much of what it says is kept for an error's message. */
const KEPT_CHARS = 4_000

export interface Gateway {
  readonly pid: number
  /** Without a slash at the end. */
  readonly url: string
  readonly admin: { readonly url: string; readonly token: string }
  /** From its start to its banner. */
  readonly startMs: number
  status(): Promise<PoolStatus>
  /** Throws when there is no such function. */
  statusOf(name: string): Promise<FunctionStatus>
  /** Asks again and again until it is so; throws when that takes more than a minute. */
  until(what: string, isSo: (status: PoolStatus) => boolean): Promise<PoolStatus>
  /** Resolves when it has exited; throws unless it did so with code 0. */
  stop(): Promise<void>
}

/** Makes a project, serves it, hands both over, and clears up whatever happens. */
export async function withGateway<T>(
  filesIn: (folder: string) => ProjectFiles,
  use: (gateway: Gateway, project: Project) => Promise<T>,
): Promise<T> {
  const project = makeProject(filesIn)
  try {
    const gateway = await startGateway(project)
    const result = await use(gateway, project).catch(async (error: unknown) => {
      // What went wrong first is what is worth telling.
      await gateway.stop().catch(() => {})
      throw error
    })
    await gateway.stop()
    return result
  } finally {
    project.remove()
  }
}

/** `nodeFlags` are for the gateway's own process. */
export async function startGateway(
  { folder, configFile }: Project,
  nodeFlags: readonly string[] = [],
): Promise<Gateway> {
  const startedAtMs = performance.now()
  const words = [COMMAND, 'serve', '--config', configFile, '--port', '0', '--admin-port', '0']
  const [file, ...args] = [...pinServer, process.execPath, ...nodeFlags, ...words]
  // taskset becomes the command that it starts: the process id stays the same.
  const child = spawn(file!, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', WRANGLER_FREE_ADMIN_TOKEN: ADMIN_TOKEN },
  })
  const said = keepWhatItSays(child)
  const killWithUs = (): boolean => child.kill('SIGKILL')
  // Before the folder in which it works is removed.
  process.prependOnceListener('exit', killWithUs)
  const [, url, adminUrl] = await banner(child, said)
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
  const status = async (): Promise<PoolStatus> =>
    (await (await fetch(`${adminUrl}/v1/status`, { headers })).json()) as PoolStatus
  let isStopped = false
  return {
    pid: child.pid!,
    url: url!,
    admin: { url: adminUrl!, token: ADMIN_TOKEN },
    startMs: performance.now() - startedAtMs,
    status,
    async statusOf(name) {
      const found = (await status()).functions.find((one) => one.name === name)
      if (found === undefined) throw new Error(`The gateway knows no function ${name}`)
      return found
    },
    until: (what, isSo) => until(status, what, isSo),
    async stop() {
      if (isStopped) return
      isStopped = true
      await stop(child, said)
      process.off('exit', killWithUs)
    },
  }
}

/** The addresses that the banner prints once everything is ready. */
async function banner(child: ChildProcess, said: () => string): Promise<RegExpMatchArray> {
  for (;;) {
    const found = said().match(/ on (http:\S+) [\s\S]*status: +(http:\S+)\/v1\/status/)
    if (found !== null) return found
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`The gateway did not start:\n${said()}`)
    await Promise.race([once(child.stdout!, 'data'), once(child, 'close')])
  }
}

function keepWhatItSays(child: ChildProcess): () => string {
  let said = ''
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-KEPT_CHARS)
    })
  return () => said
}

async function until(
  status: () => Promise<PoolStatus>,
  what: string,
  isSo: (status: PoolStatus) => boolean,
): Promise<PoolStatus> {
  const giveUpAtMs = performance.now() + 60_000
  for (;;) {
    const now = await status()
    if (isSo(now)) return now
    if (performance.now() > giveUpAtMs) throw new Error(`Within a minute it did not come to this: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function stop(child: ChildProcess, said: () => string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const closed = once(child, 'close')
    child.kill('SIGTERM')
    const tooLate = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await closed
    clearTimeout(tooLate)
  }
  if (child.exitCode !== 0)
    throw new Error(`The gateway ended with ${child.signalCode ?? `exit code ${child.exitCode}`}:\n${said()}`)
}
