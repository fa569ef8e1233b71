/**
 * One process of the runtime under test, started as the pool starts it and spoken to in bare frames. Whatever it sends
 * is held against the protocol before a check sees it.
 */
import { once } from 'node:events'
import { readSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { Journal } from '../../warmpool/journal.ts'
import { LogBudget, LogLines } from '../../warmpool/log-lines.ts'
import { type Command, signalGroup, spawnWorker, type WorkerProcess } from '../../warmpool/spawn.ts'
import { RingReader, RingWriter, TO_PARENT, TO_WORKER } from '../../warmpool/wire/body-ring.ts'
import { FrameReader } from '../../warmpool/wire/frame-reader.ts'
import { FLAG_MORE, FRAME, HEADER_BYTES, IN_RING, PROTOCOL_VERSION } from '../../warmpool/wire/frames.ts'
import { type Frame, frame } from '../warmpool/wire/frames-by-hand.ts'
import { Exchanges, hex } from './exchanges.ts'
import { Broken, expect, within } from './expectation.ts'

export interface UnderTest {
  readonly command: Command
  /** The fixture in the runtime's language. */
  readonly functionFile: string
  readonly format: string | null
  readonly handler: string | null
  /** What any step may take at most. */
  readonly patienceMs: number
}

export interface Answer {
  readonly status: number
  readonly fields: Readonly<Record<string, string>>
  readonly body: Buffer
}

export class Subject {
  readonly journal = new Journal()
  readonly printed: string[] = []
  readonly exchanges = new Exchanges()
  hello: Record<string, unknown> = {}
  ready: Record<string, unknown> = {}
  hasRing = false
  readonly #process: WorkerProcess
  readonly #exited: Promise<unknown[]>
  readonly #frames: Frame[] = []
  readonly #underTest: UnderTest
  #violation: Error | null = null
  #isClosed = false
  #wake = (): void => {}

  constructor(underTest: UnderTest) {
    this.#underTest = underTest
    this.#process = spawnWorker(underTest.command, this.journal.fd)
    const { handle, wire, stdout, stderr } = this.#process
    this.#exited = once(handle, 'exit')
    const budget = new LogBudget(1024 * 1024)
    new LogLines(stdout, budget, (line) => this.#onLine(line))
    new LogLines(stderr, budget, (line) => this.#onLine(line))
    const reader = new FrameReader((type, id, chunk, start, end) =>
      this.#onFrame({ type, id, payload: Buffer.from(chunk.subarray(start, end)) }),
    )
    reader.ring = new RingReader(this.journal.fd, TO_PARENT)
    wire.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk)
      } catch (error) {
        this.#violation ??= error as Error
      }
      this.#wake()
    })
    wire.on('error', () => {})
    wire.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  async boot(): Promise<void> {
    const { payload } = await this.next(FRAME.hello, 'no hello came')
    this.hello = objectIn(payload, 'hello')
    expect(this.hello.protocol === PROTOCOL_VERSION, `hello says protocol ${this.hello.protocol}`)
  }

  /** Sends `load` with these fields in place of the usual ones. */
  sendLoad(fields: Readonly<Record<string, unknown>> = {}): void {
    const { functionFile, format, handler } = this.#underTest
    const entry = pathToFileURL(functionFile).href
    const load = { name: 'conformance', entry, cwd: null, format, handler, command: null, memoryBytes: null }
    this.hasRing = fields.ring === true
    const env = { CONFORMANCE: 'set by load' }
    this.send(frame(FRAME.load, 0, JSON.stringify({ ...load, env, ring: false, ...fields })))
  }

  async load(fields: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.boot()
    this.sendLoad(fields)
    const { payload } = await this.next(FRAME.ready, 'neither ready nor loadFailed came')
    this.ready = objectIn(payload, 'ready')
  }

  send(...frames: readonly Uint8Array[]): void {
    this.#process.wire.write(Buffer.concat(frames))
  }

  request(id: number, method: string, target: string, body: Uint8Array | string = '', more = false): void {
    this.send(this.requestFrame(id, method, target, body, more))
  }

  /** The bytes of a request that is about to be sent. */
  requestFrame(id: number, method: string, target: string, body: Uint8Array | string = '', more = false): Buffer {
    const head = `conformance-${id}\n${method}\n${target}\nhost\nlocalhost\nx-conformance\n\u00e4`
    const prefix = Buffer.alloc(9)
    prefix.writeUInt8(more ? FLAG_MORE : 0, 0)
    prefix.writeUInt32LE(30_000, 1)
    prefix.writeUInt32LE(head.length, 5)
    const bytes = Buffer.from(body as Uint8Array)
    this.exchanges.sent(id, more ? bytes.length : 0)
    return frame(FRAME.request, id, Buffer.concat([prefix, Buffer.from(head, 'latin1'), bytes]))
  }

  /** A request whose whole body lies in the ring. */
  requestInRing(id: number, target: string, body: Buffer): RingWriter {
    const ring = new RingWriter(this.journal.fd, TO_WORKER)
    const request = this.requestFrame(id, 'POST', target, body).subarray(HEADER_BYTES)
    if (!ring.put(request)) throw new Error('The ring takes no body: is /dev/shm full?')
    const reference = Buffer.alloc(12)
    reference.writeUInt32LE(ring.offset, 0)
    reference.writeUInt32LE(request.length, 4)
    reference.writeUInt32LE(ring.mark, 8)
    this.send(frame(FRAME.request + IN_RING, id, reference))
    return ring
  }

  data(id: number, bytes: Uint8Array): void {
    this.exchanges.sentData(id, bytes.length)
    this.send(frame(FRAME.data, id, bytes))
  }

  end(id: number): void {
    this.send(frame(FRAME.end, id))
  }

  grant(id: number, bytes: number): void {
    const count = Buffer.alloc(4)
    count.writeUInt32LE(bytes)
    this.exchanges.granted(id, bytes)
    this.send(frame(FRAME.window, id, count))
  }

  /** The next frame, which must be of this type where one is named. */
  async next(
    type?: number,
    missing = `no frame${type === undefined ? '' : ` of type ${hex(type)}`} came`,
  ): Promise<Frame> {
    const found = await within(this.#take(missing), this.#underTest.patienceMs, missing)
    const isFitting = type === undefined || found.type === type
    expect(isFitting, `${missing}: ${hex(found.type)} came, ${found.payload.toString('latin1', 0, 300)}`)
    return found
  }

  /** Frames up to the first of these types; those before it are of no interest. */
  async nextOf(...types: readonly number[]): Promise<Frame> {
    for (;;) {
      const found = await this.next(undefined, `no frame of type ${types.map(hex).join(' or ')} came`)
      if (types.includes(found.type)) return found
    }
  }

  /** The whole answer to an invocation; what is taken of it is granted at once. */
  async answer(id: number): Promise<Answer> {
    const { type, payload } = await this.nextOf(FRAME.response, FRAME.failed)
    expect(type === FRAME.response, `invocation ${id} failed: ${payload}`)
    const headEnd = 7 + payload.readUInt32LE(3)
    const lines = payload.toString('latin1', 7, headEnd).split('\n')
    const fields = Object.fromEntries(lines.flatMap((name, at) => (at % 2 === 0 ? [[name, lines[at + 1] ?? '']] : [])))
    const parts = [payload.subarray(headEnd)]
    if ((payload[0]! & FLAG_MORE) !== 0) await this.#rest(id, parts)
    return { status: payload.readUInt16LE(1), fields, body: Buffer.concat(parts) }
  }

  /** An error report that ends an invocation. */
  async failure(): Promise<Record<string, unknown>> {
    const { payload } = await this.nextOf(FRAME.failed)
    return objectIn(payload, 'failed')
  }

  /** Answers a ping, with nothing between that this does not pass on. */
  async pong(): Promise<void> {
    this.send(frame(FRAME.ping, 0))
    await this.nextOf(FRAME.pong)
  }

  /** Resolves with the exit code, or the signal. */
  async gone(): Promise<unknown> {
    const [code, signal] = await within(this.#exited, this.#underTest.patienceMs, 'it did not exit')
    if (this.#violation !== null) throw this.#violation
    return code ?? signal
  }

  /** Up to where the worker says that it has taken what was put into its ring. */
  ringMark(): number {
    const mark = Buffer.alloc(4)
    readSync(this.journal.fd, mark, 0, 4, TO_WORKER.markAt)
    return mark.readUInt32LE()
  }

  closeWire(): void {
    this.#process.wire.destroy()
  }

  async line(text: string): Promise<void> {
    const come = async (): Promise<void> => {
      while (!this.printed.includes(text)) await this.#news()
    }
    await within(come(), this.#underTest.patienceMs, `the line "${text}" was not read from its output`)
  }

  dispose(): void {
    signalGroup(this.#process.pid, 'SIGKILL')
    this.#process.wire.destroy()
    this.journal.close()
  }

  async #rest(id: number, parts: Buffer[]): Promise<void> {
    for (;;) {
      const { type, payload } = await this.nextOf(FRAME.data, FRAME.end, FRAME.failed)
      expect(type !== FRAME.failed, `invocation ${id} broke off: ${payload}`)
      if (type === FRAME.end) return
      parts.push(payload)
      this.grant(id, payload.length)
    }
  }

  async #take(missing: string): Promise<Frame> {
    while (this.#frames.length === 0) {
      if (this.#violation !== null) throw this.#violation
      if (this.#isClosed) throw new Broken(`${missing}: it closed its wire. ${this.printed.slice(-5).join(' | ')}`)
      await this.#news()
    }
    return this.#frames.shift()!
  }

  #onFrame(found: Frame): void {
    if (found.id !== 0) this.exchanges.check(found.type, found.id, found.payload)
    else expect(CONTROL.has(found.type), `a frame of type ${hex(found.type)} without an invocation`)
    this.#frames.push(found)
  }

  #onLine(line: string): void {
    this.printed.push(line)
    this.#wake()
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

const CONTROL: ReadonlySet<number> = new Set([FRAME.hello, FRAME.ready, FRAME.loadFailed, FRAME.pong])

function objectIn(payload: Buffer, name: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(payload.toString())
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw new Broken(`${name} holds no JSON object: ${payload.toString('latin1', 0, 100)}`)
}
