/** How much memory a process holds, as the system tells it; asked from outside, so that a worker cannot lie. */
import { readFileSync } from 'node:fs'

const PAGE_BYTES = 4096

/** Resident bytes, or 0 where the system does not tell (the process is gone, or this is not Linux). */
export function readRssBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES
  } catch {
    return 0
  }
}
