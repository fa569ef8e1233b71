import { fileURLToPath } from 'node:url'
import { FixedThreadPool } from 'poolifier'
import { type OpenPeer, TASKS_FOLDER } from '../peer.ts'

export const open: OpenPeer = ({ task, workers }) => {
  const pool = new FixedThreadPool(workers, fileURLToPath(new URL('poolifier-thread.ts', TASKS_FOLDER)))
  return { call: (input) => pool.execute(input, task), close: () => pool.destroy() }
}
