import { WarmPool } from '../../../warmpool/index.ts'
import { type OpenPeer, TASKS_FOLDER } from '../peer.ts'

export const open: OpenPeer = ({ task, workers }) => {
  const defaults = { minWorkers: workers, maxWorkers: workers, concurrency: 64, maxInvocations: Infinity }
  const pool = new WarmPool({ maxWorkers: workers, blanks: 0, defaults })
  const module = new URL(`${task}.ts`, TASKS_FOLDER)
  return { call: (input) => pool.run(module, input), close: () => pool.close() }
}
