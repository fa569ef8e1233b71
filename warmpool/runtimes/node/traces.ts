/**
 * What calls leave behind in this process, for the check that asks: everything that can be seen from inside and that
 * differs from how it was when the function had been loaded. Names only, never values: some of them are secrets. It
 * is not there unless a load asks for it.
 */
import { garbageCollector } from '../../wire/garbage-collector.ts'
import type { Traces } from '../../wire/traces.ts'
import type { Call } from './call.ts'
import type { Handler } from './formats/format.ts'

/** Built-in objects whose own properties belong to everybody in the process. */
const SHARED_NAMES = [
  ...['Object', 'Function', 'Array', 'String', 'Number', 'Boolean', 'Symbol', 'BigInt', 'Date', 'RegExp', 'Promise'],
  ...['Map', 'Set', 'WeakMap', 'WeakSet', 'ArrayBuffer', 'DataView', 'Uint8Array', 'Error', 'TypeError', 'RangeError'],
  ...['JSON', 'Math', 'Reflect', 'console', 'Buffer', 'URL', 'URLSearchParams', 'Headers', 'Request', 'Response'],
] as const

/** Of this turn alone, or the loop's own. */
const PASSING = new Set(['Immediate', 'TickObject', 'Microtask'])
/** What Node's fetch keeps on the global object from its first use on, holding nothing of a call. */
const OF_NODE = /^Symbol\(undici\./
/** What this runtime itself sets for each call of a Lambda function. */
const OF_EACH_CALL = '_X_AMZN_TRACE_ID'
const COLLECTIONS = 6
const PLAIN_DESCRIPTOR = /^(socket|pipe|anon_inode):/

type Properties = ReadonlyMap<PropertyKey, PropertyDescriptor>

/** Answers the calls for this one path with what has been left behind so far; the others are the handler's. */
export function withTraces(handler: Handler, path: string): Handler {
  // Where these are first used they open what they need.
  void [process.stdout, process.stderr]
  const look = openTraces()
  return (call: Call) => {
    if (call.lines[2] !== path) return handler(call)
    call.answer(200, 'content-type\napplication/json', Buffer.from(JSON.stringify(look())))
  }
}

function openTraces(): () => Traces {
  const globals = propertiesOf(globalThis)
  const shared = sharedObjects().map(([name, object]) => [name, object, propertiesOf(object)] as const)
  const env = { ...process.env }
  const cwd = process.cwd()
  const umask = process.umask()
  return () => ({
    globals: changes(globals, propertiesOf(globalThis)),
    prototypes: shared.flatMap(([name, object, before]) =>
      changes(before, propertiesOf(object)).map((key) => `${name}.${key}`),
    ),
    environment: changedKeys(env, process.env),
    folder: [
      ...(process.cwd() === cwd ? [] : ['the current folder']),
      ...(process.umask() === umask ? [] : ['the umask']),
    ],
    listeners: process
      .eventNames()
      .flatMap((name) => Array(process.listenerCount(name)).fill(String(name)) as string[]),
    resources: activeResources().filter((type) => !PASSING.has(type)),
    descriptors: descriptors(),
    children: children(),
    threads: [],
    modules: [],
    heapBytes: heapBytes(),
  })
}

function sharedObjects(): (readonly [string, object])[] {
  return SHARED_NAMES.flatMap((name) => {
    const object = (globalThis as Record<string, unknown>)[name]
    if (object === undefined || object === null) return []
    const { prototype } = object as { prototype?: object }
    return [[name, object], ...(prototype ? [[`${name}.prototype`, prototype] as const] : [])] as [string, object][]
  })
}

function propertiesOf(object: object): Properties {
  return new Map(Reflect.ownKeys(object).map((key) => [key, Reflect.getOwnPropertyDescriptor(object, key)!]))
}

function changes(before: Properties, after: Properties): string[] {
  const made = [...after].filter(([key, now]) => !isSame(key, before.get(key), now)).map(([key]) => String(key))
  const gone = [...before.keys()].filter((key) => !after.has(key)).map(String)
  return [...made, ...gone].filter((name) => !OF_NODE.test(name))
}

function isSame(key: PropertyKey, before: PropertyDescriptor | undefined, now: PropertyDescriptor): boolean {
  if (before === undefined) return false
  // Node puts many globals there only when they are first asked for.
  if (before.get !== undefined && now.get === undefined)
    return (typeof now.value === 'function' && now.value.name === key) || typeof now.value === 'object'
  return Object.is(before.value, now.value) && before.get === now.get && before.set === now.set
}

function changedKeys(before: NodeJS.ProcessEnv, after: NodeJS.ProcessEnv): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => before[key] !== after[key] && key !== OF_EACH_CALL,
  )
}

/** Bun and Deno do not tell. */
function activeResources(): string[] {
  return typeof process.getActiveResourcesInfo === 'function' ? process.getActiveResourcesInfo() : []
}

function descriptors(): string[] {
  const fs = process.getBuiltinModule('node:fs')
  const names = listed('/proc/self/fd')
  return names.flatMap((name) => {
    try {
      const target = fs.readlinkSync(`/proc/self/fd/${name}`)
      return [PLAIN_DESCRIPTOR.exec(target)?.[1] ?? target]
    } catch {
      // The one that the list itself was read with.
      return []
    }
  })
}

function children(): string[] {
  const fs = process.getBuiltinModule('node:fs')
  const pids = listed('/proc/self/task').flatMap((task) => {
    try {
      return fs.readFileSync(`/proc/self/task/${task}/children`, 'latin1').split(' ').filter(Boolean)
    } catch {
      return []
    }
  })
  return pids.map((pid) => {
    try {
      return fs.readFileSync(`/proc/${pid}/comm`, 'latin1').trim()
    } catch {
      return pid
    }
  })
}

/** Empty where the system has no such folder. */
function listed(folder: string): string[] {
  try {
    return process.getBuiltinModule('node:fs').readdirSync(folder)
  } catch {
    return []
  }
}

/** After collections that free nothing more: compiled code ages and goes with the later ones only. */
function heapBytes(): number {
  let leastBytes = Number.POSITIVE_INFINITY
  for (let round = 0; round < COLLECTIONS; round++) {
    // Bun and Deno have no collector that can be called so: growth has to be larger there to be seen.
    if (process.versions.bun === undefined && process.versions.deno === undefined)
      garbageCollector()({ type: 'major', flavor: 'last-resort' })
    const { heapUsed, external } = process.memoryUsage()
    leastBytes = Math.min(leastBytes, heapUsed + external)
  }
  return leastBytes
}
