import { fileURLToPath } from 'node:url'
import { Worker } from 'jest-worker'
import { type OpenPeer, TASKS_FOLDER } from '../peer.ts'

export const open: OpenPeer = ({ task, workers }) => {
  const pool = new Worker(fileURLToPath(new URL('tasks.ts', TASKS_FOLDER)), {
    numWorkers: workers,
    exposedMethods: [task],
  }) as Worker & Record<typeof task, (input: number | Uint8Array) => Promise<unknown>>
  return { call: (input) => pool[task](input), close: () => pool.end() }
}
