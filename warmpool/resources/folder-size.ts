/**
 * How much of the disk a folder holds, counted off the event loop, one look at a time: whoever asks gets what the last
 * look has found. It follows no links, and stops where there is more than anybody wants to know.
 */
import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'

/** Of `stat`, whatever the file system's own are. */
const BLOCK_BYTES = 512

export class FolderSize {
  /** At the last look. */
  bytes = 0
  readonly #folder: string
  #isLooking = false

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Looks again, unless it is still at it. Never fails: what is gone while it looks holds nothing. */
  async look(enoughBytes: number): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    this.bytes = await bytesBelow(this.#folder, enoughBytes)
    this.#isLooking = false
  }
}

async function bytesBelow(root: string, enoughBytes: number): Promise<number> {
  let bytes = 0
  const folders = [root]
  for (let folder = folders.pop(); folder !== undefined && bytes <= enoughBytes; folder = folders.pop()) {
    try {
      for await (const entry of await opendir(folder)) {
        const path = join(folder, entry.name)
        if (entry.isDirectory()) folders.push(path)
        bytes += await bytesOf(path)
        if (bytes > enoughBytes) break
      }
    } catch {
      // It is gone, or closed to us.
    }
  }
  return bytes
}

async function bytesOf(path: string): Promise<number> {
  try {
    // A file of nothing takes its place in the file system, and a look: many of them are to be noticed as well.
    return Math.max(1, (await lstat(path)).blocks) * BLOCK_BYTES
  } catch {
    return 0
  }
}
