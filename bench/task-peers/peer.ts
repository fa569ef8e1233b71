/** What a pool or a channel is to the one who measures it: something that takes an input and gives an output. */
import type { TaskName } from './tasks/tasks.ts'

export interface Peer {
  call(input: number | Uint8Array): Promise<unknown>
  close(): Promise<unknown>
}

export interface PeerOptions {
  /** What it will be called for. */
  readonly task: TaskName
  readonly workers: number
}

/** Each module under pools/ and channels/ exports one, as `open`. */
export type OpenPeer = (options: PeerOptions) => Peer | Promise<Peer>

export const TASKS_FOLDER = new URL('./tasks/', import.meta.url)
