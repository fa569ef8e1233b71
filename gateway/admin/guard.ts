/**
 * Who may read the admin address: whoever presents its token. Being on this machine is not enough, for functions are on
 * it, too, and so is every web page that a browser of it shows.
 */
import { createHash, timingSafeEqual } from 'node:crypto'

/** Checks the value of an `Authorization` header. The time it takes tells nothing about the token. */
export function presents(token: string, authorization = ''): boolean {
  const presented = /^Bearer +(\S.*)$/i.exec(authorization)?.[1]
  return presented !== undefined && timingSafeEqual(sha256(presented), sha256(token))
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
