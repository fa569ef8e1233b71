/** SHA-512 of a mebibyte of random bytes, again and again: how often a second. */
import { createHash, randomBytes } from 'node:crypto'

export function hashFor(forMs: number): number {
  const bytes = randomBytes(1024 * 1024)
  const startedAtMs = performance.now()
  let times = 0
  let tookMs = 0
  while (tookMs < forMs) {
    createHash('sha512').update(bytes).digest()
    times++
    tookMs = performance.now() - startedAtMs
  }
  return (times * 1000) / tookMs
}
