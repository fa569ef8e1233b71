import { fileURLToPath } from 'node:url'
import { Tinypool } from 'tinypool'
import { type OpenPeer, TASKS_FOLDER } from '../peer.ts'

export const open: OpenPeer = ({ task, workers }) => {
  const pool = new Tinypool({
    runtime: 'child_process',
    filename: fileURLToPath(new URL('tasks.ts', TASKS_FOLDER)),
    name: task,
    minThreads: workers,
    maxThreads: workers,
    concurrentTasksPerWorker: 64,
    // Bytes do not survive the default, which is JSON.
    serialization: 'advanced',
  })
  return { call: (input) => pool.run(input), close: () => pool.destroy() }
}
