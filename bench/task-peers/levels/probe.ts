/**
 * What a JavaScript runtime does at each isolation level, measured inside it: started by the runtime in question, it
 * says `{}` when it is ready, takes orders as lines of JSON on stdin and answers with a line each. It has to run on Node 26, Node 24 and Bun as it
 * is. Levels that are processes are started from it as well: nothing else happens in here meanwhile.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { createContext, runInContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { hashFor } from './hash-for.ts'

export type Order =
  | { readonly do: 'start-threads' | 'start-realms' | 'start-pool-workers' | 'call-pool'; readonly forMs: number }
  | { readonly do: 'start-processes'; readonly command: readonly string[]; readonly forMs: number }
  | { readonly do: 'hash' | 'hash-in-thread' | 'hash-in-realm' | 'hash-in-pool'; readonly forMs: number }

export type Rate = { readonly perSecond: number }

const EMPTY = new URL('empty.js', import.meta.url)
const HASH_THREAD = new URL('hash-thread.ts', import.meta.url)
const HASH_TASK = new URL('hash-task.ts', import.meta.url)
const NOTHING_TASK = new URL('../tasks/nothing.ts', import.meta.url)

process.stdout.write('{}\n')
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order
  const answer = await obey(order).then(
    (perSecond) => ({ perSecond }),
    (error: Error) => ({ error: error.message }),
  )
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

async function obey(order: Order): Promise<number> {
  switch (order.do) {
    case 'start-threads':
      return repeat(order.forMs, startThread)
    case 'start-realms':
      return repeat(order.forMs, startRealm)
    case 'start-processes':
      return repeat(order.forMs, () => startProcess(order.command))
    case 'start-pool-workers':
      return withPool(1, (run) => repeat(order.forMs, () => run(NOTHING_TASK)))
    case 'call-pool':
      return withPool(Number.POSITIVE_INFINITY, (run) => repeat(order.forMs, () => run(NOTHING_TASK)))
    case 'hash':
      return hashFor(order.forMs)
    case 'hash-in-thread':
      return hashInThread(order.forMs)
    case 'hash-in-realm':
      return hashInRealm(order.forMs)
    case 'hash-in-pool':
      return withPool(Number.POSITIVE_INFINITY, async (run) => {
        await run(HASH_TASK, 50)
        return (await run(HASH_TASK, order.forMs)) as number
      })
  }
}

/** How often a second, one after the other; the first time is not counted. */
async function repeat(forMs: number, once: () => unknown): Promise<number> {
  await once()
  const startedAtMs = performance.now()
  let times = 0
  let tookMs = 0
  while (tookMs < forMs) {
    await once()
    times++
    tookMs = performance.now() - startedAtMs
  }
  return (times * 1000) / tookMs
}

async function startThread(): Promise<void> {
  const thread = new Worker(EMPTY)
  await once(thread, 'exit')
}

function startRealm(): void {
  runInContext('', createContext({}))
}

async function startProcess([file, ...args]: readonly string[]): Promise<void> {
  const [code] = await once(spawn(file!, args, { stdio: 'ignore' }), 'exit')
  if (code !== 0) throw new Error(`${file} ended with ${code}`)
}

async function hashInThread(forMs: number): Promise<number> {
  const thread = new Worker(HASH_THREAD, { workerData: forMs })
  const [perSecond] = await once(thread, 'message')
  await thread.terminate()
  return perSecond as number
}

/** The loop itself runs inside the realm; what a realm is not born with is handed in. */
async function hashInRealm(forMs: number): Promise<number> {
  const { createHash, randomBytes } = await import('node:crypto')
  const context = createContext({ createHash, randomBytes, performance, forMs })
  return runInContext(`${hashFor.toString()}; hashFor(forMs)`, context) as number
}

type Run = (module: URL, input?: unknown) => Promise<unknown>

/** Its processes run on the runtime that this is. */
async function withPool<T>(maxInvocations: number, use: (run: Run) => Promise<T>): Promise<T> {
  const { WarmPool } = await import('../../../warmpool/index.ts')
  const pool = new WarmPool({ defaults: { concurrency: 1, maxInvocations, timeoutMs: 60_000 } })
  try {
    return await use((module, input) => pool.run(module, input))
  } finally {
    await pool.close()
  }
}
