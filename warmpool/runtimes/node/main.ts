/**
 * The Node runtime: what runs inside a worker. It boots to a blank (web classes in place, nothing of any function),
 * becomes one function when told, hands it invocations, and goes when told to drain or when its parent is gone. Start
 * here, then read call.ts; docs/protocol.md is the contract with the parent.
 */
import { fileURLToPath } from 'node:url'
import { bodyCopy } from '../../wire/body-memory.ts'
import { ById } from '../../wire/by-id.ts'
import {
  FLAG_MORE,
  FLAG_SECURE,
  FRAME,
  type FrameType,
  PROTOCOL_VERSION,
  REQUEST_PREFIX_BYTES,
} from '../../wire/frames.ts'
import type { Hello, Load, Ready } from '../../wire/messages.ts'
import { SYSTEM_DOOR, TEMPLATE_VARIABLE, WORKER_VARIABLE } from '../../wire/variables.ts'
import { Call } from './call.ts'
import { openChannel, unexpected } from './channel.ts'
import { confineFor, enterSandboxFor, prepareConfinement, rehearseConfinement } from './confine/confine.ts'
import { letDeparturesGo } from './departure.ts'
import { reportError, setEntryFile } from './error-report.ts'
import { sayFarewell } from './farewell.ts'
import { withBunHint } from './formats/bun-serve.ts'
import type { Exports, Handler } from './formats/format.ts'
import { chooseFormat, isProgram, prepareFormats } from './formats/index.ts'
import { giveBackWhenIdle } from './give-back.ts'
import { IncomingBody } from './incoming-body.ts'
import { rehearse, rehearseForForks } from './rehearse.ts'
import { becomeWorker } from './template/become-worker.ts'
import { preload } from './template/preload.ts'
import { serveForks, templateCalls } from './template/serve-forks.ts'
import { withTraces } from './traces.ts'
import { installWebClasses } from './web/install.ts'

/** Shared by all calls without one. */
const NO_BODY = new IncomingBody(null, false, () => {})

const calls = new ById<Call>()
let handler: Handler | null = null
let hasLoad = false
let isDraining = false
/** The parent's file of the system door: see confine/kernel.ts. */
const door = process.env[SYSTEM_DOOR] ?? null

installWebClasses()
letDeparturesGo()
process.setSourceMapsEnabled(true)
const { writer, began, openRing, isBorrowed } = openChannel(onFrame)
const template = process.env[TEMPLATE_VARIABLE]
if (template === undefined) void rehearse().then(bePlainBlank)
else void beTemplate(Number(template))

function bePlainBlank(): void {
  sayHello()
  forgetParent()
  // What that takes, no caller waits for; a load that has come by now does it itself.
  setImmediate(() => prepareConfinement(door))
  // Bun and Deno have a cache of their own, or none.
  if (process.versions.bun === undefined && process.versions.deno === undefined) flushCacheSoon()
}

/** Goes on in every process that it has forked, and in none else. */
async function beTemplate(controlFd: number): Promise<void> {
  delete process.env[TEMPLATE_VARIABLE]
  const calls = templateCalls()
  if (calls === null) throw new Error('A template needs node:ffi')
  forgetParent()
  rehearseConfinement(door)
  await preload()
  await rehearseForForks()
  sayHello()
  // A function's code is compiled as it is called.
  process.getBuiltinModule('node:v8').setFlagsFromString('--lazy')
  // Not from within a read or a promise: a fork goes on from there.
  setImmediate(() => {
    becomeWorker(serveForks(calls, controlFd), WORKER_VARIABLE)
    sayHello()
    setImmediate(() => prepareConfinement(door))
  })
}

function sayHello(): void {
  writer.json(FRAME.hello, 0, {
    protocol: PROTOCOL_VERSION,
    runtime: runtimeName(),
    journal: true,
    ring: true,
  } satisfies Hello)
  writer.flush()
}

function forgetParent(): void {
  // What the parent gave for this runtime alone is nothing for the function's own children; the next boot finds it filled.
  delete process.env.NODE_COMPILE_CACHE
  delete process.env[SYSTEM_DOOR]
  delete process.env.DENO_DIR
}

function flushCacheSoon(): void {
  setImmediate(() => process.getBuiltinModule('node:module').flushCompileCache())
}

/** `node 26.1.0`, `bun 1.4.5`: what it is, not what it says to be compatible with. */
function runtimeName(): string {
  const { bun, deno, node } = process.versions
  if (bun !== undefined) return `bun ${bun}`
  return deno === undefined ? `node ${node}` : `deno ${deno}`
}

function onFrame(type: FrameType, id: number, chunk: Buffer, start: number, end: number): void {
  switch (type) {
    case FRAME.request:
      return onRequest(id, chunk, start, end)
    case FRAME.data:
      return calls.get(id)?.body.push(own(chunk, start, end))
    case FRAME.end:
      return calls.get(id)?.body.end()
    case FRAME.cancel:
      return calls.get(id)?.cancel()
    case FRAME.window:
      return calls.get(id)?.grant(chunk.readUInt32LE(start))
    case FRAME.ping:
      writer.empty(FRAME.pong, 0)
      return giveBackWhenIdle(calls)
    case FRAME.load:
      // A worker never becomes another function.
      if (hasLoad) return unexpected(type)
      hasLoad = true
      void load(JSON.parse(chunk.toString('utf8', start, end)) as Load)
      return
    case FRAME.drain:
      isDraining = true
      return leaveWhenIdle()
    default:
      return unexpected(type)
  }
}

/** Bytes of a frame that outlive its turn. */
function own(chunk: Buffer, start: number, end: number): Buffer {
  const bytes = chunk.subarray(start, end)
  return isBorrowed(chunk) ? bodyCopy(bytes) : bytes
}

async function load(wanted: Load): Promise<void> {
  try {
    if (wanted.ring) openRing()
    enterSandboxFor(wanted, door)
    if (wanted.cwd !== null) process.chdir(wanted.cwd)
    // From here on nothing is the parent's, and what comes now may be anybody's code.
    const confined = confineFor(wanted, door)
    Object.assign(process.env, wanted.env)
    if (typeof wanted.confinement?.network === 'number') findProxy()
    // The library runs modules out of data: URLs as well.
    if (wanted.entry.startsWith('file:')) setEntryFile(fileURLToPath(wanted.entry))
    const load: Load = { ...wanted, env: Object.freeze({ ...wanted.env }) }
    prepareFormats(load)
    const exports = isProgram(load) ? {} : ((await import(load.entry)) as Exports)
    const chosen = await chooseFormat(exports, load)
    handler = load.traces === undefined ? chosen.handler : withTraces(chosen.handler, load.traces)
    const { name: format, concurrency } = chosen.format
    writer.json(FRAME.ready, 0, { format, concurrency, ...confined } satisfies Ready)
    writer.flush()
  } catch (error) {
    writer.json(FRAME.loadFailed, 0, reportError(withBunHint(error)))
    writer.flush()
  }
}

/** Node looks for a proxy when it boots, and other runtimes when they connect. */
function findProxy(): void {
  const { setGlobalProxyFromEnv }: Partial<typeof import('node:http')> = process.getBuiltinModule('node:http')
  setGlobalProxyFromEnv?.()
}

function onRequest(id: number, chunk: Buffer, start: number, end: number): void {
  const flags = chunk[start]!
  const timeLeftMs = chunk.readUInt32LE(start + 1)
  const headStart = start + REQUEST_PREFIX_BYTES
  const headEnd = headStart + chunk.readUInt32LE(start + 5)
  const head = chunk.toString('latin1', headStart, headEnd)
  const first = headEnd === end ? null : chunk.subarray(headEnd, end)
  const more = (flags & FLAG_MORE) !== 0
  const body =
    more || first !== null
      ? new IncomingBody(first, more, (bytes) => writer.window(id, bytes), isBorrowed(chunk))
      : NO_BODY
  const call = new Call(id, head, timeLeftMs, (flags & FLAG_SECURE) !== 0, body, writer, onDone)
  calls.add(call)
  began(id)
  run(call)
  // What the handler has not read yet: the chunk's buffer is used again for the next read.
  body.keep()
}

function run(call: Call): void {
  try {
    const result = handler!(call)
    if (result instanceof Promise) result.catch((error: unknown) => call.fail('handler-threw', error))
  } catch (error) {
    call.fail('handler-threw', error)
  }
}

function onDone(call: Call): void {
  calls.delete(call)
  if (isDraining) leaveWhenIdle()
}

/** Everything that was handed over has been answered: the last frames go out, then the process ends. */
function leaveWhenIdle(): void {
  if (calls.size > 0) return
  writer.whenWritten(() => void sayFarewell().then(() => process.exit(0)))
}
