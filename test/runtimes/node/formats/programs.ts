/** Folders of programs for the tests of the formats that are programs. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import {
  type DeathEvent,
  type FunctionSettings,
  Invocation,
  type InvocationFailure,
} from '../../../../warmpool/index.ts'
import { CalledFunction } from './called.ts'

export type ProgramFiles = Readonly<Record<string, string>>

export class CalledProgram extends CalledFunction {
  readonly folder: string

  constructor(folder: string, format: string, command: readonly string[] | null, settings: Partial<FunctionSettings>) {
    const entry = pathToFileURL(folder).href
    super(entry, { format, command })
    this.folder = folder
    const spec = { name: 'called', bundle: 'program', entry, cwd: folder, format, handler: null, command } as const
    // Programs under test say in their folder what they have done.
    const mayWrite = { ...this.pool.defaults, writable: [folder], ...settings }
    this.pool.define({ ...spec, runtime: 'node', readable: [folder], settings: mayWrite })
  }

  /** The next worker's end. */
  death(): Promise<DeathEvent> {
    return new Promise((resolve) => this.pool.once('death', resolve))
  }

  /** Resolves when a line of its log holds this. */
  async logged(text: string): Promise<string> {
    for (;;) {
      const line = this.log.find((one) => one.includes(text))
      if (line !== undefined) return line
      await new Promise((resolve) => this.pool.once('log', resolve))
    }
  }

  /** Resolves when the program has written a file whole, that is with a line's end. */
  async written(name: string): Promise<string> {
    const file = join(this.folder, name)
    const watcher = watch(this.folder)
    try {
      for (;;) {
        const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
        if (text.endsWith('\n')) return text.trim()
        await new Promise((resolve) => watcher.once('change', resolve))
      }
    } finally {
      watcher.close()
    }
  }
}

/** A program in a real worker. Files whose text begins with `#!` are executable. */
export function programOf(
  format: string,
  files: ProgramFiles,
  command: readonly string[] | null,
  settings: Partial<FunctionSettings> = {},
): CalledProgram {
  const folder = mkdtempSync(join(tmpdir(), 'program-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text)
    if (text.startsWith('#!')) chmodSync(join(folder, name), 0o755)
  }
  return new CalledProgram(folder, format, command, settings)
}

/** A call whose body is sent in pieces, and whose answer is taken in pieces: as slowly as the test wants. */
export class SlowCall extends Invocation {
  readonly head: string
  readonly answered = Promise.withResolvers<{ readonly status: number; readonly head: string }>()
  readonly ended = Promise.withResolvers<InvocationFailure | null>()
  readonly sent = Promise.withResolvers<void>()
  /** Bytes of the answer that have come and were not taken. */
  untaken = 0
  readonly pieces: Buffer[] = []

  constructor(lines: readonly string[], hasBody: boolean) {
    super()
    this.head = ['call-1', ...lines].join('\n')
    this.hasMore = hasBody
  }

  /** Takes what has come, so that as much more may come. */
  take(): void {
    const bytes = this.untaken
    this.untaken = 0
    this.consumed(bytes)
  }

  text(): string {
    return Buffer.concat(this.pieces).toString()
  }

  protected override onSent(): void {
    this.sent.resolve()
  }

  protected override onResponse(status: number, head: string, body: Buffer, more: boolean): void {
    this.#add(body, more)
    this.answered.resolve({ status, head })
  }

  protected override onData(chunk: Buffer): void {
    this.#add(chunk, true)
  }

  protected override onEnd(): void {
    this.ended.resolve(null)
  }

  protected override onFailure(failure: InvocationFailure): void {
    this.ended.resolve(failure)
  }

  #add(bytes: Buffer, more: boolean): void {
    this.pieces.push(Buffer.from(bytes))
    if (more) this.untaken += bytes.length
  }
}
