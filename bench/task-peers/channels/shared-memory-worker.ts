/** The thread's end of the shared memory. */
import { workerData } from 'node:worker_threads'
import { type TaskName, tasks } from '../tasks/tasks.ts'
import { Mailbox } from './mailbox.ts'

const { memory, task } = workerData as { readonly memory: SharedArrayBuffer; readonly task: TaskName }
new Mailbox(memory).serve(tasks[task] as (value: number | Uint8Array) => number | Uint8Array)
