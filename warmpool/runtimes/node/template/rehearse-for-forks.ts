/**
 * What a template does so that no fork of it has to: loads and calls until V8 has compiled them, and then as many calls as a
 * busy worker gets in two seconds, over a socket, until what V8 has made fast of them is what every fork begins with.
 * No user code is involved, and nothing is left but compiled code, which a template is told to keep.
 */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { type FrameHandler, FrameReader } from '../../../wire/frame-reader.ts'
import { FrameWriter } from '../../../wire/frame-writer.ts'
import { FRAME } from '../../../wire/frames.ts'
import { garbageCollector } from '../../../wire/garbage-collector.ts'
import { socketOf, socketPair } from '../../../wire/socket-pair.ts'
import { Calls } from '../calls.ts'
import { type Channel, openChannel } from '../channel.ts'
import type { Exports, Handler } from '../formats/format.ts'
import { chooseFormat } from '../formats/index.ts'
import { REHEARSED_HEAD, REHEARSED_LOAD, rehearse } from '../rehearse.ts'

const LOADS = 8
const CALLS_AT_ONCE = 64
const CALLS_A_TURN = 32 * CALLS_AT_ONCE
/** Some sixty thousand calls, which take half a second; a slow machine has done enough by then. */
const TURNS = 30
const MOST_BUSY_MS = 1_500
const GET = 'rehearsal\nGET\n/path\nhost\nlocalhost'
const JOURNAL_BYTES = 4096

/** So often that it is compiled, with a module in a file as functions are; and what is left of it is collected. */
export async function rehearseForForks(): Promise<void> {
  for (let load = 0; load < LOADS; load++) await rehearse()
  await rehearseImports()
  garbageCollector()({ type: 'major', flavor: 'last-resort' })
}

async function rehearseImports(): Promise<void> {
  let folder: string | null = null
  try {
    folder = mkdtempSync(join(tmpdir(), 'wrangler-free-rehearsal-'))
    for (let load = 0; load < LOADS; load++) {
      const file = join(folder, `${load}.mjs`)
      writeFileSync(file, 'export default 0')
      await import(pathToFileURL(file).href)
    }
  } catch {
    // A full disk, perhaps: the first calls take longer.
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * To be called after what collects: V8's last resort throws away what it has made fast. `onFrame` is to hand frames to the
 * calls that `take` got last. All there is twice, and several handlers: what V8 has seen only one of, it takes for the
 * only one, and throws away what it made of that when a fork comes with its own.
 */
export async function rehearseBusyCalls(onFrame: FrameHandler, take: (calls: Calls) => void): Promise<void> {
  const handlers = await rehearsedHandlers()
  const journal = openJournal()
  if (journal === null) return
  const requests = requestsAtOnce()
  const lines = [1, 2].map(() => new RehearsedLine(journal, requests, onFrame))
  const untilMs = performance.now() + MOST_BUSY_MS
  for (let turn = 0; turn < TURNS && performance.now() < untilMs; turn++) {
    const line = lines[turn % lines.length]!
    line.calls.handler = handlers[turn % handlers.length]!
    take(line.calls)
    await line.call()
  }
  // All have left the event loop, or a fork would not get one of its own.
  await Promise.all(lines.map((line) => line.close()))
  closeSync(journal)
}

/** Both ends of a worker's wire. */
class RehearsedLine {
  readonly calls: Calls
  readonly #requests: Buffer
  readonly #caller: Socket
  readonly #channel: Channel
  #answers = 0
  #onAnswered = (): void => {}

  constructor(journal: number, requests: Buffer, onFrame: FrameHandler) {
    this.#requests = requests
    const [wire, other] = socketPair('bytes')
    this.#channel = openChannel({ wire, journal }, onFrame)
    this.calls = new Calls(
      this.#channel,
      () => {},
      () => {},
    )
    this.#caller = socketOf(other)
    const reader = new FrameReader((type) => {
      if (type === FRAME.response) this.#onAnswer()
    })
    this.#caller.on('data', (chunk: Buffer) => reader.push(chunk))
  }

  /** Resolves when one turn's calls are answered. */
  call(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#answers = 0
    this.#onAnswered = resolve
    this.#caller.write(this.#requests)
    return promise
  }

  close(): Promise<unknown> {
    return Promise.all([this.#caller, this.#channel.socket].map(closed))
  }

  #onAnswer(): void {
    this.#answers++
    if (this.#answers === CALLS_A_TURN) this.#onAnswered()
    else if (this.#answers % CALLS_AT_ONCE === 0) this.#caller.write(this.#requests)
  }
}

function rehearsedHandlers(): Promise<Handler[]> {
  const headers = { 'content-type': 'text/plain' }
  const exports: Exports[] = [
    { default: { fetch: () => new Response('hello') } },
    { default: { fetch: () => new Response('hello', { headers }) } },
    { default: ({ method, url }: Request) => Response.json({ method, url }) },
    { default: async (request: Request) => new Response(await request.text(), { status: 201 }) },
  ]
  return Promise.all(exports.map(async (one) => (await chooseFormat(one, REHEARSED_LOAD)).handler))
}

/** As a worker's, whose calls are counted in it. Null on a full disk, perhaps: the first calls take longer. */
function openJournal(): number | null {
  try {
    const folder = mkdtempSync(join(tmpdir(), 'wrangler-free-rehearsal-'))
    const journal = openSync(join(folder, 'journal'), 'w+')
    rmSync(folder, { recursive: true })
    ftruncateSync(journal, JOURNAL_BYTES)
    return journal
  } catch {
    return null
  }
}

/** Some with a body. */
function requestsAtOnce(): Buffer {
  const bytes = new PassThrough()
  const writer = new FrameWriter(bytes)
  for (let id = 1; id <= CALLS_AT_ONCE; id++) {
    const hasBody = id % 8 === 0
    writer.request(id, 1_000, false, hasBody ? REHEARSED_HEAD : GET, hasBody ? 'body' : null, false)
  }
  writer.flush()
  return bytes.read() as Buffer
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
    socket.destroy()
  })
}
