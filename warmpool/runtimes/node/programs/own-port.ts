/**
 * A port for the program of this worker alone. It is only free until somebody takes it, and the program takes it a
 * while after it was chosen. So it comes from below the range out of which the system gives ports to whoever asks for
 * any, and a name in the system's own list of sockets (it is gone with this process, however it ends) keeps the
 * workers of all gateways on this machine from choosing the same.
 */
import { once } from 'node:events'
import { createServer, type ListenOptions } from 'node:net'

const FIRST_PORT = 20_000
/** Where Linux begins to give ports by itself. */
const BEHIND_LAST_PORT = 32_768
const MOST_TRIES = 100

/** Throws when so many were taken that looking on makes no sense. */
export async function chooseOwnPort(random: () => number = Math.random): Promise<number> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const port = FIRST_PORT + Math.floor(random() * (BEHIND_LAST_PORT - FIRST_PORT))
    if ((await isNameTaken(port)) && (await isFree({ port, host: '127.0.0.1' })) && (await isFree({ port })))
      return port
  }
  throw new Error(`None of ${MOST_TRIES} ports between ${FIRST_PORT} and ${BEHIND_LAST_PORT} was free`)
}

/** Takes the name of a port for as long as this process lives. True where the system has no such names, too. */
async function isNameTaken(port: number): Promise<boolean> {
  if (process.platform !== 'linux') return true
  const server = createServer().unref()
  server.listen({ path: `\0wrangler-free-port-${port}` })
  try {
    await once(server, 'listening')
    return true
  } catch {
    return false
  }
}

async function isFree(options: ListenOptions): Promise<boolean> {
  const server = createServer()
  server.listen(options)
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
