/**
 * What a worker prints, cut into lines. The pipe is always read, so that a function never blocks on its own output,
 * and bounded: a very long line is cut with a mark, and more than a burst's worth per second is counted instead of
 * kept, so that a function that prints without end costs the gateway neither memory nor its log.
 */

import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

const MAX_LINE_CHARS = 8 * 1024
const MAX_BYTES_PER_SECOND = 256 * 1024
const NEWLINE = 0x0a

export class LogLines {
  readonly #onLine: (line: string) => void
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''
  #isCutting = false
  #second = 0
  #bytesThisSecond = 0
  #droppedBytes = 0

  constructor(stream: Readable, onLine: (line: string) => void) {
    this.#onLine = onLine
    stream.on('data', (chunk: Buffer) => this.#push(chunk, Math.floor(performance.now() / 1000)))
    stream.on('error', () => {})
    stream.once('close', () => this.#end())
  }

  #push(chunk: Buffer, second: number): void {
    if (second !== this.#second) {
      this.#second = second
      this.#bytesThisSecond = 0
      this.#reportDropped()
    }
    this.#bytesThisSecond += chunk.length
    if (this.#bytesThisSecond > MAX_BYTES_PER_SECOND) return this.#drop(chunk)
    const lines = (this.#rest + this.#decoder.write(chunk)).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) this.#line(line)
    if (this.#rest.length > MAX_LINE_CHARS) {
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
    this.#onLine(line.length > MAX_LINE_CHARS ? `${line.slice(0, MAX_LINE_CHARS)}… (line cut)` : line)
  }

  #reportDropped(): void {
    if (this.#droppedBytes === 0) return
    this.#onLine(`… (${this.#droppedBytes} bytes of output dropped: more than ${MAX_BYTES_PER_SECOND} a second)`)
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
