/**
 * Opening a listening address. Owns the one failure that everybody meets, a port that is taken, and says it in words;
 * any other failure is passed on as the system gave it.
 */
import type { AddressInfo, Server } from 'node:net'

export interface ListenAddress {
  /** A name or an IP address, IPv6 without brackets. */
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
}

/** Somebody else has the address. The message names it and says how to choose another. */
export class AddressInUse extends Error {
  override readonly name = 'AddressInUse'
  readonly code = 'address-in-use'
  /** As `host:port`. */
  readonly address: string

  constructor(address: string, wayOut: string) {
    super(`Something else listens on ${address} already, perhaps another wrangler-free. ${wayOut}`)
    this.address = address
  }
}

/**
 * Listens and returns the URL at which the server answers, without a slash at its end and with the port that was
 * really taken. `wayOut` is what a person reads when the port is in use: "Choose another port with --port N."
 */
export async function listen(server: Server, { host, port }: ListenAddress, wayOut: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, host, resolve)
  try {
    await promise
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw new AddressInUse(authority(host, port), wayOut)
    throw error
  } finally {
    server.off('error', reject)
  }
  return `http://${authority(host, (server.address() as AddressInfo).port)}`
}

function authority(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
