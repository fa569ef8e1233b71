import { ThreadWorker } from 'poolifier'
import { tasks } from './tasks.ts'

export default new ThreadWorker(tasks as never)
