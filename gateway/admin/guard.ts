/**
 * Who may ask the admin address what: whoever presents its own token everything, whoever presents one that was made there
 * what that is for. Being on this machine is not enough, for functions are on it, too, and so is every web page that a
 * browser of it shows.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Principal } from '../deploy/token-store.ts'

/** Where tokens that were made are looked up. */
export interface TokenLookUp {
  find(token: string): Principal | null
}

const OWNER: Principal = { name: 'admin', scope: 'admin', functions: null }

/** Looks at the value of an `Authorization` header. The time it takes tells nothing about the tokens. */
export function principalOf(ownToken: string, tokens: TokenLookUp | null, authorization = ''): Principal | null {
  const presented = /^Bearer +(\S.*)$/i.exec(authorization)?.[1]
  if (presented === undefined) return null
  const isOwn = timingSafeEqual(sha256(presented), sha256(ownToken))
  const found = tokens?.find(presented) ?? null
  return isOwn ? OWNER : found
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
