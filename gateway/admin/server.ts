/** The admin address on a socket: opening it, and closing it without waiting for a client that never finishes. */
import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import type { Hono } from 'hono'
import { type ListenAddress, listen } from '../http/listen.ts'

export interface AdminServer {
  /** Without a slash at its end. */
  readonly url: string
  /** Answers what was asked already, then lets go of the port. */
  close(): Promise<void>
}

/** Answers are made at once: what still hangs after this long is a client that does not send or does not read. */
const CLOSE_GRACE_MS = 1000

/** Throws `AddressInUse` when the port is taken. */
export async function startAdminServer(app: Hono, address: ListenAddress): Promise<AdminServer> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    hostname: address.host,
    overrideGlobalObjects: false,
  }) as Server
  const wayOut =
    'Choose another admin port with --admin-port N or admin.port in wrangler-free.config.ts; 0 takes any that is free.'
  const url = await listen(server, address, wayOut)
  return { url, close: () => close(server) }
}

function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const giveUp = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS)
  server.close(() => {
    clearTimeout(giveUp)
    resolve()
  })
  return promise
}
