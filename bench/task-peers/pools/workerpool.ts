import { fileURLToPath } from 'node:url'
import workerpool from 'workerpool'
import { type OpenPeer, TASKS_FOLDER } from '../peer.ts'

export const open: OpenPeer = ({ task, workers }) => {
  const pool = workerpool.pool(fileURLToPath(new URL('workerpool.ts', TASKS_FOLDER)), {
    workerType: 'process',
    minWorkers: workers,
    maxWorkers: workers,
    // Bytes do not survive the default, which is JSON.
    forkOpts: { serialization: 'advanced' },
  })
  return { call: async (input) => pool.exec(task, [input]), close: async () => pool.terminate() }
}
