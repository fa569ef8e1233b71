/**
 * A hostile parent at a real Node worker: whatever comes, the worker goes on answering or exits by itself, and it exits
 * when its wire ends; it neither hangs nor holds on to what nobody waits for.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { Journal } from '../../warmpool/journal.ts'
import { commandOf } from '../../warmpool/runtime.ts'
import { signalGroup, spawnWorker, type WorkerProcess } from '../../warmpool/spawn.ts'
import { FrameReader } from '../../warmpool/wire/frame-reader.ts'
import { FRAME } from '../../warmpool/wire/frames.ts'
import { rssBytesOf } from '../e2e/processes.ts'
import { frame } from '../warmpool/wire/frames-by-hand.ts'
import { framesToWorker } from './frame-bytes.ts'
import { type Input, type Target, within } from './target.ts'

const ECHO = 'export default async (request) => new Response(await request.text())\n'
/** An idle one has some 50 MB; an input holds 8 frames of at most 4 MiB. */
const MOST_RSS_BYTES = 400 * 1024 * 1024

class Victim {
  readonly process: WorkerProcess
  readonly whenGone: Promise<unknown>
  isGone = false
  readonly #journal = new Journal()
  readonly #heard = new Map<number, () => void>()

  constructor() {
    this.process = spawnWorker(commandOf('node'), this.#journal.fd)
    const { handle, wire, stdout, stderr } = this.process
    this.whenGone = once(handle, 'exit').then(() => {
      this.isGone = true
      this.#journal.close()
    })
    const reader = new FrameReader((type) => this.#heard.get(type)?.())
    wire.on('data', (chunk: Buffer) => reader.push(chunk))
    wire.on('error', () => {})
    stdout.resume()
    stderr.resume()
  }

  send(bytes: Buffer): void {
    this.process.wire.write(bytes)
  }

  /** Resolves when such a frame comes, or when it is gone. */
  async hears(type: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#heard.set(type, resolve)
    await Promise.race([promise, this.whenGone])
  }
}

export class FramesToWorker implements Target {
  readonly name = 'frames-to-worker'
  readonly atOnce = 1
  readonly make = framesToWorker
  #folder = ''
  #victim: Victim | null = null

  async start(): Promise<void> {
    this.#folder = mkdtempSync(join(tmpdir(), 'wrangler-free-fuzz-'))
    writeFileSync(join(this.#folder, 'index.mjs'), ECHO)
  }

  check(input: Input): Promise<string | null> {
    return within('an answer to a ping, or an end', this.#check(input))
  }

  async stop(): Promise<string | null> {
    rmSync(this.#folder, { recursive: true })
    const victim = this.#victim
    if (victim === null || victim.isGone) return null
    victim.process.wire.destroy()
    const whenGone = victim.whenGone.then(() => null)
    return within('the end of a worker without a parent', whenGone).finally(() =>
      signalGroup(victim.process.pid, 'SIGKILL'),
    )
  }

  async #check(input: Input): Promise<string | null> {
    const victim = await this.#loaded()
    for (const piece of input) {
      if (victim.isGone) break
      victim.send(piece)
      await turn()
    }
    // A header may have announced more than was sent: zeros are its payload, and then frames that are none.
    const pong = victim.hears(FRAME.pong)
    victim.send(frame(FRAME.ping, 0))
    const padded = setTimeout(() => victim.send(Buffer.alloc(4 * 1024 * 1024 + 8)), 50)
    await pong
    clearTimeout(padded)
    if (victim.isGone) return null
    const rssBytes = rssBytesOf(victim.process.pid)
    return rssBytes > MOST_RSS_BYTES ? `it holds ${rssBytes} bytes` : null
  }

  async #loaded(): Promise<Victim> {
    if (this.#victim !== null && !this.#victim.isGone) return this.#victim
    const victim = new Victim()
    this.#victim = victim
    await victim.hears(FRAME.hello)
    const entry = pathToFileURL(join(this.#folder, 'index.mjs')).href
    const load = { name: 'echo', entry, cwd: null, format: null, handler: null, command: null, env: {}, ring: true }
    victim.send(frame(FRAME.load, 0, JSON.stringify(load)))
    await victim.hears(FRAME.ready)
    return victim
  }
}
