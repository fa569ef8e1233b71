/**
 * `export default (req: IncomingMessage, res: ServerResponse)` as `http.createServer` takes it, middleware with `next`,
 * and what frameworks make: an Express or Connect app, a Koa app, a Fastify instance, an `http.Server`; exported, or
 * told to `listen`, which opens no port here.
 */
import { type Listener, type Middleware, serve, serveMiddleware } from '../reqres/serve.ts'
import type { Format, Handler } from './format.ts'
import { heldServer, releaseListen, whenHeld } from './held-listen.ts'
import { isConnectApp, isFastify, isKoa, isNodeMarked, isNothing, isServer, type Server } from './node-marks.ts'

/** How long a module that exports no app may take until it listens: it may connect to a database first. */
const LISTEN_MS = 10_000

export const nodeFormat: Format = {
  name: 'node',
  concurrency: null,
  expects: 'export default (req, res) => { … } with "format": "node", an Express, Koa or Fastify app, or app.listen(…)',
  isMarked: (exports) => isNodeMarked(exports),
  async handler(exports): Promise<Handler | null> {
    const found = await handlerOf(exports.default)
    if (found !== null) {
      // What is exported is the function: servers that it starts besides are servers.
      releaseListen()
      return found
    }
    // Stated, what it exports besides does not matter to one that listens.
    if (heldServer() === null && !isNothing(exports)) return null
    return serveServer(await listening(whenHeld()))
  },
}

async function listening(held: Promise<Server>): Promise<Server> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>()
  const message = `The module exports no app or (req, res) function, and no HTTP server of it has called listen() within ${LISTEN_MS / 1000} s. Export the app, or call app.listen(process.env.PORT).`
  const timer = setTimeout(() => reject(new TypeError(message)), LISTEN_MS)
  try {
    return await Promise.race([held, tooLate])
  } finally {
    clearTimeout(timer)
  }
}

async function handlerOf(target: unknown): Promise<Handler | null> {
  if (isFastify(target)) {
    await target.ready()
    return serve((req, res) => target.routing(req, res))
  }
  if (isKoa(target)) return serve(target.callback() as Listener)
  if (isServer(target)) return serveServer(target)
  if (typeof target !== 'function') return null
  // An app answers itself what none of its routes does, unless it is given somebody to hand it to.
  if (isConnectApp(target) || target.length < 3) return serve(target as Listener)
  return serveMiddleware(target as Middleware)
}

function serveServer(server: Server): Handler {
  return serve((req, res) => {
    server.emit('request', req, res)
  })
}
