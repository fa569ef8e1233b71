/**
 * One connection to a program: writes requests, one at a time, and reads each response out of the bytes, strictly. All
 * connections read into one buffer. Whatever cannot be understood ends the connection, so that no bytes are ever taken
 * for the answer to another request.
 */
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { ChunkedReader } from './chunked-reader.ts'
import { type ResponseHead, readResponseHead } from './response-head.ts'

export type Address = { readonly path: string } | { readonly host: string; readonly port: number }

/** Who waits for a response. Bytes are good until the method returns. */
export interface ResponseReader {
  /** There is no body, whatever the head says. */
  readonly isToHead: boolean
  /** The request has been written wholly. */
  readonly isSent: boolean
  onWhole(head: ResponseHead, body: Buffer | null): void
  onHead(head: ResponseHead): void
  /** False: `resume` is called when more can be taken. */
  onBody(bytes: Buffer): boolean
  onEnd(): void
  onMistake(what: string): void
  /** The connection ended before the response did. `hasBegun`: some of it had come. */
  onLost(error: NodeJS.ErrnoException | null, hasBegun: boolean): void
}

export interface ConnectionOwner {
  /** It may be used for another request. */
  onFree(connection: Connection): void
  /** It is no longer of any use. */
  onGone(connection: Connection): void
}

const READ_BYTES = 64 * 1024
const MOST_HEAD_BYTES = 64 * 1024
const HEAD_END = Buffer.from('\r\n\r\n')

const shared = Buffer.allocUnsafeSlow(READ_BYTES)

/** What is read next. */
type State = 'head' | 'length' | 'chunked' | 'close'

export class Connection {
  /** When its last response was whole. */
  freeSinceMs = 0
  /** How long the program keeps it open when nothing comes. */
  keepAliveMs: number
  isConnected = false
  readonly #owner: ConnectionOwner
  readonly #socket: Socket
  #reader: ResponseReader | null = null
  #state: State = 'head'
  #head: ResponseHead | null = null
  /** A head that is not whole yet. */
  #rest: Buffer | null = null
  #leftBytes = 0
  #chunks: ChunkedReader | null = null
  #hasBegun = false
  #error: NodeJS.ErrnoException | null = null
  #wake: (() => void) | null = null

  constructor(address: Address, owner: ConnectionOwner, keepAliveMs: number) {
    this.#owner = owner
    this.keepAliveMs = keepAliveMs
    const callback = (length: number): boolean => {
      this.#onBytes(shared.subarray(0, length))
      return true
    }
    const socket = connect({ ...address, noDelay: true, onread: { buffer: shared, callback } } as NetConnectOpts)
    this.#socket = socket
    socket.on('connect', () => {
      this.isConnected = true
      this.#notify()
    })
    socket.on('drain', () => this.#notify())
    socket.on('end', () => owner.onGone(this))
    socket.on('error', (error) => {
      this.#error = error
    })
    socket.on('close', () => this.#onClose())
    socket.resume()
  }

  /** Whoever is to get the next response; the request is written right after. */
  take(reader: ResponseReader): void {
    this.#reader = reader
    this.#state = 'head'
    this.#hasBegun = false
  }

  /** False: wait until {@link ready}. */
  write(piece: string | Uint8Array): boolean {
    return typeof piece === 'string' ? this.#socket.write(piece, 'latin1') : this.#socket.write(piece)
  }

  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  /** Resolves when it is connected and takes more, or is gone. */
  async ready(): Promise<void> {
    while ((!this.isConnected || this.#socket.writableNeedDrain) && !this.#socket.destroyed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /**
   * Right after the first `write` of a request: the kernel refused it as a whole, so not one byte of it has left. Node
   * notes the error of a write that fails at once before `write` returns, and one that fails later afterwards.
   */
  get hasFailed(): boolean {
    return this.#socket.errored !== null || this.#socket.destroyed
  }

  get isDestroyed(): boolean {
    return this.#socket.destroyed
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Nobody waits for its response any more. */
  destroy(): void {
    this.#reader = null
    this.#owner.onGone(this)
    this.#socket.destroy()
  }

  #notify(): void {
    this.#wake?.()
    this.#wake = null
  }

  #onBytes(bytes: Buffer): void {
    const reader = this.#reader
    // Something that nobody asked for.
    if (reader === null) return this.destroy()
    this.#hasBegun = true
    if (this.#state === 'head') this.#onHeadBytes(reader, bytes)
    else this.#onBodyBytes(reader, bytes)
  }

  #onHeadBytes(reader: ResponseReader, read: Buffer): void {
    let bytes = read
    if (this.#rest !== null) {
      bytes = Buffer.concat([this.#rest, read])
      this.#rest = null
    }
    for (;;) {
      const end = bytes.indexOf(HEAD_END)
      if (end < 0 || end > MOST_HEAD_BYTES) {
        if (bytes.length > MOST_HEAD_BYTES)
          return this.#break(reader, `its head is longer than ${MOST_HEAD_BYTES} bytes`)
        this.#rest = Buffer.from(bytes)
        return
      }
      const head = readResponseHead(bytes.toString('latin1', 0, end))
      if (head.mistake !== null) return this.#break(reader, head.mistake)
      bytes = bytes.subarray(end + HEAD_END.length)
      if (head.status >= 200) return this.#onHead(reader, head, bytes)
      if (head.status === 101) return this.#break(reader, 'it has status 101, and nobody asked for another protocol')
    }
  }

  #onHead(reader: ResponseReader, head: ResponseHead, bytes: Buffer): void {
    this.#head = head
    if (hasNoBody(reader, head)) return this.#whole(reader, head, null, bytes.length)
    this.#state = head.framing
    if (head.framing === 'length') {
      if (bytes.length >= head.lengthBytes) {
        const body = bytes.length === head.lengthBytes ? bytes : bytes.subarray(0, head.lengthBytes)
        return this.#whole(reader, head, body, bytes.length - head.lengthBytes)
      }
      this.#leftBytes = head.lengthBytes
    } else if (head.framing === 'chunked') {
      return this.#onFirstChunks(reader, head, bytes)
    }
    reader.onHead(head)
    if (bytes.length > 0) this.#onBodyBytes(reader, bytes)
  }

  /** Many bodies in chunks are there whole: those need no stream. */
  #onFirstChunks(reader: ResponseReader, head: ResponseHead, bytes: Buffer): void {
    this.#chunks = new ChunkedReader()
    const pieces: Buffer[] = []
    const end = this.#readChunks(reader, this.#chunks, bytes, pieces)
    if (end < 0) return
    if (this.#chunks.isDone) {
      const body = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
      return this.#whole(reader, head, body, bytes.length - end)
    }
    reader.onHead(head)
    for (const piece of pieces) if (!reader.onBody(piece)) this.#socket.pause()
  }

  #onBodyBytes(reader: ResponseReader, bytes: Buffer): void {
    if (this.#state === 'length') {
      const body = bytes.length > this.#leftBytes ? bytes.subarray(0, this.#leftBytes) : bytes
      this.#leftBytes -= body.length
      if (!reader.onBody(body)) this.#socket.pause()
      if (this.#leftBytes === 0) this.#end(reader, bytes.length - body.length)
    } else if (this.#state === 'close') {
      if (!reader.onBody(bytes)) this.#socket.pause()
    } else {
      const pieces: Buffer[] = []
      const end = this.#readChunks(reader, this.#chunks!, bytes, pieces)
      for (const piece of pieces) if (!reader.onBody(piece)) this.#socket.pause()
      if (end >= 0 && this.#chunks!.isDone) this.#end(reader, bytes.length - end)
    }
  }

  /** -1: it was not understood, and the reader knows. */
  #readChunks(reader: ResponseReader, chunks: ChunkedReader, bytes: Buffer, pieces: Buffer[]): number {
    try {
      return chunks.read(bytes, 0, pieces)
    } catch (error) {
      pieces.length = 0
      this.#break(reader, (error as Error).message)
      return -1
    }
  }

  #whole(reader: ResponseReader, head: ResponseHead, body: Buffer | null, extraBytes: number): void {
    this.#release(reader, extraBytes)
    reader.onWhole(head, body)
  }

  #end(reader: ResponseReader, extraBytes: number): void {
    this.#release(reader, extraBytes)
    reader.onEnd()
  }

  #release(reader: ResponseReader, extraBytes: number): void {
    const head = this.#head!
    const isDelimited = head.framing !== 'close' || hasNoBody(reader, head)
    this.#chunks = null
    this.#reader = null
    if (extraBytes > 0 || !head.isKeepAlive || !reader.isSent || !isDelimited) return this.destroy()
    if (head.keepAliveMs !== null) this.keepAliveMs = head.keepAliveMs
    this.#socket.resume()
    this.#owner.onFree(this)
  }

  #break(reader: ResponseReader, what: string): void {
    this.destroy()
    reader.onMistake(what)
  }

  #onClose(): void {
    this.#owner.onGone(this)
    this.#notify()
    const reader = this.#reader
    this.#reader = null
    if (reader === null) return
    if (this.#state === 'close' && this.#error === null) return reader.onEnd()
    this.#chunks = null
    reader.onLost(this.#error, this.#hasBegun)
  }
}

function hasNoBody(reader: ResponseReader, { status }: ResponseHead): boolean {
  return reader.isToHead || status === 204 || status === 304
}
