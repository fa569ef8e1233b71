/**
 * Programs that end with `app.listen(3000)` export nothing. HTTP servers that are told to listen while such a function
 * may be loading are held back, and say that they listen: the first is what the function serves. If the function turns
 * out to be something else, they listen after all. In Node and Deno all servers listen by `net.Server`; in Bun those of HTTP
 * have a `listen` of their own.
 */
import { readFileSync } from 'node:fs'
import { Server } from 'node:net'
import type { Load } from '../../../wire/messages.ts'
import { whenLoopIsEmpty } from '../empty-loop.ts'

interface Held {
  readonly server: Server
  readonly args: readonly unknown[]
}

type Listen = (this: Server, ...args: unknown[]) => Server

interface Prototype {
  listen: Listen
}

const HTTP_IMPORT = /["'](?:node:)?https?["']/

let changed: { readonly prototype: Prototype; readonly listen: Listen } | null = null
let held: Held[] = []
let onHeld: () => void = () => {}

/** From now on. A server of HTTP is known by its listener: in Node nothing of HTTP needs to be loaded for this. */
export function holdListen({ format, entry }: Pick<Load, 'format' | 'entry'>): void {
  const prototype = listeningPrototype(entry)
  if (prototype === null) return
  const { listen } = prototype
  changed = { prototype, listen }
  prototype.listen = function (...args) {
    // Whoever takes any free port asks for it afterwards, and is hardly the function itself.
    const isOfNobody = format === null && portOf(args) === 0
    if (this.listenerCount('request') === 0 || isOfNobody) return listen.apply(this, args)
    hold(this, args)
    return this
  }
}

function listeningPrototype(entry: string): Prototype | null {
  if (process.versions.bun === undefined) return Server.prototype as unknown as Prototype
  // Loading it takes 16 ms and 2 MiB there, which functions without a server of their own are to be spared.
  return mentionsHttp(entry) ? (process.getBuiltinModule('node:http').Server.prototype as unknown as Prototype) : null
}

/** A bundle holds all modules of its function but those of the runtime. */
function mentionsHttp(entry: string): boolean {
  try {
    return HTTP_IMPORT.test(readFileSync(new URL(entry), 'utf8'))
  } catch {
    // Importing it says why it cannot be read.
    return false
  }
}

function hold(server: Server, args: readonly unknown[]): void {
  held.push({ server, args })
  const callback = args.at(-1)
  if (typeof callback === 'function') server.once('listening', callback as () => void)
  server.address = () => ({ address: '127.0.0.1', family: 'IPv4', port: portOf(args) ?? 0 })
  process.nextTick(() => server.emit('listening'))
  onHeld()
}

function portOf([first]: readonly unknown[]): number | undefined {
  const port: unknown = typeof first === 'object' ? (first as { port?: unknown } | null)?.port : first
  return typeof port === 'number' || typeof port === 'string' ? Number(port) : undefined
}

export function heldServer(): Server | null {
  return held[0]?.server ?? null
}

/** The one that was told to listen at this port, whichever it is where none was. */
export function heldServerAt(port: number): Server | null {
  return held.find(({ args }) => portOf(args) === port)?.server ?? null
}

/** Until a server is told to listen, which may be long after the module has loaded; no longer than it has anything under way. */
export function whenHeldOrIdle(withinMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  onHeld = resolve
  const timer = setTimeout(resolve, withinMs).unref()
  const stopWaiting = whenLoopIsEmpty(resolve)
  return promise.finally(() => {
    clearTimeout(timer)
    stopWaiting()
  })
}

/** Something else is the function: servers are servers again. */
export function releaseListen(): void {
  if (changed === null) return
  changed.prototype.listen = changed.listen
  changed = null
  const waiting = held
  held = []
  for (const { server, args } of waiting) {
    delete (server as Partial<Server>).address
    // Whoever waited for it was told already.
    server.listen(...(args.filter((arg) => typeof arg !== 'function') as []))
  }
}
