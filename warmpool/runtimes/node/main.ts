/**
 * The Node runtime: what runs inside a worker. It boots to a blank (web classes in place, nothing of any function),
 * becomes one function when told, hands it invocations, and goes when told to drain or when its parent is gone. Start
 * here, then read calls.ts and call.ts; docs/protocol.md is the contract with the parent.
 */
import { fileURLToPath } from 'node:url'
import { FRAME, type FrameType, PROTOCOL_VERSION } from '../../wire/frames.ts'
import type { Hello, Load, Ready } from '../../wire/messages.ts'
import { SYSTEM_DOOR, TEMPLATE_VARIABLE, WORKER_VARIABLE } from '../../wire/variables.ts'
import { currentOrigin } from './call-context.ts'
import { Calls } from './calls.ts'
import { givenByParent, liveWith, openChannel, unexpected } from './channel.ts'
import { confineFor, enterSandboxFor, prepareConfinement, rehearseConfinement } from './confine/confine.ts'
import { reportError, setEntryFile } from './error-report.ts'
import { sayFarewell } from './farewell.ts'
import { withBunHint } from './formats/bun-serve.ts'
import type { Exports } from './formats/format.ts'
import { chooseFormat, isProgram, prepareFormats } from './formats/index.ts'
import { giveBackWhenIdle } from './give-back.ts'
import { rehearse } from './rehearse.ts'
import { takeStartVariables } from './start-variables.ts'
import { becomeWorker } from './template/become-worker.ts'
import { preload } from './template/preload.ts'
import { rehearseBusyCalls, rehearseForForks } from './template/rehearse-for-forks.ts'
import { serveForks, templateCalls } from './template/serve-forks.ts'
import { withTraces } from './traces.ts'
import { containUnhandled, watchUnhandled } from './unhandled.ts'
import { installWebClasses } from './web/install.ts'

let hasLoad = false
/** The parent's file of the system door: see confine/kernel.ts. */
const door = process.env[SYSTEM_DOOR] ?? null

installWebClasses()
watchUnhandled()
process.setSourceMapsEnabled(true)
const channel = openChannel(givenByParent(), onFrame)
liveWith(channel)
const { writer } = channel
let calls = new Calls(channel, leave, onBroken)
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
  const system = templateCalls()
  if (system === null) throw new Error('A template needs node:ffi')
  forgetParent()
  rehearseConfinement(door)
  await preload()
  await rehearseForForks()
  const own = calls
  await rehearseBusyCalls(onFrame, (pretended) => {
    calls = pretended
  })
  calls = own
  sayHello()
  // A function's code is compiled as it is called.
  process.getBuiltinModule('node:v8').setFlagsFromString('--lazy')
  // Not from within a read or a promise: a fork goes on from there.
  setImmediate(() => {
    becomeWorker(serveForks(system, controlFd), WORKER_VARIABLE)
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
  if (!calls.onFrame(type, id, chunk, start, end)) onControl(type, chunk, start, end)
}

/** What is said to the worker as a whole. */
function onControl(type: FrameType, chunk: Buffer, start: number, end: number): void {
  switch (type) {
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
      return calls.drain()
    default:
      return unexpected(type)
  }
}

async function load(wanted: Load): Promise<void> {
  try {
    if (wanted.ring) channel.openRing()
    enterSandboxFor(wanted, door)
    if (wanted.cwd !== null) process.chdir(wanted.cwd)
    // From here on nothing is the parent's, and what comes now may be anybody's code.
    const confined = confineFor(wanted, door)
    const vars = wanted.platform?.vars
    if (vars !== undefined) Object.assign(process.env, asTexts(vars))
    Object.assign(process.env, wanted.env)
    if (typeof wanted.confinement?.network === 'number') findProxy()
    // The library runs modules out of data: URLs as well.
    if (wanted.entry.startsWith('file:')) setEntryFile(fileURLToPath(wanted.entry))
    const load: Load = { ...wanted, env: Object.freeze({ ...(vars as Load['env']), ...wanted.env }) }
    if (!isProgram(load)) takeStartVariables(wanted.env)
    prepareFormats(load)
    const exports = isProgram(load) ? {} : ((await import(load.entry)) as Exports)
    const chosen = await chooseFormat(exports, load)
    calls.handler = load.traces === undefined ? chosen.handler : withTraces(chosen.handler, load.traces)
    const { name: format, concurrency, isContaining } = chosen.format
    if (isContaining) containUnhandled(onUnhandled)
    writer.json(FRAME.ready, 0, { format, concurrency, ...confined } satisfies Ready)
    writer.flush()
  } catch (error) {
    writer.json(FRAME.loadFailed, 0, reportError(withBunHint(error)))
    writer.flush()
  }
}

/** Only the call that it belongs to fails of it. The process may be in any state: it is to be replaced. */
function onUnhandled(error: unknown): void {
  const origin = currentOrigin()
  const whose = origin === undefined ? 'an unknown invocation' : `invocation ${origin.invocationId}`
  try {
    console.error(`Nothing handled an error of ${whose}; this worker finishes its calls and is replaced:`, error)
  } catch {
    // The function has put something else in the place of the console, or the error cannot be shown.
  }
  origin?.call?.fail('handler-threw', error)
  writer.empty(FRAME.retire, 0)
}

/** The function has changed what this runtime is built on: in this process no call can go well any more. */
function onBroken(why: string): void {
  console.error(`This worker is replaced: ${why}. Has the function changed Object.prototype or a global?`)
  writer.empty(FRAME.retire, 0)
}

/** Variables of the system are texts. */
function asTexts(vars: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts = Object.entries(vars).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
  return Object.fromEntries(texts)
}

/** Node looks for a proxy when it boots, and other runtimes when they connect. */
function findProxy(): void {
  const { setGlobalProxyFromEnv }: Partial<typeof import('node:http')> = process.getBuiltinModule('node:http')
  setGlobalProxyFromEnv?.()
}

/** Everything that was handed over has been answered: the last frames go out, then the process ends. */
function leave(): void {
  writer.whenWritten(() => void sayFarewell().then(() => process.exit(0)))
}
