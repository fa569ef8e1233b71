/**
 * One call on its way through a program: the request goes out, the answer comes back as it comes, each no faster than
 * its reader takes it. A kept connection may turn out closed before any of the answer came: then the call is sent once
 * more, over a new connection, where `mayRepeat` allows it and the body is still here. It ends exactly once.
 */
import type { Call } from '../call.ts'
import type { Answerer } from '../outgoing-body.ts'
import { type Program, ProgramError } from '../programs/program.ts'
import type { ProgramClient } from './client.ts'
import type { Connection, ResponseReader } from './connection.ts'
import { mayRepeat } from './repeating.ts'
import { requestText } from './request-text.ts'
import type { ResponseHead } from './response-head.ts'

/** A head and a body up to this long go out in one piece. */
const ONE_PIECE_BYTES = 16 * 1024
/** The program's own queue of connections is full (EAGAIN on a unix socket): it is asked again after so long. */
const CROWDED_PAUSE_MS = 5
/** From a program's last connection to its exit. */
const CRASH_MS = 1_000
const LAST_CHUNK = '0\r\n\r\n'

export interface Forwarding {
  readonly client: ProgramClient
  readonly program: Program
  /** Calls that have not ended. */
  calls: number
}

export class ForwardedCall implements ResponseReader, Answerer {
  readonly isToHead: boolean
  isSent = false
  readonly #call: Call
  readonly #through: Forwarding
  #connection: Connection | null = null
  /** The request as it is written, where it may be written again. */
  #request: string | Buffer = ''
  #wholeBody: Buffer | null = null
  #isReused = false
  /** The kernel took some of the request: the program may have read it. */
  #isWritten = false
  #hasAnswerBegun = false
  /** What the parent has not granted yet. */
  #pending: Buffer[] = []
  #isBodyOver = false
  #isOver = false

  constructor(call: Call, through: Forwarding) {
    this.#call = call
    this.#through = through
    this.isToHead = call.isToHead
    through.calls++
    call.answerer = this
  }

  start(): void {
    const { body, lines } = this.#call
    const whole = body.isAbsent ? null : body.isWhole ? body.takeToRead() : undefined
    const { text, isChunked, isUpgrade } = requestText(lines, whole === null ? 'none' : (whole?.length ?? 'coming'))
    if (isUpgrade) return this.#refuseUpgrade()
    this.#request = text
    if (whole === undefined) return this.#sendComing(isChunked)
    if (whole !== null) this.#join(text, whole)
    this.#send(this.#through.client.takeOpen(performance.now()))
  }

  // What the connection tells.

  onWhole(head: ResponseHead, body: Buffer | null): void {
    this.#over()
    this.#call.answerBorrowed(head.status, head.text, body)
  }

  onHead(head: ResponseHead): void {
    this.#hasAnswerBegun = true
    this.#call.begin(head.status, head.text)
  }

  onBody(bytes: Buffer): boolean {
    const taken = this.#pending.length > 0 ? 0 : this.#call.write(bytes)
    if (taken === bytes.length) return true
    this.#pending.push(Buffer.from(bytes.subarray(taken)))
    return false
  }

  onEnd(): void {
    this.#isBodyOver = true
    this.#connection = null
    if (this.#pending.length === 0) this.#finish()
  }

  onMistake(what: string): void {
    const code = this.#hasAnswerBegun ? 'response-aborted' : 'not-a-response'
    this.#fail(code, `The program's answer to ${this.#words} is not valid HTTP: ${what}`)
  }

  onLost(error: NodeJS.ErrnoException | null, hasBegun: boolean): void {
    const wasConnected = this.#connection!.isConnected
    this.#connection = null
    if (this.#isOver) return
    if (!wasConnected && error?.code === 'EAGAIN') {
      setTimeout(() => this.#isOver || this.#send(null), CROWDED_PAUSE_MS)
      return
    }
    if (this.#isReused && !hasBegun && mayRepeat(this.#call.lines, this.#isWritten)) return this.#send(null)
    void this.#onBroken(wasConnected, hasBegun, error)
  }

  // What the caller does meanwhile.

  onWritable(): void {
    while (this.#pending.length > 0) {
      const first = this.#pending[0]!
      const taken = this.#call.write(first)
      if (taken < first.length) {
        this.#pending[0] = first.subarray(taken)
        return
      }
      this.#pending.shift()
    }
    if (this.#isBodyOver) this.#finish()
    else this.#connection?.resume()
  }

  onCancelled(): void {
    this.#fail('cancelled', 'The caller has left')
  }

  get #words(): string {
    const { lines } = this.#call
    return `${lines[1]} ${lines[2]!.slice(0, 200)}`
  }

  #join(text: string, body: Buffer): void {
    if (body.length > ONE_PIECE_BYTES) {
      this.#wholeBody = Buffer.from(body)
      return
    }
    const request = Buffer.allocUnsafe(text.length + body.length)
    request.write(text, 0, 'latin1')
    request.set(body, text.length)
    this.#request = request
  }

  /** Over a connection that is open, or else over a new one. */
  #send(open: Connection | null): void {
    this.#isReused = open !== null
    const connection = this.#open(open)
    this.isSent = true
    if (this.#wholeBody === null) connection.write(this.#request)
    else {
      connection.cork()
      connection.write(this.#request)
      connection.write(this.#wholeBody)
      connection.uncork()
    }
    this.#isWritten = !connection.hasFailed
  }

  #open(open: Connection | null): Connection {
    const connection = open ?? this.#through.client.open()
    this.#connection = connection
    connection.take(this)
    return connection
  }

  /** Always over a new connection: what was read of a body cannot be sent again. */
  #sendComing(isChunked: boolean): void {
    void this.#pump(this.#open(null), isChunked).catch(() => {
      // The caller has left, or the call is over: what was sent of the request is of no use.
      if (!this.#isOver) this.#fail('cancelled', 'The caller has left before its request was whole')
    })
  }

  async #pump(connection: Connection, isChunked: boolean): Promise<void> {
    const { body } = this.#call
    await connection.ready()
    connection.write(this.#request as string)
    for (let chunk = await body.next(); chunk !== null; chunk = await body.next()) {
      if (isChunked) connection.write(`${chunk.length.toString(16)}\r\n`)
      connection.write(chunk)
      if (isChunked) connection.write('\r\n')
      await connection.ready()
      if (this.#connection !== connection) return
    }
    if (isChunked) connection.write(LAST_CHUNK)
    this.isSent = true
  }

  async #onBroken(wasConnected: boolean, hasBegun: boolean, error: NodeJS.ErrnoException | null): Promise<void> {
    const { program, client } = this.#through
    // A lost connection is often the first that is seen of a crash: then this worker ends with it, and with its calls.
    if (!(await client.isAccepted()) && (await program.endsWithin(CRASH_MS))) return
    const why = error === null ? '' : ` (${error.message})`
    if (!wasConnected) this.#fail('handler-threw', `The program runs, but accepts no connections any more${why}`)
    else if (!hasBegun)
      this.#fail('handler-threw', `The program closed the connection without answering ${this.#words}${why}`)
    else if (this.#hasAnswerBegun)
      this.#fail(
        'response-aborted',
        `The program closed the connection in the middle of its answer to ${this.#words}${why}`,
      )
    else
      this.#fail(
        'not-a-response',
        `The program closed the connection within the head of its answer to ${this.#words}${why}`,
      )
  }

  #refuseUpgrade(): void {
    this.#over()
    const text = 'Functions cannot change the protocol (upgrade, WebSocket): a call is one request and one response\n'
    this.#call.answer(501, 'content-type\ntext/plain; charset=utf-8', Buffer.from(text))
  }

  #finish(): void {
    this.#over()
    this.#call.finish()
  }

  #fail(code: Parameters<Call['fail']>[0], message: string): void {
    if (this.#isOver) return
    const connection = this.#connection
    this.#over()
    connection?.destroy()
    this.#call.fail(code, new ProgramError(message))
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#connection = null
    this.#through.calls--
  }
}
