/**
 * What every pool and channel is given to do: so little that the way there and back is what is measured. Each answer
 * depends on the input, so that one which came from nowhere, or to another caller, is noticed.
 */
import { createHash } from 'node:crypto'

export const TAIL_BYTES = 512

export function integer(value: number): number {
  return value + 1
}

/** The input's end is there only once all of it is. */
export function tail(bytes: Uint8Array): Uint8Array {
  return bytes.slice(-TAIL_BYTES)
}

export function sha512(bytes: Uint8Array): Uint8Array {
  return createHash('sha512').update(bytes).digest()
}

export const tasks = { integer, tail, sha512 }
export type TaskName = keyof typeof tasks
