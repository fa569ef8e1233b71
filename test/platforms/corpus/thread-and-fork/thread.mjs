import { parentPort, workerData } from 'node:worker_threads'
import { twice } from 'arithmetic-of-ours'

parentPort.postMessage(twice(workerData))
