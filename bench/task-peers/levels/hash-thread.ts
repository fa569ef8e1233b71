import { parentPort, workerData } from 'node:worker_threads'
import { hashFor } from './hash-for.ts'

parentPort!.postMessage(hashFor(workerData as number))
