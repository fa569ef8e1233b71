/** The thread's end of postMessage. */
import { parentPort, workerData } from 'node:worker_threads'
import { type TaskName, tasks } from '../tasks/tasks.ts'

const task = tasks[workerData as TaskName] as (value: unknown) => unknown

parentPort!.on('message', (value) => parentPort!.postMessage(task(value)))
