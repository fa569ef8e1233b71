/** How much memory a process holds, as the system tells it; asked from outside, so that a worker cannot lie. */
import { readFileSync } from 'node:fs'

const AUXV_PAGE_BYTES = 6n

/** What `statm` counts in: 4 KiB on most machines, 16 KiB on a Raspberry Pi 5, 64 KiB on some servers. */
const PAGE_BYTES = readPageBytes()

/** Resident bytes, or 0 where the system does not tell (the process is gone, or this is not Linux). */
export function readRssBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES
  } catch {
    return 0
  }
}

/** The unit in which the system counts a process's memory. */
export function pageBytes(): number {
  return PAGE_BYTES
}

/** From what the kernel tells every process at its start: pairs of 64-bit numbers, a key and a value. */
function readPageBytes(): number {
  try {
    const pairs = new BigUint64Array(new Uint8Array(readFileSync('/proc/self/auxv')).buffer)
    for (let at = 0; at + 1 < pairs.length; at += 2) if (pairs[at] === AUXV_PAGE_BYTES) return Number(pairs[at + 1])
  } catch {
    // Not Linux, or not told: the usual size.
  }
  return 4096
}
