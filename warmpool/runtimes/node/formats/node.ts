/**
 * `export default (req: IncomingMessage, res: ServerResponse)` as `http.createServer` takes it, middleware with `next`,
 * and what frameworks make: an Express or Connect app, a Koa app, a Fastify instance, an `http.Server`; exported, or
 * told to `listen`, which opens no port here.
 */
import { readyWithinMs } from '../load-time.ts'
import { type Listener, type Middleware, serve, serveMiddleware } from '../reqres/serve.ts'
import type { Format, Handler } from './format.ts'
import { heldServer, heldServerAt, releaseListen, whenHeldOrIdle } from './held-listen.ts'
import {
  HTTP_SERVER,
  isConnectApp,
  isFastify,
  isHttpServerHandler,
  isKoa,
  isNodeMarked,
  isNothing,
  isServer,
  type Server,
} from './node-marks.ts'

export const nodeFormat: Format = {
  name: 'node',
  concurrency: null,
  expects: 'export default (req, res) => { … } with "format": "node", an Express, Koa or Fastify app, or app.listen(…)',
  isMarked: (exports) => isNodeMarked(exports),
  async handler(exports, load): Promise<Handler | null> {
    // Its servers listen nowhere, as on Cloudflare: they stay held.
    if (isHttpServerHandler(exports.default)) return serveServer(serverOf(exports.default[HTTP_SERVER]))
    const found = await handlerOf(exports.default)
    if (found !== null) {
      // What is exported is the function: servers that it starts besides are servers.
      releaseListen()
      return found
    }
    // Stated, what it exports besides does not matter to one that listens, if only when its database has answered.
    const withinMs = readyWithinMs(load)
    if (heldServer() === null) await whenHeldOrIdle(withinMs)
    const server = heldServer()
    if (server === null && isNothing(exports)) throw new TypeError(neverListens(withinMs))
    return server === null ? null : serveServer(server)
  },
}

function neverListens(withinMs: number): string {
  return `The module exports no app or (req, res) function, and no HTTP server of it has called listen() while it had anything under way, or within ${withinMs / 1000} s. Export the app, or call app.listen(process.env.PORT).`
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

/** A server, or `{ port }` of one that was told to listen there. */
function serverOf(said: unknown): Server {
  if (isServer(said)) return said
  const port = Number((said as { port?: unknown } | null)?.port)
  const server = heldServerAt(port)
  if (server === null)
    throw new TypeError(`httpServerHandler({ port: ${port} }): no HTTP server of the module was told to listen there`)
  return server
}

function serveServer(server: Server): Handler {
  return serve((req, res) => {
    server.emit('request', req, res)
  })
}
