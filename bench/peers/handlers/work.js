/**
 * What the functions under measurement do, apart from how a runtime hands them a request: shared by all handlers, so
 * that every contestant does the same. Runs in Node, Bun and workerd.
 */
import { createHash } from 'node:crypto'

export const HELLO = 'Hello!\n'
export const DOWNLOAD = new Uint8Array(64 * 1024).fill(120)
export const WAIT_MS = 20

/** The JSON case: reads what came, and answers with all of it and one field more. */
export function withTotal(order) {
  let totalCents = 0
  for (const { quantity, priceCents } of order.items) totalCents += quantity * priceCents
  return { ...order, totalCents }
}

export function digest(bytes) {
  return createHash('sha512').update(bytes).digest('hex')
}
