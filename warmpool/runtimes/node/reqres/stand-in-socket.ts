/**
 * What code asks of `req.socket` besides bytes: addresses and whether it is secured, which the call knows, and settings
 * of a connection, which are taken and mean nothing. It looks like a socket, and opens none.
 */
import { EventEmitter } from 'node:events'
import type { Call } from '../call.ts'
import { callerAddress } from './caller-address.ts'

export abstract class StandInSocket extends EventEmitter {
  abstract readonly call: Call

  get remoteAddress(): string | undefined {
    return callerAddress(this.call.lines)
  }

  get remoteFamily(): string {
    return this.remoteAddress?.includes(':') ? 'IPv6' : 'IPv4'
  }

  get encrypted(): boolean {
    return this.call.isSecure
  }

  address(): object {
    return {}
  }

  end(): this {
    return this
  }

  cork(): void {}

  uncork(): void {}

  setTimeout(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}
