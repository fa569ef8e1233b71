/**
 * The gateway under chaos: `dev`, as somebody starts it who has it follow the sources, in a process of its own with
 * few descriptors. Its log is kept, and what it must never say is looked for in it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { readRssBytes } from '../../bench/lib/memory.ts'
import { processesInside, readTree } from '../../bench/lib/processes.ts'
import type { GatewayStatus } from '../../gateway/admin/status.ts'
import { ask, until } from './ask.ts'
import type { Inquiry, MemoryAnswer } from './inside-gateway.ts'
import { REFUSED } from './outcome.ts'
import type { Project } from './project.ts'

const COMMAND = fileURLToPath(new URL('../../bin/wrangler-free.js', import.meta.url))
const INSIDE = new URL('inside-gateway.ts', import.meta.url).href
/** For the gateway and, inherited, each of its workers: few enough to be used up by one. */
const ADMIN_TOKEN = randomUUID()
export const DESCRIPTORS = 400
const STOP_MS = 45_000
const KEPT_LINES = 50_000

/** What a gateway holds, as it is seen from outside, and its memory as it says itself. */
export interface Vitals {
  readonly processes: number
  readonly descriptors: number
  readonly rssBytes: number
  readonly usedBytes: number
}

export class Gateway {
  readonly project: Project
  readonly log: string[] = []
  /** What the admin address answered that was no status. */
  readonly adminFailures: string[] = []
  url = ''
  #adminUrl = ''
  readonly #child: ChildProcess
  readonly #killWithUs = (): boolean => this.#child.kill('SIGKILL')

  private constructor(project: Project) {
    this.project = project
    const node = ['--expose-gc', '--disable-warning=ExperimentalWarning', '--import', INSIDE, COMMAND]
    const words = [...node, 'dev', '--port', '0', '--admin-port', '0']
    const script = `ulimit -n ${DESCRIPTORS}; exec "$@"`
    this.#child = spawn('/bin/sh', ['-c', script, 'sh', process.execPath, ...words], {
      cwd: project.folder,
      env: { PATH: process.env.PATH, NO_COLOR: '1', WRANGLER_FREE_ADMIN_TOKEN: ADMIN_TOKEN },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    process.prependOnceListener('exit', this.#killWithUs)
  }

  /** Resolves when its banner says that it answers. */
  static async start(project: Project): Promise<Gateway> {
    const gateway = new Gateway(project)
    let said = ''
    const read = (text: string): void => {
      said = (said + text).slice(-10_000)
    }
    gateway.#child.stdout!.setEncoding('utf8').on('data', read)
    gateway.#child.stderr!.setEncoding('utf8').on('data', read)
    for (;;) {
      const found = / on (http:\S+) [\s\S]*status: +(http:\S+)\/v1\/status/.exec(said)
      if (found !== null) [, gateway.url, gateway.#adminUrl] = found as unknown as [string, string, string]
      if (found !== null) break
      if (!gateway.isAlive) throw new Error(`The gateway did not start:\n${said}`)
      await Promise.race([once(gateway.#child.stdout!, 'data'), once(gateway.#child, 'close')])
    }
    gateway.#child.stdout!.off('data', read).resume()
    createInterface({ input: gateway.#child.stderr!.off('data', read) }).on('line', (line) => gateway.#keep(line))
    return gateway
  }

  get pid(): number {
    return this.#child.pid!
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  async status(): Promise<GatewayStatus> {
    let body = ''
    // With no descriptor left it cannot take the connection.
    await until('the admin address answers', async () => {
      const answer = await ask(`${this.#adminUrl}/v1/status`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })
      body = answer.body
      if (answer.outcome !== '200' && answer.outcome !== REFUSED) this.adminFailures.push(`${answer.outcome} ${body}`)
      return answer.outcome === '200'
    })
    return JSON.parse(body) as GatewayStatus
  }

  async shiftClock(byMs: number): Promise<void> {
    await this.#inquire({ clockOffsetMs: byMs })
  }

  async vitals(): Promise<Vitals> {
    const { usedBytes } = await this.#inquire({ memory: true })
    return {
      processes: readTree(this.pid).length,
      descriptors: readdirSync(`/proc/${this.pid}/fd`).length,
      rssBytes: readRssBytes(this.pid),
      usedBytes,
    }
  }

  /** Everything of it that still runs, wherever it went. */
  processes(): number[] {
    return processesInside(this.project.folder)
  }

  /** Returns how it ended: its exit code, or the name of the signal. */
  async stop(): Promise<number | string> {
    if (this.isAlive) {
      const closed = once(this.#child, 'exit')
      this.#child.kill('SIGTERM')
      const tooLate = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS)
      await closed
      clearTimeout(tooLate)
    }
    process.off('exit', this.#killWithUs)
    return this.#child.exitCode ?? this.#child.signalCode ?? 'nothing'
  }

  async #inquire(inquiry: Inquiry): Promise<MemoryAnswer> {
    this.#child.send(inquiry)
    const [answer] = await once(this.#child, 'message')
    return answer as MemoryAnswer
  }

  /** Of a gateway that says more than anybody reads, the count goes on. */
  #keep(line: string): void {
    this.log.push(this.log.length < KEPT_LINES ? line : '')
  }
}
