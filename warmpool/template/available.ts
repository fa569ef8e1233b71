/** Whether workers can be forked here: it takes node:ffi (Node 26) and a kernel that tells of the end of others' children. */
import { cFunctions } from '../wire/c-library.ts'
import { canPassDescriptors } from '../wire/socket-pair.ts'
import { PIDFD_OPEN } from '../wire/system-calls.ts'

const CALLS = {
  syscall: { arguments: ['int64', 'int64', 'int64'], return: 'int64' },
  close: { arguments: ['int32'], return: 'int32' },
} as const

let answer: boolean | null = null

export function canFork(): boolean {
  answer ??= canPassDescriptors() && hasProcessDescriptors()
  return answer
}

/** Linux 5.3, and not every sandbox. */
function hasProcessDescriptors(): boolean {
  const calls = cFunctions(CALLS)
  if (calls === null) return false
  const descriptor = Number(calls.syscall(BigInt(PIDFD_OPEN), BigInt(process.pid), 0n))
  if (descriptor < 0) return false
  calls.close(descriptor)
  return true
}
