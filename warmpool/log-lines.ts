/**
 * What a worker prints, cut into lines. The pipe is always read, so that a function never blocks on its own output,
 * and bounded: a very long line is cut with a mark, and more than a worker may print in a second, stdout and stderr
 * together, is counted instead of kept, so that a function that prints without end costs the gateway neither memory nor its log.
 */

import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

const DEFAULT_LINE_CHARS = 8 * 1024
/** What a shorter line counts as: each costs the log about so much beside its text. */
const MIN_LINE_BYTES = 128
const NEWLINE = 0x0a

/** What one worker may print, for both its streams. */
export class LogBudget {
  bytesPerSecond: number
  /** Where a longer line is cut. */
  lineChars = DEFAULT_LINE_CHARS
  #second = 0
  #bytes = 0

  constructor(bytesPerSecond: number) {
    this.bytesPerSecond = bytesPerSecond
  }

  /** How many of so many bytes, which hold so many lines, may be kept. */
  take(bytes: number, lines: number, second: number): number {
    if (second !== this.#second) {
      this.#second = second
      this.#bytes = 0
    }
    const cost = Math.max(bytes, lines * MIN_LINE_BYTES)
    const left = Math.max(0, this.bytesPerSecond - this.#bytes)
    this.#bytes += cost
    return cost <= left ? bytes : Math.floor((bytes * left) / cost)
  }
}

export class LogLines {
  readonly #budget: LogBudget
  readonly #onLine: (line: string) => void
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''
  #isCutting = false
  #second = 0
  #droppedBytes = 0

  constructor(stream: Readable, budget: LogBudget, onLine: (line: string) => void) {
    this.#budget = budget
    this.#onLine = onLine
    stream.on('data', (chunk: Buffer) => this.#push(chunk, Math.floor(performance.now() / 1000)))
    stream.on('error', () => {})
    stream.once('close', () => this.#end())
  }

  #push(chunk: Buffer, second: number): void {
    if (second !== this.#second) {
      this.#second = second
      this.#reportDropped()
    }
    const keptBytes = this.#budget.take(chunk.length, linesIn(chunk), second)
    if (keptBytes > 0) this.#keep(chunk.subarray(0, keptBytes))
    if (keptBytes < chunk.length) this.#drop(chunk.subarray(keptBytes))
  }

  #keep(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(chunk)).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) this.#line(line)
    if (this.#rest.length > this.#budget.lineChars) {
      this.#line(this.#rest)
      this.#isCutting = true
      this.#rest = ''
    }
  }

  #line(line: string): void {
    // The rest of a line whose beginning was too long already.
    if (this.#isCutting) {
      this.#isCutting = false
      return
    }
    const { lineChars } = this.#budget
    this.#onLine(line.length > lineChars ? `${line.slice(0, lineChars)}… (line cut)` : line)
  }

  #reportDropped(): void {
    if (this.#droppedBytes === 0) return
    this.#onLine(`… (${this.#droppedBytes} bytes of output dropped: more than ${this.#budget.bytesPerSecond} a second)`)
    this.#droppedBytes = 0
  }

  /** The line that had begun is lost with it, and so is what follows up to the next line break. */
  #drop(chunk: Buffer): void {
    this.#droppedBytes += Buffer.byteLength(this.#rest + this.#decoder.end()) + chunk.length
    this.#rest = ''
    this.#isCutting = chunk.at(-1) !== NEWLINE
  }

  #end(): void {
    this.#reportDropped()
    const rest = this.#rest + this.#decoder.end()
    if (rest !== '' && !this.#isCutting) this.#onLine(rest)
  }
}

function linesIn(chunk: Buffer): number {
  let lines = 0
  for (let at = 0; at < chunk.length; at++) if (chunk[at] === NEWLINE) lines++
  return lines
}
