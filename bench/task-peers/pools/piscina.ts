import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import { type OpenPeer, TASKS_FOLDER } from '../peer.ts'

export const open: OpenPeer = ({ task, workers }) => {
  const pool = new Piscina({
    filename: fileURLToPath(new URL('tasks.ts', TASKS_FOLDER)),
    name: task,
    minThreads: workers,
    maxThreads: workers,
    concurrentTasksPerWorker: 64,
  })
  return { call: (input) => pool.run(input), close: () => pool.destroy() }
}
