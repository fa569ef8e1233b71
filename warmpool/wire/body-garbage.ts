/**
 * Keeps memory flat while large bodies pass. Their chunks are big outside the heap and tiny inside it, so V8 sees no
 * reason to collect until some 64 MiB of them have piled up. After every few megabytes of bodies one minor collection
 * (under a millisecond, since hardly anything young survives) gives the chunks back that are done with.
 */
import { garbageCollector } from './garbage-collector.ts'

const COLLECT_EVERY_BYTES = 16 * 1024 * 1024

let passedBytes = 0

/** To be told of every chunk that passes. */
export function countBodyBytes(bytes: number): void {
  passedBytes += bytes
  if (passedBytes < COLLECT_EVERY_BYTES) return
  passedBytes = 0
  garbageCollector()({ type: 'minor' })
}
