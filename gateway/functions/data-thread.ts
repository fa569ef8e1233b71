/** A thread that parses a long data file: YAML of some 100 KB takes longer than the event loop may stand still. */
import { parentPort, workerData } from 'node:worker_threads'
import { parseData } from './data-parser.ts'

export interface DataTask {
  readonly file: string
  readonly text: string
}

/** `data`: as JSON. */
export type DataResult = { readonly data: string } | { readonly problem: string }

const { file, text } = workerData as DataTask

async function result(): Promise<DataResult> {
  try {
    return { data: JSON.stringify(await parseData(file, text)) ?? 'null' }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

parentPort!.postMessage(await result())
