import { ClusterWorker } from 'poolifier'
import { tasks } from './tasks.ts'

export default new ClusterWorker(tasks as never)
