/**
 * Request bodies out of a connection's bytes, by length or in chunks. A reader takes what is the body's and nothing
 * behind it, so that no byte of a body can become a request; what is not exactly a chunk throws (RFC 9112, 7.1). However
 * small the chunks are, what came with one read is handed on as one piece.
 */

import { allocateBody } from '../../../warmpool/index.ts'

export interface BodySink {
  /** The chunk is the sink's own. */
  onBody(chunk: Buffer): void
}

export interface BodyReader {
  readonly isEnded: boolean
  /** Takes bytes from `at` on and returns where it stopped: at the chunk's end, or behind the body. Throws BodyMistake. */
  read(bytes: Buffer, at: number, sink: BodySink): number
}

/** `message` says what is wrong, for the caller. */
export class BodyMistake extends Error {
  override name = 'BodyMistake'
}

export class LengthBody implements BodyReader {
  #left: number

  constructor(bytes: number) {
    this.#left = bytes
  }

  get isEnded(): boolean {
    return this.#left === 0
  }

  read(bytes: Buffer, at: number, sink: BodySink): number {
    const end = Math.min(bytes.length, at + this.#left)
    this.#left -= end - at
    sink.onBody(ownBytes(bytes, at, end))
    return end
  }
}

/** A copy: what was read is used again for the next read. */
function ownBytes(bytes: Buffer, at: number, end: number): Buffer {
  const own = allocateBody(end - at)
  bytes.copy(own, 0, at, end)
  return own
}

/**
 * 13 digits of a size stay below what a number can count. Up to 64 zeros may come before them: writers that leave room
 * for a size pad it (RFC 9112, 7.1), and no padding may be larger than what it announces for long.
 */
const SIZE = /^(?=[0-9a-f])(?!0{65})0*[0-9a-f]{0,13}(?=[\t ;]|$)/i
/** A name, and perhaps a value; blanks are allowed around their signs and nowhere else (RFC 9112, 7.1.1). */
const EXTENSIONS =
  /^(?:[\t ]*;[\t ]*[\w!#$%&'*+.^`|~-]+(?:[\t ]*=[\t ]*(?:[\w!#$%&'*+.^`|~-]+|"(?:[\t !\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"))?)*$/
const TRAILER_LINE = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+:[\t\x20-\x7e\x80-\xff]*$/
const LONGEST_LINE = 4 * 1024
const MOST_TRAILER_BYTES = 16 * 1024
/** Of a whole body: extensions are nobody's, and count for no limit of the body's. */
const MOST_EXTENSION_BYTES = 16 * 1024
/** Below that a call costs more than its bytes. */
const COPIED_NATIVELY = 16
const CR = 0x0d
const LF = 0x0a

type ChunkedState = 'size' | 'data' | 'data-cr' | 'data-lf' | 'trailer' | 'ended'

export class ChunkedBody implements BodyReader {
  #state: ChunkedState = 'size'
  /** The beginning of a line that has not come whole. */
  #line = ''
  #left = 0
  #trailerBytes = 0
  #extensionBytes = 0
  /** Where the data lies in the bytes of this read: start and end in turn. */
  readonly #pieces: number[] = []

  get isEnded(): boolean {
    return this.#state === 'ended'
  }

  read(bytes: Buffer, at: number, sink: BodySink): number {
    try {
      while (at < bytes.length && this.#state !== 'ended') at = this.#step(bytes, at)
    } finally {
      // What came before a mistake is handed on, too.
      if (this.#pieces.length > 0) sink.onBody(this.#takePieces(bytes))
    }
    return at
  }

  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'data':
        return this.#readData(bytes, at)
      case 'data-cr':
        return this.#expect(bytes[at] === CR, 'data-lf', at)
      case 'data-lf':
        return this.#expect(bytes[at] === LF, 'size', at)
      case 'size':
        return this.#readSize(bytes, at)
      default:
        return this.#readLine(bytes, at)
    }
  }

  #readData(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left)
    this.#left -= end - at
    if (this.#left === 0) this.#state = 'data-cr'
    this.#pieces.push(at, end)
    return end
  }

  /** One copy of all of them: a chunk of a byte would else be an object and a frame of its own on all its way. */
  #takePieces(bytes: Buffer): Buffer {
    const pieces = this.#pieces
    let length = 0
    for (let at = 0; at < pieces.length; at += 2) length += pieces[at + 1]! - pieces[at]!
    const own = allocateBody(length)
    let filled = 0
    for (let at = 0; at < pieces.length; at += 2) {
      const [start, end] = [pieces[at]!, pieces[at + 1]!]
      if (end - start >= COPIED_NATIVELY) filled += bytes.copy(own, filled, start, end)
      else for (let from = start; from < end; from++) own[filled++] = bytes[from]!
    }
    pieces.length = 0
    return own
  }

  #expect(isThere: boolean, next: ChunkedState, at: number): number {
    if (!isThere) throw new BodyMistake('It is not valid HTTP: a chunk is longer than its size')
    this.#state = next
    return at + 1
  }

  /** Most sizes: a few digits and the line's end, all of it there. Chunks may be as small as a byte. */
  #readSize(bytes: Buffer, at: number): number {
    let size = 0
    let end = at
    for (let digit = hexDigit(bytes[end]); digit >= 0 && end - at < 8; digit = hexDigit(bytes[++end]))
      size = size * 16 + digit
    if (this.#line !== '' || end === at || bytes[end] !== CR || bytes[end + 1] !== LF) return this.#readLine(bytes, at)
    this.#begin(size)
    return end + 2
  }

  #begin(size: number): void {
    this.#left = size
    this.#state = size === 0 ? 'trailer' : 'data'
  }

  #readLine(bytes: Buffer, at: number): number {
    const lineFeedAt = bytes.indexOf(LF, at)
    const end = lineFeedAt < 0 ? bytes.length : lineFeedAt
    if (this.#line.length + end - at > LONGEST_LINE)
      throw new BodyMistake('It is not valid HTTP: a line between its chunks is too long')
    this.#line += bytes.toString('latin1', at, end)
    if (lineFeedAt < 0) return end
    const line = this.#line
    this.#line = ''
    if (!line.endsWith('\r')) throw new BodyMistake('It is not valid HTTP: a line between its chunks ends without CRLF')
    if (this.#state === 'size') this.#onSize(line.slice(0, -1))
    else this.#onTrailer(line.slice(0, -1))
    return end + 1
  }

  #onSize(line: string): void {
    const digits = SIZE.exec(line)?.[0]
    if (digits === undefined) throw new BodyMistake('It is not valid HTTP: the size of a chunk is no number')
    if (line.length > digits.length) this.#onExtensions(line.slice(digits.length))
    this.#begin(Number.parseInt(digits, 16))
  }

  /** They are checked and dropped. */
  #onExtensions(text: string): void {
    this.#extensionBytes += text.length
    if (!EXTENSIONS.test(text))
      throw new BodyMistake('It is not valid HTTP: what follows the size of a chunk is no extension')
    if (this.#extensionBytes > MOST_EXTENSION_BYTES)
      throw new BodyMistake('Its chunks have more extensions than this server takes')
  }

  /** Trailers are checked and dropped: nobody here waits for them. */
  #onTrailer(line: string): void {
    if (line === '') {
      this.#state = 'ended'
      return
    }
    this.#trailerBytes += line.length
    if (!TRAILER_LINE.test(line) || this.#trailerBytes > MOST_TRAILER_BYTES)
      throw new BodyMistake('It is not valid HTTP: what follows its last chunk are no headers')
  }
}

/** -1: it is none, or there is no byte. */
function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
