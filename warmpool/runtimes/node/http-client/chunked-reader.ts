/**
 * A body in chunks, as bytes come: gives the pieces of it, and knows where it ends. Strict: sizes are hexadecimal digits,
 * lines end with CRLF. Extensions and trailers are read over, up to a bound.
 */

type State = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailer' | 'trailer-lf' | 'done'

const CR = 0x0d
const LF = 0x0a
const SEMICOLON = 0x3b
const MOST_SIZE_DIGITS = 12
/** Zeros before a size are nothing but padding (RFC 9112, 7.1). */
const MOST_SIZE_ZEROS = 64
/** Of extensions, and of trailers. */
const MOST_IGNORED_BYTES = 8 * 1024

export class ChunkedReader {
  #state: State = 'size'
  #digits = 0
  #zeros = 0
  #left = 0
  #ignored = 0
  /** Bytes of the trailer line so far. */
  #lineBytes = 0

  get isDone(): boolean {
    return this.#state === 'done'
  }

  /**
   * Reads from `at` on, and adds to `pieces`, which lie where `bytes` does. Returns where it stopped: at the end of the
   * bytes, or right behind the body's. Throws what is wrong.
   */
  read(bytes: Buffer, at: number, pieces: Buffer[]): number {
    while (at < bytes.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const end = Math.min(at + this.#left, bytes.length)
        pieces.push(bytes.subarray(at, end))
        this.#left -= end - at
        at = end
        if (this.#left === 0) this.#state = 'data-cr'
      } else this.#step(bytes[at++]!)
    }
    return at
  }

  #step(byte: number): void {
    switch (this.#state) {
      case 'size': {
        const digit = hexDigit(byte)
        if (digit >= 0) {
          if (digit === 0 && this.#digits === 0) this.#zeros++
          else this.#digits++
          if (this.#digits > MOST_SIZE_DIGITS) throw new Error('a chunk is longer than any body')
          if (this.#zeros > MOST_SIZE_ZEROS) throw new Error('a chunk has too many zeros before its size')
          this.#left = this.#left * 16 + digit
        } else if (this.#digits + this.#zeros === 0 || (byte !== CR && byte !== SEMICOLON))
          throw new Error('a chunk has no size')
        else this.#state = byte === CR ? 'size-lf' : 'extension'
        return
      }
      case 'extension':
        if (byte === CR) this.#state = 'size-lf'
        else this.#ignore(byte)
        return
      case 'size-lf':
        expectByte(byte, LF)
        this.#digits = 0
        this.#zeros = 0
        this.#state = this.#left > 0 ? 'data' : 'trailer'
        return
      case 'data-cr':
        expectByte(byte, CR)
        this.#state = 'data-lf'
        return
      case 'data-lf':
        expectByte(byte, LF)
        this.#state = 'size'
        return
      case 'trailer':
        if (byte === CR) {
          this.#state = 'trailer-lf'
          return
        }
        this.#lineBytes++
        return this.#ignore(byte)
      case 'trailer-lf':
        expectByte(byte, LF)
        this.#state = this.#lineBytes === 0 ? 'done' : 'trailer'
        this.#lineBytes = 0
        return
    }
  }

  #ignore(byte: number): void {
    if (byte === LF) throw new Error('a line ends without CR')
    if (++this.#ignored > MOST_IGNORED_BYTES) throw new Error('it has too long extensions or trailers')
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

function expectByte(byte: number, expected: number): void {
  if (byte !== expected) throw new Error('a chunk does not end where it said')
}
