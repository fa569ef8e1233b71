/**
 * The memory of large bodies. A chunk is big outside the heap and tiny inside it, so V8 sees no reason to collect until
 * some 64 MiB of them have piled up, and then marks the whole heap. So whoever has allocated one here gives it back here
 * as soon as it is done with, in a microsecond; and for those that others hold (a function, a socket) one minor collection
 * after every few megabytes finds what they have let go of. A chunk that was given back is empty for whoever still has it.
 */
import { garbageCollector } from './garbage-collector.ts'

const COLLECT_EVERY_BYTES = 48 * 1024 * 1024
/** Smaller ones are the heap's business: Node cuts them out of larger blocks. */
const OWN_FROM_BYTES = 16 * 1024

/** What was allocated here and belongs to nobody else. */
const owned = new WeakSet<ArrayBufferLike>()
let passedBytes = 0

/** Memory with nothing in it, to be filled at once. */
export function allocateBody(bytes: number): Buffer {
  if (bytes < OWN_FROM_BYTES) return Buffer.allocUnsafe(bytes)
  const body = Buffer.allocUnsafeSlow(bytes)
  owned.add(body.buffer)
  countBodyBytes(bytes)
  return body
}

/** The same bytes in memory from {@link allocateBody}. */
export function bodyCopy(bytes: Uint8Array): Buffer {
  const copy = allocateBody(bytes.length)
  copy.set(bytes)
  return copy
}

/** Gives back what {@link allocateBody} gave. Does nothing to memory from elsewhere, or that was kept. */
export function releaseBody(bytes: Uint8Array): void {
  const { buffer } = bytes
  if (!owned.delete(buffer)) return
  passedBytes -= buffer.byteLength
  ;(buffer as ArrayBuffer).transfer(0)
}

/** Somebody else uses it for as long as they want: it is not to be given back any more. */
export function keepBody(bytes: Uint8Array): void {
  owned.delete(bytes.buffer)
}

/** To be told of every chunk that passes and was not allocated here. */
export function countBodyBytes(bytes: number): void {
  passedBytes += bytes
  if (passedBytes < COLLECT_EVERY_BYTES) return
  passedBytes = 0
  garbageCollector()({ type: 'minor' })
}
