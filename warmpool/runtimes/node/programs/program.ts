/**
 * A function that is a program: starts it as a child of this worker, in the same process group, so that whatever ends
 * the worker ends it too. Until it is ready its end is a failed load, told with its last words; from then on its end is
 * the worker's, with the same exit code, and it is asked (SIGTERM) before the worker leaves. What it prints on stderr
 * goes on to the function's log, and so does its stdout unless a format has a use for that.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Load } from '../../../wire/messages.ts'
import { beforeLeaving } from '../farewell.ts'
import { readyWithinMs } from '../load-time.ts'
import { LastLines } from './last-lines.ts'
import { explainStartFailure } from './start-failure.ts'

/** What the author sees when it does not start or does not get ready. */
export class ProgramError extends Error {
  override name = 'ProgramError'

  constructor(message: string) {
    super(message)
    // Where in this runtime that was found out helps nobody.
    this.stack = `ProgramError: ${message}`
  }
}

export interface ProgramEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

type ProgramState = 'loading' | 'serving' | 'leaving' | 'ended'

/** How long the last words of an ended program are waited for, and the last bytes of an answer. */
const LAST_WORDS_MS = 100

export class Program {
  readonly child: ChildProcess
  /** When it has exited and its last words were read. */
  readonly ended: Promise<ProgramEnd>
  readonly #words: string
  readonly #readyWithinMs: number
  readonly #lastLines = new LastLines()
  #state: ProgramState = 'loading'

  private constructor(child: ChildProcess, words: string, readyWithinMs: number) {
    this.child = child
    this.#words = words
    this.#readyWithinMs = readyWithinMs
    child.stderr!.on('data', (bytes: Buffer) => {
      process.stderr.write(bytes)
      this.#lastLines.add(bytes)
    })
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        const end = { code, signal }
        child.stderr!.once('close', () => resolve(end))
        setTimeout(() => resolve(end), LAST_WORDS_MS).unref()
      })
    })
  }

  /** `usual`: the command where the function states none. Throws {@link ProgramError}. */
  static async start(
    load: Load,
    { env, stdio, usual }: { env: NodeJS.ProcessEnv; stdio: 'logged' | 'taken'; usual?: readonly string[] },
  ): Promise<Program> {
    const [file, ...args] = load.command ?? usual ?? []
    if (file === undefined || file === '')
      throw new ProgramError(
        'There is no command to run. State it in function.json: "command": ["python3", "server.py"]',
      )
    const cwd = folderOf(load)
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: stdio === 'taken' ? ['pipe', 'pipe', 'pipe'] : ['ignore', 'inherit', 'pipe'],
    })
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', (error) => reject(new ProgramError(explainStartFailure(error, file, cwd))))
    })
    child.on('error', () => {})
    return new Program(child, [file, ...args].join(' '), readyWithinMs(load))
  }

  /**
   * Waits for what shows that it is ready; `awaited` says what that is, and `advice` what to do when it does not come.
   * Throws {@link ProgramError} when it ends before, or takes too long; `signal` aborts when the waiting is over.
   */
  async untilReady<T>(
    wait: (signal: AbortSignal) => Promise<T>,
    { awaited, advice }: { awaited: string; advice: string },
  ): Promise<T> {
    const over = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const tooLate = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), this.#readyWithinMs)
    })
    try {
      const first = await Promise.race([wait(over.signal).then((value) => ({ value })), this.ended, tooLate])
      if (first === 'late') {
        const seconds = Math.round(this.#readyWithinMs / 100) / 10
        throw this.failure(`runs, but within ${seconds} s it did not ${awaited}`, advice)
      }
      if ('value' in first) return first.value
      throw this.failure(`${endInWords(first)} before it could ${awaited}`, advice)
    } finally {
      clearTimeout(timer)
      over.abort()
    }
  }

  /** From now on its end is this process's; calls that are under way get the last bytes it has sent. */
  serve(hasCalls: () => boolean): void {
    this.#state = 'serving'
    beforeLeaving(() => this.#terminate())
    void this.ended.then((end) => {
      if (this.#state !== 'serving') return
      this.#state = 'ended'
      process.stderr.write(`The program "${this.#words}" ${endInWords(end)}; its worker ends with it\n`)
      setTimeout(() => endLike(end), hasCalls() ? LAST_WORDS_MS : 0)
    })
  }

  /** It does what its contract forbids: what it sends can no longer be matched to calls, so worker and program end. */
  giveUp(what: string): void {
    if (this.#state !== 'serving') return
    this.#state = 'ended'
    process.stderr.write(`The program "${this.#words}" ${what}; its worker ends with it\n`)
    setTimeout(() => process.exit(1), 0)
  }

  /** Whether it ends within so long. */
  async endsWithin(ms: number): Promise<boolean> {
    const later = new Promise<null>((resolve) => setTimeout(() => resolve(null), ms))
    return (await Promise.race([this.ended, later])) !== null
  }

  failure(what: string, advice = ''): ProgramError {
    const last = this.#lastLines.text
    const lines = last === '' ? ' It wrote nothing to stderr.' : `\nIts last lines on stderr:\n${last}`
    return new ProgramError(`The program "${this.#words}" ${what}.${advice === '' ? '' : ` ${advice}`}${lines}`)
  }

  async #terminate(): Promise<void> {
    if (this.#state !== 'serving') return
    this.#state = 'leaving'
    this.child.kill('SIGTERM')
    await this.ended
  }
}

/** The folder that the command runs in. */
export function folderOf(load: Load): string {
  if (load.cwd !== null) return load.cwd
  const path = fileURLToPath(load.entry)
  return statSync(path).isDirectory() ? path : dirname(path)
}

export function endInWords({ code, signal }: ProgramEnd): string {
  return signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`
}

/** As the program did. Of the signals only SIGKILL, which means that somebody else wanted it; others would dump core. */
function endLike({ code, signal }: ProgramEnd): void {
  if (signal === 'SIGKILL') process.kill(process.pid, 'SIGKILL')
  process.exit(code ?? 1)
}
