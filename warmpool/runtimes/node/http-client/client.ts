/**
 * The connections to one program: used again as long as the program keeps them open, the one used last first, so that
 * those that are too many grow old and are let go. A connection is never taken that the program is about to close.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Address, Connection, type ConnectionOwner } from './connection.ts'

/** Shorter than what servers close idle connections after: Node and uvicorn 5 s, gunicorn 2 s. */
const USUAL_KEEP_ALIVE_MS = 1_900
/** What a program says of it counts from when it sent its answer, by its clock. */
const MARGIN_MS = 1_000
const FIRST_PAUSE_MS = 2
const LONGEST_PAUSE_MS = 50

export class ProgramClient implements ConnectionOwner {
  readonly #address: Address
  readonly #free: Connection[] = []

  constructor(address: Address) {
    this.#address = address
  }

  /** One that is open already; null when there is none. */
  takeOpen(nowMs: number): Connection | null {
    for (let connection = this.#free.pop(); connection !== undefined; connection = this.#free.pop()) {
      if (nowMs - connection.freeSinceMs < connection.keepAliveMs - MARGIN_MS || connection.keepAliveMs === 0)
        return connection
      connection.destroy()
    }
    return null
  }

  open(): Connection {
    return new Connection(this.#address, this, USUAL_KEEP_ALIVE_MS + MARGIN_MS)
  }

  /** Whether the program takes new connections. */
  async isAccepted(): Promise<boolean> {
    const connection = this.open()
    await connection.ready()
    if (connection.isDestroyed) return false
    this.onFree(connection)
    return true
  }

  onFree(connection: Connection): void {
    connection.freeSinceMs = performance.now()
    this.#free.push(connection)
  }

  onGone(connection: Connection): void {
    const at = this.#free.indexOf(connection)
    if (at >= 0) this.#free.splice(at, 1)
  }
}

/** Waits until a program accepts at one of these addresses, the first ones preferred. Its connection is the client's first. */
export async function whenAccepted(addresses: readonly Address[], signal: AbortSignal): Promise<ProgramClient> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
    for (const address of addresses) {
      const client = new ProgramClient(address)
      if (await client.isAccepted()) return client
      signal.throwIfAborted()
    }
    await sleep(pauseMs, undefined, { signal })
  }
}
