/**
 * A program that answers lines with lines: one line to its stdin, one line from its stdout, in turn. Lines carry no
 * number, so the program's word is trusted only as long as it keeps the turns: with a line that nobody asked for, one that
 * is too long, or a closed stdout, no later answer could be told from it, and program and worker end.
 */
import type { Program } from './program.ts'

/** Of a line either way. */
export const MOST_LINE_BYTES = 16 * 1024 * 1024

const NEWLINE = 0x0a
/** From the end of its stdout to its exit. */
const EXIT_MS = 1_000
const SHOWN_CHARS = 120
const STDOUT_IS_FOR_ANSWERS = '(stdout is for answers, one line each; what is to be logged goes to stderr)'

export interface LineReader {
  /** Without its newline. Good until this returns. False: it is no answer, and the program cannot be trusted. */
  onLine(line: Buffer): boolean
  /** The program has ended, or goes wrong, before its line was whole. */
  onBroken(what: string): void
}

export class LineConversation {
  readonly #program: Program
  #reader: LineReader | null = null
  /** The beginning of a line. */
  #parts: Buffer[] = []
  #partBytes = 0

  constructor(program: Program) {
    this.#program = program
    const { stdout, stdin } = program.child
    stdout!.on('data', (bytes: Buffer) => this.#onBytes(bytes))
    stdout!.once('end', () => void this.#onEnd())
    // Its end is told by its stdout, or by its exit.
    stdin!.on('error', () => {})
  }

  get isAsked(): boolean {
    return this.#reader !== null
  }

  /** `line`: with its newline. */
  ask(line: string | Buffer, reader: LineReader): void {
    this.#reader = reader
    this.#program.child.stdin!.write(line)
  }

  #onBytes(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(NEWLINE, at)
      if (end < 0) return this.#keep(bytes.subarray(at))
      const line = this.#take(bytes.subarray(at, end))
      at = end + 1
      if (!this.#onLine(line)) return
    }
  }

  #keep(part: Buffer): void {
    this.#partBytes += part.length
    if (this.#reader === null) return this.#onUnasked(part)
    if (this.#partBytes > MOST_LINE_BYTES) return this.#break(`wrote a line of more than ${MOST_LINE_BYTES} bytes`)
    this.#parts.push(part)
  }

  #take(last: Buffer): Buffer {
    if (this.#parts.length === 0) return last
    const line = Buffer.concat([...this.#parts, last])
    this.#parts = []
    this.#partBytes = 0
    return line
  }

  #onLine(line: Buffer): boolean {
    const reader = this.#reader
    this.#reader = null
    if (reader === null) {
      this.#onUnasked(line)
      return false
    }
    if (reader.onLine(line)) return true
    this.#program.giveUp(`answered with a line that is not JSON: ${shown(line)} ${STDOUT_IS_FOR_ANSWERS}`)
    return false
  }

  #onUnasked(line: Buffer): void {
    this.#program.giveUp(`wrote what nobody asked for to stdout: ${shown(line)} ${STDOUT_IS_FOR_ANSWERS}`)
  }

  /** Most often it has exited, which tells more than this. */
  async #onEnd(): Promise<void> {
    if (this.#partBytes > 0) return this.#break('ended its stdout in the middle of a line')
    if (!(await this.#program.endsWithin(EXIT_MS))) this.#break('closed its stdout')
  }

  #break(what: string): void {
    const reader = this.#reader
    this.#reader = null
    reader?.onBroken(what)
    this.#program.giveUp(what)
  }
}

export function shown(line: Buffer): string {
  const text = line.toString('utf8', 0, SHOWN_CHARS)
  return JSON.stringify(line.length > SHOWN_CHARS ? `${text}…` : text)
}
