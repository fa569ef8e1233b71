/** A module in a real worker, called as the gateway would over HTTP: for tests of formats that need no gateway. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import {
  type FunctionSpec,
  Invocation,
  type InvocationFailure,
  type LogEvent,
  type RuntimeLocator,
  WarmPool,
  type WarmPoolOptions,
} from '../../../../warmpool/index.ts'

export interface Answer {
  readonly status: number
  /** In the order in which they came, names as they came. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
  readonly failure: InvocationFailure | null
}

export interface Asked {
  readonly method?: string
  readonly url?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

export type Stated = Partial<
  Pick<FunctionSpec, 'format' | 'handler' | 'command' | 'name' | 'cwd' | 'runtime' | 'readable' | 'platform'>
> & {
  readonly env?: Readonly<Record<string, string>>
  readonly writable?: readonly string[]
  readonly locateRuntime?: RuntimeLocator
  readonly settings?: WarmPoolOptions['defaults']
}

export class CalledFunction {
  readonly pool: WarmPool
  /** What it has logged so far. */
  readonly log: string[] = []
  readonly #name: string

  constructor(entry: string, { env = {}, writable = [], locateRuntime, settings = {}, ...stated }: Stated) {
    const located = locateRuntime === undefined ? {} : { locateRuntime }
    this.pool = new WarmPool({ blanks: 0, defaults: { maxWorkers: 1, env, writable, ...settings }, ...located })
    onTestFinished(() => this.pool.close(0))
    this.pool.on('log', ({ line }: LogEvent) => this.log.push(line))
    this.#name = stated.name ?? 'called'
    const as = { format: null, handler: null, command: null, runtime: 'node' } as const
    const readable = stated.readable ?? [dirname(fileURLToPath(entry))]
    const spec = { name: this.#name, bundle: entry, entry, cwd: null, readable, settings: this.pool.defaults }
    this.pool.define({ ...as, ...spec, ...stated })
  }

  /** `files`: the function's, by name; the first is its module. */
  static of(files: Readonly<Record<string, string>>, stated: Stated = {}): CalledFunction {
    const folder = mkdtempSync(join(tmpdir(), 'called-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    return new CalledFunction(pathToFileURL(join(folder, Object.keys(files)[0]!)).href, stated)
  }

  /** `take`: called with what came of the answer's body, which comes no faster than `probe.consumed` says. */
  call({ method = 'GET', url = '/', headers = {}, body }: Asked = {}, take: Take = takeAtOnce): Promise<Answer> {
    return new Promise((resolve) => {
      const fields = Object.entries({ host: 'localhost:8787', ...headers }).flat()
      const head = ['call-1', method, url, ...fields].join('\n')
      const sent = body === undefined ? null : Buffer.from(body as string)
      this.pool.invoke(this.#name, new Probe(head, sent, take, resolve))
    })
  }

  async text(asked: Asked = {}): Promise<string> {
    const { body, failure } = await this.call(asked)
    if (failure !== null) throw failure
    return body.toString()
  }
}

type Take = (probe: Probe, bytes: Buffer) => void

function takeAtOnce(probe: Probe, bytes: Buffer): void {
  probe.consumed(bytes.length)
}

export class Probe extends Invocation {
  readonly head: string
  readonly #take: Take
  readonly #resolve: (answer: Answer) => void
  #status = 0
  #fields: [string, string][] = []
  readonly #parts: Buffer[] = []

  constructor(head: string, body: Buffer | null, take: Take, resolve: (answer: Answer) => void) {
    super()
    this.head = head
    this.#take = take
    this.body = body
    this.#resolve = resolve
  }

  protected override onResponse(status: number, head: string, body: Buffer, more: boolean): void {
    this.#status = status
    const lines = head === '' ? [] : head.split('\n')
    for (let at = 0; at < lines.length; at += 2) this.#fields.push([lines[at]!, lines[at + 1]!])
    this.#parts.push(Buffer.from(body))
    if (more) this.#take(this, body)
  }

  protected override onData(chunk: Buffer): void {
    this.#parts.push(Buffer.from(chunk))
    this.#take(this, chunk)
  }

  protected override onEnd(): void {
    this.#answer(null)
  }

  protected override onFailure(failure: InvocationFailure): void {
    this.#answer(failure)
  }

  #answer(failure: InvocationFailure | null): void {
    this.#resolve({ status: this.#status, fields: this.#fields, body: Buffer.concat(this.#parts), failure })
  }
}
