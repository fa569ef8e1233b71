/**
 * The worker's side of the journal: says, readably after this process's death, which invocation has reached user code.
 * Counting is one `pwrite`, until a worker has served so much that mapping the file into memory pays (node:ffi, Node
 * 26): from then on it is one store, where a `pwrite` took half of what this runtime itself spends on a warm call. Loading
 * node:ffi at boot cost every process 2 ms, and most of those that serve one call or few never got that back. The page is
 * the kernel's and outlives a SIGKILL at any instant.
 */
import { readSync, writeSync } from 'node:fs'
import { mapFile } from '../../wire/c-library.ts'

/** To be called with each invocation's number right before user code gets it. */
export type BegunCounter = (id: number) => void

const COUNTER_BYTES = 4
/** As many times `pwrite` take as long as the mapping. */
const WRITTEN_COUNTS = 256

export function openBegunCounter(fd: number): BegunCounter {
  const written = Buffer.alloc(COUNTER_BYTES)
  let left = WRITTEN_COUNTS
  let mapped: Uint32Array | null = null
  return (id) => {
    if (mapped !== null) {
      mapped[0] = id
      return
    }
    written.writeUInt32LE(id)
    writeSync(fd, written, 0, COUNTER_BYTES, 0)
    if (--left === 0) mapped = mapCounter(fd, id)
  }
}

/** The file's counter, which stands at `id`, as memory; null where that cannot be had. */
export function mapCounter(fd: number, id: number): Uint32Array | null {
  const mapped = mapFile(fd, COUNTER_BYTES)
  if (mapped === null) return null
  const counter = new Uint32Array(mapped.memory.buffer)
  return isSameAsFile(fd, counter, id) ? counter : null
}

/** What the file holds is seen in the memory, and what is stored there in the file, in the parent's order of bytes. */
function isSameAsFile(fd: number, counter: Uint32Array, id: number): boolean {
  if (counter[0] !== id) return false
  const next = (id + 1) >>> 0
  // A moment too far is harmless: what was not begun would be taken for begun, never the other way.
  counter[0] = next
  const read = Buffer.alloc(COUNTER_BYTES)
  readSync(fd, read, 0, COUNTER_BYTES, 0)
  counter[0] = id
  return read.readUInt32LE() === next
}
