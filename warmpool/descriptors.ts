/**
 * Whether this process has descriptors enough to start another. Asked before and not found out by trying: of a process
 * that cannot be started because they run out on the way, Node loses the pipes it had made already, three each time,
 * for as long as this process lives.
 */
import { closeSync, openSync } from 'node:fs'

/** The journal, both ends of three pipes, and those with which the system tells how a start went; and some to spare. */
const NEEDED = 12

/** Throws EMFILE where there are not. */
export function requireSpareDescriptors(): void {
  const opened: number[] = []
  try {
    while (opened.length < NEEDED) opened.push(openSync('/dev/null', 'r'))
  } finally {
    for (const fd of opened) closeSync(fd)
  }
}
