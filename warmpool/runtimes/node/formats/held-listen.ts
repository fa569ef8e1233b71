/**
 * What a function's servers do when they are told to listen. While the function loads, an HTTP server may be the function
 * itself (a program that ends with `app.listen(3000)` exports nothing): it is held back, and says that it listens. All
 * other servers do what the setting `listen` says: nothing, listen on loopback, or listen. In Node and Deno all servers
 * listen by `net.Server`; in Bun those of HTTP have a `listen` of their own. Behind this stands the kernel, which refuses
 * to bind a port (confine/landlock.ts), in threads, children and native code as well.
 */
import { readFileSync } from 'node:fs'
import { Server } from 'node:net'
import type { Listening, Load } from '../../../wire/messages.ts'
import { whenLoopIsEmpty } from '../empty-loop.ts'
import { addressOf, isOfTcp, listenRefusal, onLoopback, portOf } from './listen-address.ts'

type Args = readonly unknown[]

interface Held {
  readonly server: Server
  readonly args: Args
}

type Listen = (this: Server, ...args: unknown[]) => Server

interface Prototype {
  listen: Listen
}

const HTTP_IMPORT = /["'](?:node:)?https?["']/

let changed: { readonly prototype: Prototype; readonly listen: Listen; readonly mode: Listening } | null = null
/** A server that is told to listen may be the function. */
let isWanted = false
let held: Held[] = []
let onHeld: () => void = () => {}

/** From now on. A server of HTTP is known by its listener: in Node nothing of HTTP needs to be loaded for this. */
export function holdListen({ name, format, entry, listen: mode = 'all' }: Load): void {
  isWanted = format === null || format === 'node'
  if (!isWanted && mode === 'all') return
  const prototype = listeningPrototype(entry)
  if (prototype === null) return
  const { listen } = prototype
  changed = { prototype, listen, mode }
  prototype.listen = function (...args) {
    const isHttp = servesHttp(this)
    // Whoever takes any free port asks for it afterwards, and is hardly the function itself.
    const isOfNobody = portOf(args) === 0
    if (isWanted && isHttp && !(isOfNobody && format === null)) return hold(this, args)
    if (mode === 'all' || !isOfTcp(args)) return listen.apply(this, args)
    if (mode === 'loopback') return listen.apply(this, onLoopback(args))
    return isHttp && !isOfNobody ? pretend(this, args) : refuse(this, args, name)
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

/** Known by what only its servers have, HTTP/1 and then HTTP/2, since listeners may be added later; else by these. */
function servesHttp(server: Server): boolean {
  if ('keepAliveTimeout' in server || 'updateSettings' in server) return true
  return server.listenerCount('request') > 0 || server.listenerCount('stream') > 0
}

function hold(server: Server, args: Args): Server {
  held.push({ server, args })
  pretend(server, args)
  onHeld()
  return server
}

/** It says that it listens, and no port is opened. */
function pretend(server: Server, args: Args): Server {
  const callback = args.at(-1)
  if (typeof callback === 'function') server.once('listening', callback as () => void)
  const close = (done?: () => void): Server => {
    stopPretending(server)
    if (done !== undefined) server.once('close', done)
    process.nextTick(() => server.emit('close'))
    return server
  }
  const address = () => ({ address: '127.0.0.1', family: 'IPv4', port: portOf(args) ?? 0 })
  for (const [name, value] of Object.entries({ address, close, listening: true }))
    Object.defineProperty(server, name, { value, configurable: true, writable: true })
  process.nextTick(() => server.emit('listening'))
  return server
}

function stopPretending(server: Server): void {
  for (const name of ['address', 'close', 'listening']) delete (server as unknown as Record<string, unknown>)[name]
}

/** As where the system refuses the port. */
function refuse(server: Server, args: Args, name: string): Server {
  const { host, port } = addressOf(args)
  const message = `listen EACCES: ${listenRefusal(name, `${host}:${port}`)}`
  const error = Object.assign(new Error(message), { code: 'EACCES', syscall: 'listen', address: host, port })
  process.nextTick(() => server.emit('error', error))
  return server
}

export function heldServer(): Server | null {
  return held.find(({ server }) => server.listenerCount('request') > 0)?.server ?? null
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

/** Something else is the function: from now on servers do what the setting says. */
export function releaseListen(): void {
  isWanted = false
  if (changed === null) return
  const { prototype, listen, mode } = changed
  const waiting = held
  held = []
  if (mode === 'all') {
    prototype.listen = listen
    changed = null
  }
  for (const { server, args } of waiting) {
    if (mode === 'none' && isOfTcp(args)) continue
    stopPretending(server)
    // Whoever waited for it was told already.
    server.listen(...(args.filter((arg) => typeof arg !== 'function') as []))
  }
}
