/**
 * Whether a function leaves something behind between calls: builds it as the gateway would, calls it many times in one
 * worker of its own and once in another, and looks at both from inside and outside. It leaves nothing behind itself;
 * what the function does to the world outside of its process is real.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { type FunctionSpec, type Traces, WarmPool } from '../../warmpool/index.ts'
import type { Config } from '../config/index.ts'
import { EgressProxy } from '../egress/proxy.ts'
import { locateRuntime } from '../runtimes/located.ts'
import { Builder } from './builder.ts'
import { type CheckAnswer, CheckCall, type CheckRequest } from './check-call.ts'
import { discoverOne, type FunctionSource } from './discover.ts'
import { type Answers, type Leftover, leftoversOf, undecided } from './leftovers.ts'
import { runAs } from './run-as.ts'

export interface ResetCheck {
  readonly name: string
  /** Calls that one worker answered. */
  readonly calls: number
  readonly leftovers: readonly Leftover[]
  /** What keeps the check from saying more, or may mislead. */
  readonly notes: readonly string[]
  /** Why it could not be checked; null: it was. */
  readonly problem: string | null
}

/** Fields of an answer that differ although nothing was left behind. */
const OF_THE_MOMENT = new Set(['date', 'x-request-id', 'etag', 'last-modified', 'age', 'expires', 'server-timing'])
const PROGRAMS = new Set(['http', 'stdio', 'lambda'])

/** `path`: a folder or a file with one function. `calls`: how many in one worker, at least 4. */
export async function checkReset(
  path: string,
  config: Config,
  requests: readonly CheckRequest[],
  calls: number,
): Promise<ResetCheck> {
  const found = await discoverOne(dirname(path), basename(path))
  if (!('source' in found)) return failed(found.name, found.problem)
  const { source } = found
  const { missing } = config.secretsOf(source.name, source.file ?? undefined)
  if (missing.length > 0) return failed(source.name, missing.join(' '))
  const stateDir = await mkdtemp(join(tmpdir(), 'wrangler-free-check-'))
  const builder = await Builder.open(stateDir)
  const settings = oneWorker(config.functionSettings(source.name, source.file ?? undefined))
  const egress = await EgressProxy.ofOne(settings)
  const pool = new WarmPool({
    blanks: 0,
    locateRuntime: (runtime) => locateRuntime(config, runtime),
    egress: (name) => egress.egressOf(name),
  })
  try {
    const outcome = await builder.buildOne(source)
    if (!outcome.ok) return failed(source.name, outcome.error.message)
    const traces = `/${randomBytes(16).toString('hex')}`
    const spec = {
      bundle: outcome.bundle.id,
      ...runAs(source, outcome.bundle, outcome.outsideInputs),
      settings,
      traces,
    }
    return await new Checking(pool, source, spec, requests).run(calls)
  } finally {
    await Promise.all([pool.close(0), builder.close()])
    egress.close()
    await rm(stateDir, { recursive: true, force: true })
  }
}

/** Nothing but a fault ends it while it is looked at. */
function oneWorker(settings: FunctionSpec['settings']): FunctionSpec['settings'] {
  const never = { maxInvocations: Infinity, maxAgeMs: Infinity, idleTimeoutMs: Infinity, memoryBytes: Infinity }
  return { ...settings, ...never, minWorkers: 0, maxWorkers: 1, concurrency: 1, idempotent: false }
}

class Checking {
  readonly #pool: WarmPool
  readonly #source: FunctionSource
  readonly #spec: Omit<FunctionSpec, 'name'>
  readonly #requests: readonly CheckRequest[]
  readonly #notes = new Set<string>()
  #deaths: string[] = []

  constructor(
    pool: WarmPool,
    source: FunctionSource,
    spec: Omit<FunctionSpec, 'name'>,
    requests: readonly CheckRequest[],
  ) {
    this.#pool = pool
    this.#source = source
    this.#spec = spec
    this.#requests = requests
    pool.on('death', ({ function: name, description }) => {
      if (name !== null) this.#deaths.push(description)
    })
  }

  async run(calls: number): Promise<ResetCheck> {
    const { name } = this.#source
    // Two names for the same: each has a worker of its own.
    this.#pool.define({ ...this.#spec, name })
    const start = await this.#look(name)
    if (typeof start === 'string') return failed(name, start)
    const first = await this.#round(name)
    const again = await this.#round(name)
    const half = Math.floor(calls / 2)
    await this.#repeat(name, half - 2 * this.#requests.length)
    const middle = await this.#look(name)
    await this.#repeat(name, calls - half)
    const end = await this.#look(name)
    if (typeof middle === 'string' || typeof end === 'string' || this.#deaths.length > 0)
      return failed(name, `Its worker ended under the calls: ${this.#deaths.join('; ') || 'it does not answer'}`)
    const elsewhere = await this.#elsewhere(name)
    const answers = this.#requests.map(
      (request, at): Answers => ({
        request: `${request.method} ${request.path}`,
        first: first[at]!,
        again: again[at]!,
        elsewhere: elsewhere[at]!,
      }),
    )
    for (const request of undecided(answers))
      this.#notes.add(
        `Two fresh workers answer ${request} differently (time, chance): its answers tell nothing of state.`,
      )
    const seen = { start, middle, end, callsBetween: calls - half }
    return { name, calls, leftovers: leftoversOf(seen, answers), notes: [...this.#notes], problem: null }
  }

  async #elsewhere(name: string): Promise<string[]> {
    const other = `${name} (again)`
    this.#pool.define({ ...this.#spec, name: other })
    return this.#round(other)
  }

  async #repeat(name: string, count: number): Promise<void> {
    // A worker that has ended has nothing more to tell.
    for (let at = 0; at < count && this.#deaths.length === 0; at++)
      await this.#call(name, this.#requests[at % this.#requests.length]!)
  }

  async #round(name: string): Promise<string[]> {
    const answers: string[] = []
    for (const request of this.#requests) answers.push(comparable(await this.#call(name, request)))
    return answers
  }

  async #call(name: string, request: CheckRequest): Promise<CheckAnswer> {
    const call = new CheckCall(request)
    this.#pool.invoke(name, call)
    const answer = await call.answered
    const shown = `${request.method} ${request.path}`
    if (!answer.ok) this.#notes.add(`${shown} failed: ${answer.message}`)
    else if (answer.status >= 400)
      this.#notes.add(`${shown} is answered ${answer.status}: is that the way that matters?`)
    return answer
  }

  /** What its process holds now, or why that cannot be told. */
  async #look(name: string): Promise<Traces | string> {
    const call = new CheckCall({ method: 'GET', path: this.#spec.traces!, headers: [], body: null })
    this.#pool.invoke(name, call)
    const answer = await call.answered
    if (!answer.ok) return answer.message
    const { runtime } = this.#source.identity
    if (PROGRAMS.has(runtime)) this.#notes.add('It is a program of its own: only its answers can be compared.')
    if (runtime === 'python') this.#notes.add('Memory is not looked at in Python.')
    return JSON.parse(answer.body.toString()) as Traces
  }
}

function comparable(answer: CheckAnswer): string {
  if (!answer.ok) return `failed: ${answer.message}`
  const lines = answer.head === '' ? [] : answer.head.split('\n')
  const fields: string[] = []
  for (let at = 0; at + 1 < lines.length; at += 2)
    if (!OF_THE_MOMENT.has(lines[at]!)) fields.push(`${lines[at]}: ${lines[at + 1]}`)
  const body = createHash('sha256').update(answer.body).digest('hex')
  return [answer.status, ...fields.sort(), body].join('\n')
}

function failed(name: string, problem: string): ResetCheck {
  return { name, calls: 0, leftovers: [], notes: [], problem }
}
