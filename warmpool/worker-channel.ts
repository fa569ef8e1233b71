/**
 * The parent's end of the wire to one worker. It cuts what comes into frames, and guarantees that only legal ones go
 * further: those of invocations to in-flight.ts, and what the worker tells of itself as messages that were checked: that
 * it has booted, that it has loaded the function or has not. Whatever else comes breaks the channel off. Here is also what
 * both share besides the socket: the journal, and the memory of large bodies.
 */
import type { Socket } from 'node:net'
import { allInForce, explained, withheld } from './confinement.ts'
import { Heartbeat } from './heartbeat.ts'
import type { InFlight } from './in-flight.ts'
import type { Journal } from './journal.ts'
import { clock } from './running-clock.ts'
import { RingReader, RingWriter, TO_PARENT, TO_WORKER } from './wire/body-ring.ts'
import { FrameReader } from './wire/frame-reader.ts'
import { FrameWriter, flushAfterThisRead } from './wire/frame-writer.ts'
import { FRAME, type FrameType, PROTOCOL_VERSION, ProtocolError } from './wire/frames.ts'
import {
  type Confined,
  type Confinement,
  type ErrorReport,
  type Hello,
  type Load,
  parseMessage,
  type Ready,
} from './wire/messages.ts'
import type { WorkerState } from './worker-state.ts'

/** What a worker tells of itself. */
export interface ChannelOwner {
  readonly state: WorkerState
  /** It boots no longer. `runtime`: with its version, as it says itself. */
  onHello(runtime: string): void
  /** It has loaded the function. `confined`: what holds it; null for what is trusted. */
  onReady(ready: Ready, confined: Confined | null, nowMs: number): void
  /** It has not loaded the function, and is about to say why. */
  onLoadFailing(): void
  onLoadFailed(report: ErrorReport): void
  /** It is in a state that it does not know: it finishes its calls, and is to be replaced. */
  onRetiring(): void
  /** It sent what it may not send. Nothing more will come. */
  onBrokenOff(what: string): void
}

export class WorkerChannel {
  readonly writer: FrameWriter
  readonly heartbeat: Heartbeat
  /** One time for all answers of a read: asking for it took longer than what most of them need. */
  readAtMs = 0
  readonly #wire: Socket
  readonly #journal: Journal
  readonly #inFlight: InFlight
  readonly #owner: ChannelOwner
  readonly #reader: FrameReader
  #hasJournal = false
  #confinement: Confinement | null = null
  #isClosed = false

  constructor(wire: Socket, journal: Journal, inFlight: InFlight, owner: ChannelOwner) {
    this.#wire = wire
    this.#journal = journal
    this.#inFlight = inFlight
    this.#owner = owner
    this.writer = new FrameWriter(wire)
    this.heartbeat = new Heartbeat(this.writer)
    this.#reader = new FrameReader(this.#onFrame.bind(this))
    wire.on('data', (chunk: Buffer) => this.#onBytes(chunk))
    wire.on('error', () => {})
  }

  /** Tells it which function it is from now on. */
  load(load: Omit<Load, 'ring'>): void {
    this.#confinement = load.confinement ?? null
    this.writer.json(FRAME.load, 0, { ...load, ring: this.#reader.ring !== null } satisfies Load)
    // Not at the turn's end: the new function is being waited for.
    this.writer.flush()
  }

  /** How many invocations have reached user code, also after the process's end; all may have where nobody counts. */
  begun(): number {
    return this.#hasJournal ? this.#journal.begun() : Number.POSITIVE_INFINITY
  }

  /** The process is gone: its descriptor may be another file's from now on, and its memory nobody's. */
  close(): void {
    this.#isClosed = true
    this.heartbeat.end()
    this.writer.ring = null
    this.#reader.ring = null
    this.#journal.close()
  }

  #onBytes(chunk: Buffer): void {
    if (this.#isClosed) return
    flushAfterThisRead()
    this.readAtMs = clock.now()
    try {
      this.#reader.push(chunk)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#wire.destroy()
      this.#owner.onBrokenOff(error.message)
    }
  }

  #onFrame(type: FrameType, id: number, chunk: Buffer, start: number, end: number): void {
    if (id === 0) return this.#onControl(type, chunk, start, end)
    this.#inFlight.onFrame(type, id, chunk, start, end)
  }

  #onControl(type: FrameType, chunk: Buffer, start: number, end: number): void {
    const { state } = this.#owner
    const nowMs = clock.now()
    if (type === FRAME.pong) this.heartbeat.onPong(nowMs)
    else if (type === FRAME.hello && state === 'starting') this.#onHello(parseMessage<Hello>(chunk, start, end))
    else if (type === FRAME.ready && state === 'loading') this.#onReady(parseMessage<Ready>(chunk, start, end), nowMs)
    else if (type === FRAME.loadFailed && state === 'loading') {
      this.#owner.onLoadFailing()
      this.#owner.onLoadFailed(explained(parseMessage<ErrorReport>(chunk, start, end)))
    } else if (type === FRAME.retire && (state === 'ready' || state === 'busy')) this.#owner.onRetiring()
    // A worker that is asked to drain may have crossed that with a message of its own.
    else if (state !== 'draining') throw new ProtocolError(`a frame of type ${type} while ${state}`)
  }

  #onHello(hello: Hello): void {
    if (hello.protocol !== PROTOCOL_VERSION)
      throw new ProtocolError(`it speaks version ${hello.protocol}, not ${PROTOCOL_VERSION}`)
    this.#hasJournal = hello.journal === true
    if (hello.ring === true && this.#journal.isInMemory) {
      this.writer.ring = new RingWriter(this.#journal.fd, TO_WORKER)
      this.#reader.ring = new RingReader(this.#journal.fd, TO_PARENT)
    }
    this.#owner.onHello(String(hello.runtime))
  }

  #onReady(ready: Ready, nowMs: number): void {
    const confined = allInForce(this.#confinement, ready.confined)
    const lacking = withheld(this.#confinement, confined)
    if (lacking !== null) throw new ProtocolError(lacking)
    this.#owner.onReady(ready, confined, nowMs)
  }
}
