/** A real worker process spoken to in bare frames, without the parent's code: what docs/protocol.md says, tried out. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import { Journal } from '../../../warmpool/journal.ts'
import { commandOf } from '../../../warmpool/runtime.ts'
import { signalGroup, spawnWorker, type WorkerProcess } from '../../../warmpool/spawn.ts'
import { FrameReader } from '../../../warmpool/wire/frame-reader.ts'
import { FRAME } from '../../../warmpool/wire/frames.ts'
import type { Hello, Ready } from '../../../warmpool/wire/messages.ts'
import { Collector, type Frame, frame } from './frames-by-hand.ts'

export class RawWorker {
  readonly journal = new Journal()
  readonly process: WorkerProcess
  readonly whenGone: Promise<[code: number | null, signal: string | null]>
  readonly #collector = new Collector()
  #wake = (): void => {}

  constructor() {
    this.process = spawnWorker(commandOf('node'), this.journal.fd)
    this.whenGone = once(this.process.handle, 'exit') as Promise<[number | null, string | null]>
    const reader = new FrameReader(this.#collector.take)
    this.process.wire.on('data', (chunk: Buffer) => {
      reader.push(chunk)
      this.#wake()
    })
    this.process.wire.on('error', () => {})
    this.process.wire.on('close', () => this.#wake())
    this.process.stderr.pipe(process.stderr)
    onTestFinished(() => {
      signalGroup(this.process.pid, 'SIGKILL')
      this.journal.close()
    })
  }

  /** Boots, and loads a module that is given as its source. */
  static async loaded(source: string): Promise<RawWorker> {
    const worker = new RawWorker()
    await worker.load(source)
    return worker
  }

  async load(source: string, ring = false): Promise<{ hello: Hello; ready: Ready }> {
    const hello = await this.next()
    const folder = mkdtempSync(join(tmpdir(), 'raw-worker-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'index.mjs'), source)
    const entry = pathToFileURL(join(folder, 'index.mjs')).href
    this.send(
      frame(
        FRAME.load,
        0,
        JSON.stringify({ name: 'test', entry, cwd: null, format: null, handler: null, env: {}, ring }),
      ),
    )
    const ready = await this.next()
    if (hello.type !== FRAME.hello || ready.type !== FRAME.ready) throw new Error(`${hello.payload}\n${ready.payload}`)
    return { hello: JSON.parse(hello.payload.toString()), ready: JSON.parse(ready.payload.toString()) }
  }

  send(...frames: readonly Uint8Array[]): void {
    this.process.wire.write(Buffer.concat(frames))
  }

  /** The next frame that it sends. Throws when it closes its wire instead. */
  async next(): Promise<Frame> {
    while (this.#collector.frames.length === 0) {
      if (this.process.wire.closed) throw new Error('The worker has closed its wire')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#collector.frames.shift()!
  }
}

/** A `request` frame as it lies on the wire. */
export function requestFrame(id: number, head: string, body: string | Uint8Array = '', flags = 0): Buffer {
  const prefix = Buffer.alloc(9)
  prefix.writeUInt8(flags, 0)
  prefix.writeUInt32LE(1000, 1)
  prefix.writeUInt32LE(head.length, 5)
  return frame(FRAME.request, id, Buffer.concat([prefix, Buffer.from(head, 'latin1'), Buffer.from(body as Uint8Array)]))
}
