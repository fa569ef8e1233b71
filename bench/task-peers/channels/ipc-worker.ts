/** The child's end of Node's IPC channel: `ipc-worker.ts TASK`. Ends with the channel. */
import { type TaskName, tasks } from '../tasks/tasks.ts'

const task = tasks[process.argv[2] as TaskName] as (value: unknown) => unknown

process.on('message', (value) => process.send!(task(value)))
