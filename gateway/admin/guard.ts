/**
 * Who may read the admin address. With a token: whoever presents it. Without one the address is on loopback, where
 * every program of this machine may read, but no web page: a page can reach a loopback port under a host name of its
 * own that is made to point there (DNS rebinding), and that name gives it away.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'

/** Returns a check for the value of an `Authorization` header. The time it takes tells nothing about the token. */
export function bearerCheck(token: string): (authorization: string | undefined) => boolean {
  const wanted = sha256(token)
  return (authorization = '') => {
    const presented = /^Bearer +(\S.*)$/i.exec(authorization)?.[1]
    return presented !== undefined && timingSafeEqual(sha256(presented), wanted)
  }
}

/** True for `localhost`, names under it and IP addresses, with or without a port: hosts that no page can own. */
export function isHostOfThisMachine(host: string): boolean {
  const name = host.replace(/:\d*$/, '').toLowerCase()
  if (name.startsWith('[') && name.endsWith(']')) return isIP(name.slice(1, -1)) === 6
  return name === 'localhost' || name.endsWith('.localhost') || isIP(name) === 4
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
