import { fileURLToPath } from 'node:url'
import { FixedClusterPool } from 'poolifier'
import { type OpenPeer, TASKS_FOLDER } from '../peer.ts'

export const open: OpenPeer = ({ task, workers }) => {
  // Bytes do not survive the default, which is JSON.
  const pool = new FixedClusterPool(workers, fileURLToPath(new URL('poolifier-cluster.ts', TASKS_FOLDER)), {
    settings: { serialization: 'advanced' },
  })
  return { call: (input) => pool.execute(input, task), close: () => pool.destroy() }
}
