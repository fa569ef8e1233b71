/**
 * Descriptors that this process was started with, by a shell or a service manager, would go on to every worker: Node marks
 * only what it has opened itself. Marked once, they end with this process.
 */
import { readdirSync } from 'node:fs'
import { cFunctions } from './wire/c-library.ts'

const FCNTL = { fcntl: { arguments: ['int32', 'int32', 'int32'], return: 'int32' } } as const
const F_SETFD = 2
const FD_CLOEXEC = 1
const BEHIND_STANDARD = 3

/** False where that cannot be had: then what a program starts inherits them. */
export function keepDescriptors(): boolean {
  const library = process.platform === 'linux' ? cFunctions(FCNTL) : null
  if (library === null) return false
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name)
    // The one that this list was read from is closed by now.
    if (fd >= BEHIND_STANDARD) library.fcntl(fd, F_SETFD, FD_CLOEXEC)
  }
  return true
}
