/**
 * A real gateway for one test or for all of a file: a child process on ports of its own, over a folder of its own. It
 * is stopped afterwards whatever the test did, and the test fails if anything that it started is still there.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import type { FunctionReport, GatewayStatus } from '../../gateway/admin/status.ts'
import { eventually, processesIn } from './processes.ts'
import { type Copied, type Functions, Project } from './project.ts'
import { RawConnection } from './raw-connection.ts'

export interface Setup {
  readonly functions: Functions
  /** By name: functions that lie elsewhere and are copied in. */
  readonly copied?: Readonly<Record<string, Copied>>
  readonly config?: object
  /** What else lies in its folder before it starts. */
  readonly prepare?: (project: Project) => void
  /** How long it may take to build all of them on a busy machine. */
  readonly patienceMs?: number
  readonly command?: 'serve' | 'dev'
  /** The repository's packages are there for the functions to import. */
  readonly packages?: 'installed'
  /** The gateway's own environment, besides PATH. */
  readonly env?: NodeJS.ProcessEnv
  /** A descriptor that it is started with, as its fourth. */
  readonly inherited?: number
  /** How many descriptors it may have. */
  readonly openFiles?: number
  /** Whose it and its folder are, by the number; where these tests are the superuser's. */
  readonly user?: number
}

/** One line of the gateway's log. */
export interface LogEntry {
  readonly level: number
  readonly msg: string
  readonly function?: string
  readonly [field: string]: unknown
}

/** A problem document. */
export interface Problem {
  readonly status: number
  readonly code: string
  readonly fault: string
  readonly detail: string
  readonly invocation: string
}

export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: Uint8Array | string
}

const BIN = fileURLToPath(new URL('../../bin/wrangler-free.js', import.meta.url))
/** What every command needs to be this test's own. */
const OWN_PORTS = ['--port', '0', '--admin-port', '0']

const ofThisTest: GatewayUnderTest[] = []

afterEach(async () => {
  for (const gateway of ofThisTest.splice(0)) await gateway.stop()
})

/** A gateway for one test; it answers by now, and what is to be warm is warm. */
export async function startGateway(setup: Setup): Promise<GatewayUnderTest> {
  const gateway = new GatewayUnderTest(setup)
  ofThisTest.push(gateway)
  await gateway.answers()
  await gateway.ready()
  return gateway
}

/** The same command where it is not expected to answer. */
export function runGateway(setup: Setup, args: readonly string[] = []): GatewayUnderTest {
  const gateway = new GatewayUnderTest(setup, args)
  ofThisTest.push(gateway)
  return gateway
}

/** One gateway for all tests of a file; to be called outside of tests. */
export function shareGateway(setup: Setup): () => GatewayUnderTest {
  let gateway: GatewayUnderTest | null = null
  beforeAll(async () => {
    gateway = new GatewayUnderTest(setup)
    await gateway.answers(setup.patienceMs)
    await gateway.ready()
  }, setup.patienceMs)
  afterAll(() => gateway?.stop())
  return () => gateway!
}

export class GatewayUnderTest {
  readonly project: Project
  readonly child: ChildProcess
  /** Resolves with the exit code, or with the name of the signal that ended it. */
  readonly exited: Promise<number | string>
  readonly log: LogEntry[] = []
  /** What it printed: on stdout, and on stderr where that was no log line. */
  readonly printed: string[] = []
  readonly errors: string[] = []
  readonly #lines: Promise<unknown>
  #address = ''
  #adminAddress = ''
  #hasEnded = false
  readonly #stateDir: string

  constructor(
    { functions, copied = {}, config = {}, prepare, command = 'serve', env = {}, ...rest }: Setup,
    args: readonly string[] = OWN_PORTS,
  ) {
    const { packages, inherited, openFiles, user } = rest
    this.project = new Project(functions, config)
    prepare?.(this.project)
    const { state = '.wrangler-free' } = config as { state?: string }
    this.#stateDir = resolve(this.project.folder, state)
    for (const [name, one] of Object.entries(copied)) this.project.copyIn(name, one)
    if (packages === 'installed') this.project.installPackages()
    if (user !== undefined) this.project.giveTo(user)
    const words = [process.execPath, BIN, command, ...args]
    const limited =
      openFiles === undefined ? words : ['/bin/sh', '-c', `ulimit -n ${openFiles}; exec "$@"`, 'sh', ...words]
    this.child = spawn(limited[0]!, limited.slice(1), {
      cwd: this.project.folder,
      ...(user === undefined ? {} : { uid: user, gid: user }),
      env: { PATH: process.env.PATH, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...(inherited === undefined ? [] : [inherited])],
    })
    this.exited = once(this.child, 'exit').then(([code, signal]) => {
      this.#hasEnded = true
      return code ?? signal
    })
    const stdout = eachLine(this.child.stdout!, (line) => this.printed.push(line))
    const stderr = eachLine(this.child.stderr!, (line) => this.#onErrorLine(line))
    this.#lines = Promise.all([stdout, stderr])
  }

  get pid(): number {
    return this.child.pid!
  }

  get address(): string {
    return this.#address
  }

  get adminAddress(): string {
    return this.#adminAddress
  }

  /** Waits for the banner, which says where it answers. */
  async answers(patienceMs?: number): Promise<void> {
    const find = (pattern: RegExp) => this.printed.map((line) => pattern.exec(line)?.[1]).find(Boolean)
    await eventually(
      () => this.#hasEnded || find(/status: +(http:\S+?)\/v1/) !== undefined,
      () => `a banner in ${JSON.stringify([this.printed, this.errors, this.log])}`,
      patienceMs,
    )
    this.#address = find(/ on (http:\S+) \(ready/) ?? ''
    this.#adminAddress = find(/status: +(http:\S+?)\/v1/) ?? ''
    if (this.#address === '') throw new Error(`It did not start: ${JSON.stringify([this.errors, this.log])}`)
  }

  /** Whether it says that it is ready: what `minWorkers` asks for is warm, or has been waited for long enough. */
  async isReady(): Promise<boolean> {
    return (await fetch(`${this.#adminAddress}/readyz`)).ok
  }

  async ready(): Promise<void> {
    await eventually(
      () => this.isReady(),
      () => `readiness in ${JSON.stringify([this.printed, this.errors, this.log])}`,
    )
  }

  /** Everything that it printed has arrived. */
  async ended(): Promise<number | string> {
    await this.#lines
    return this.exited
  }

  /** Over a kept-alive connection, with Node's own client. */
  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.#address}${path}`, init)
  }

  /** Where the header fields matter as they are; the body is left to be read. */
  async request(path: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<IncomingMessage> {
    const sent = httpRequest(`${this.#address}${path}`, { method, headers: { ...headers }, agent: false })
    sent.end(body)
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return response
  }

  connect(): Promise<RawConnection> {
    return RawConnection.open(this.#address)
  }

  /** Sends these bytes on a connection of their own, and returns all that comes until the gateway closes it. */
  async raw(bytes: string | Uint8Array): Promise<string> {
    const connection = await this.connect()
    return connection.send(bytes).rest()
  }

  /** Expects an answer that is a problem document. */
  async problem(path: string, init?: RequestInit): Promise<Problem> {
    const response = await this.fetch(path, init)
    const text = await response.text()
    expect(response.headers.get('content-type'), text).toBe('application/problem+json')
    const problem = JSON.parse(text) as Problem
    expect(problem.status).toBe(response.status)
    return problem
  }

  /** Asks the admin address, with the token that the gateway made for itself. */
  fetchAdmin(path: string): Promise<Response> {
    const { token } = JSON.parse(readFileSync(join(this.#stateDir, 'admin.json'), 'utf8'))
    return fetch(`${this.#adminAddress}${path}`, { headers: { authorization: `Bearer ${token}` } })
  }

  async status(): Promise<GatewayStatus> {
    const response = await this.fetchAdmin('/v1/status')
    return (await response.json()) as GatewayStatus
  }

  async statusOf(name: string): Promise<FunctionReport> {
    return functionOf(await this.status(), name)
  }

  /** Asks for the status until it fits, and returns the one that does. */
  async waitFor(fits: (status: GatewayStatus) => boolean): Promise<GatewayStatus> {
    let last: GatewayStatus | null = null
    await eventually(
      async () => {
        last = await this.status()
        return fits(last)
      },
      () => `${fits} in ${JSON.stringify(last, null, 1)}`,
    )
    return last!
  }

  /** Waits until the status of one function fits. */
  async waitForFunction(name: string, fits: (report: FunctionReport) => boolean): Promise<FunctionReport> {
    const status = await this.waitFor((one) => fits(functionOf(one, name)))
    return functionOf(status, name)
  }

  /** Waits for a line of the log that fits. */
  async logged(fits: (entry: LogEntry) => boolean): Promise<LogEntry> {
    await eventually(
      () => this.log.some(fits),
      () => `${fits} in the log ${JSON.stringify(this.log, null, 1)}`,
    )
    return this.log.find(fits)!
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** Every process that this gateway has started, directly or not, and that has not left its folder. */
  processes(): number[] {
    return processesIn(this.project.folder).filter((pid) => pid !== this.pid)
  }

  /** Ends it, if that has not been done, and expects that nothing is left of it. Leaves nothing even if that fails. */
  async stop(): Promise<void> {
    try {
      if (!this.#hasEnded) await this.#end()
      await eventually(
        () => this.processes().length === 0,
        () => `the end of the processes ${this.processes()}`,
      )
    } finally {
      this.child.kill('SIGKILL')
      for (const pid of this.processes()) process.kill(pid, 'SIGKILL')
      await this.ended()
      this.project.remove()
    }
  }

  async #end(): Promise<void> {
    this.signal('SIGTERM')
    await eventually(
      () => this.#hasEnded,
      () => 'the end of the gateway after SIGTERM',
    )
    expect(await this.exited).toBe(0)
  }

  #onErrorLine(line: string): void {
    if (line.startsWith('{')) this.log.push(JSON.parse(line) as LogEntry)
    else this.errors.push(line)
  }
}

export function functionOf(status: GatewayStatus, name: string): FunctionReport {
  const report = status.functions.find((one) => one.name === name)
  if (report === undefined) throw new Error(`There is no function ${name}`)
  return report
}

/** A response's body as bytes. */
export function bytesOf(response: Readable): Promise<Buffer> {
  return buffer(response)
}

async function eachLine(stream: Readable, onLine: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream })) onLine(line)
}
