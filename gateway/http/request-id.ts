/** Request ids: the caller's own when it is harmless to log and to send back, else a short unique one. */
import { randomBytes } from 'node:crypto'

const HARMLESS = /^[A-Za-z0-9._:/+=@-]{1,128}$/

/** Differs between gateways and between their restarts. */
const prefix = randomBytes(6).toString('base64url')
let count = 0

export function requestId(given: string | null): string {
  if (given !== null && HARMLESS.test(given)) return given
  count++
  return `${prefix}-${count.toString(36)}`
}
