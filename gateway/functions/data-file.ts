/**
 * Data files of platforms (YAML, TOML, JSON with comments) as plain values. A file is read as data only: no tag, alias or
 * key of it runs code. A long one is parsed in a thread, with limits of memory and time.
 */
import { readFile, stat } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { parseData } from './data-parser.ts'
import type { DataResult, DataTask } from './data-thread.ts'

/** Configuration is written by hand. */
const MOST_BYTES = 256 * 1024
/** What is parsed at once, within some milliseconds: nearly every such file. JSON is fast at any length. */
const MOST_BYTES_AT_ONCE = 8 * 1024
const MOST_MS = 10_000
const MOST_MEMORY_MB = 256
const THREAD = new URL(`./data-thread.${import.meta.url.endsWith('.js') ? 'js' : 'ts'}`, import.meta.url)
const TOO_MUCH = 'parsing it takes more memory or time than it may'

/** A data file that is there and cannot be read. The message is a sentence without the file's name. */
export class DataFileProblem extends Error {
  override readonly name = 'DataFileProblem'
}

/** Return what the file says. Throws {@link DataFileProblem}. */
export async function readDataFile(path: string): Promise<unknown> {
  try {
    const { size } = await stat(path)
    if (size > MOST_BYTES) throw new Error(`it has ${size} bytes, and ${MOST_BYTES} are read at most`)
    const file = basename(path)
    const text = await readFile(path, 'utf8')
    if (size <= MOST_BYTES_AT_ONCE || /^\.jsonc?$/.test(extname(file))) return await parseData(file, text)
    return await parseInThread({ file, text })
  } catch (error) {
    throw new DataFileProblem((error as Error).message.split('\n', 1)[0]!)
  }
}

async function parseInThread(task: DataTask): Promise<unknown> {
  const limits = { maxOldGenerationSizeMb: MOST_MEMORY_MB }
  const thread = new Worker(THREAD, { workerData: task, resourceLimits: limits })
  const { promise, resolve, reject } = Promise.withResolvers<DataResult>()
  const deadline = setTimeout(() => reject(new Error(TOO_MUCH)), MOST_MS)
  thread.once('message', resolve)
  thread.once('error', () => reject(new Error(TOO_MUCH)))
  thread.once('exit', () => reject(new Error(TOO_MUCH)))
  try {
    const result = await promise
    if ('problem' in result) throw new Error(result.problem)
    return JSON.parse(result.data)
  } finally {
    clearTimeout(deadline)
    await thread.terminate()
  }
}

/** The value as an object; an empty one for anything else. */
export function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

/** The value as a text; null for anything else and for an empty one. */
export function asText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
