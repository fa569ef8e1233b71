/**
 * Programs that end with `app.listen(3000)` export nothing. HTTP servers that are told to listen while such a function
 * may be loading are held back, and say that they listen: the first is what the function serves. If the function turns
 * out to be something else, they listen after all. In Node all servers listen by `net.Server`; in Bun and Deno those of
 * HTTP have a `listen` of their own.
 */
import { readFileSync } from 'node:fs'
import { Server } from 'node:net'
import type { Load } from '../../../wire/messages.ts'

interface Held {
  readonly server: Server
  readonly args: readonly unknown[]
}

type Listen = (this: Server, ...args: unknown[]) => Server

type Listens = { listen: Listen }

const HTTP_IMPORT = /["'](?:node:)?https?["']/

let originals = new Map<Listens, Listen>()
let held: Held[] = []
let onHeld: (server: Server) => void = () => {}

/** From now on. A server of HTTP is known by its listener: in Node nothing of HTTP needs to be loaded for this. */
export function holdListen({ format, entry }: Pick<Load, 'format' | 'entry'>): void {
  for (const prototype of listening(entry)) holdBack(prototype, format !== null)
}

function holdBack(prototype: Listens, isStated: boolean): void {
  const { listen } = prototype
  originals.set(prototype, listen)
  prototype.listen = function (...args) {
    // Whoever takes any free port asks for it afterwards, and is hardly the function itself.
    const isOfNobody = !isStated && portOf(args) === 0
    if (this.listenerCount('request') === 0 || isOfNobody) return listen.apply(this, args)
    hold(this, args)
    return this
  }
}

/** The classes whose `listen` servers of HTTP call. */
function listening(entry: string): Listens[] {
  const { bun, deno } = process.versions
  if (bun === undefined && deno === undefined) return [Server.prototype as unknown as Listens]
  // Loading it takes 16 ms and 2 MiB in Bun, which functions without a server of their own are to be spared.
  if (!mentionsHttp(entry)) return []
  const modules = [process.getBuiltinModule('node:http'), process.getBuiltinModule('node:https')]
  const prototypes = modules.map((one) => one.Server.prototype as unknown as Listens)
  return prototypes.filter((one) => Object.hasOwn(one, 'listen'))
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
  onHeld(server)
}

function portOf([first]: readonly unknown[]): number | undefined {
  const port: unknown = typeof first === 'object' ? (first as { port?: unknown } | null)?.port : first
  return typeof port === 'number' || typeof port === 'string' ? Number(port) : undefined
}

export function heldServer(): Server | null {
  return held[0]?.server ?? null
}

/** The first server that is told to listen, which may be long after the module has loaded. */
export function whenHeld(): Promise<Server> {
  const server = heldServer()
  if (server !== null) return Promise.resolve(server)
  return new Promise((resolve) => {
    onHeld = resolve
  })
}

/** Something else is the function: servers are servers again. */
export function releaseListen(): void {
  for (const [prototype, listen] of originals) prototype.listen = listen
  originals = new Map()
  const waiting = held
  held = []
  for (const { server, args } of waiting) {
    delete (server as Partial<Server>).address
    // Whoever waited for it was told already.
    server.listen(...(args.filter((arg) => typeof arg !== 'function') as []))
  }
}
