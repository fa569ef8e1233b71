/**
 * Programs that end with `app.listen(3000)` export nothing. HTTP servers that are told to listen while such a function
 * may be loading are held back, and say that they listen: the first is what the function serves. If the function turns
 * out to be something else, they listen after all.
 */
import { Server } from 'node:net'

interface Held {
  readonly server: Server
  readonly args: readonly unknown[]
}

type Listen = (this: Server, ...args: unknown[]) => Server

const prototype = Server.prototype as unknown as { listen: Listen }
let original: Listen | null = null
let held: Held[] = []
let onHeld: (server: Server) => void = () => {}

/** From now on. A server of HTTP is known by its listener: nothing of HTTP needs to be loaded for this. */
export function holdListen(isStated: boolean): void {
  original = prototype.listen
  const listen = original
  prototype.listen = function (...args) {
    // Whoever takes any free port asks for it afterwards, and is hardly the function itself.
    const isOfNobody = !isStated && portOf(args) === 0
    if (this.listenerCount('request') === 0 || isOfNobody) return listen.apply(this, args)
    hold(this, args)
    return this
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
  if (original === null) return
  prototype.listen = original
  original = null
  const waiting = held
  held = []
  for (const { server, args } of waiting) {
    delete (server as Partial<Server>).address
    // Whoever waited for it was told already.
    server.listen(...(args.filter((arg) => typeof arg !== 'function') as []))
  }
}
