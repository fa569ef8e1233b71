/**
 * What must be true of the pool's numbers at every moment, checked on a snapshot. Tests and the chaos runs call it
 * after every random event; a sentence that comes back is a bug of the pool, whatever its workers did.
 */
import type { FunctionStatus, PoolStatus, WorkerStatus } from './status.ts'

/** The invariants that a snapshot breaks, as sentences; empty when all hold. */
export function brokenInvariants({ pool, functions }: PoolStatus): string[] {
  const broken: string[] = []
  const expect = (holds: boolean, sentence: string): void => {
    if (!holds) broken.push(sentence)
  }
  const owned = functions.reduce((sum, { workers }) => sum + workers.length, 0)
  expect(pool.workers >= pool.blanks + pool.starting + owned, `${pool.workers} processes are fewer than their parts`)
  expect(pool.workers <= pool.maxWorkers, `${pool.workers} processes are more than ${pool.maxWorkers}`)
  const pids = functions.flatMap(({ workers }) => workers.map(({ pid }) => pid))
  expect(new Set(pids).size === pids.length, 'a process belongs to two functions')
  for (const one of functions) broken.push(...ofFunction(one))
  return broken
}

function ofFunction({ name, queue, workers, invocations, errors }: FunctionStatus): string[] {
  const broken = workers.flatMap((worker) => ofWorker(worker).map((sentence) => `${name}: ${sentence}`))
  const idle = workers.find(({ state }) => state === 'ready')
  if (queue > 0 && idle !== undefined) broken.push(`${name}: ${queue} wait although worker ${idle.pid} is free`)
  if (queue < 0) broken.push(`${name}: ${queue} are waiting`)
  if (errors > invocations) broken.push(`${name}: ${errors} errors in ${invocations} invocations`)
  return broken
}

function ofWorker({ pid, state, inFlight, invocations }: WorkerStatus): string[] {
  const broken: string[] = []
  if (state === 'dead') broken.push(`worker ${pid} is dead and still listed`)
  if (state === 'busy' && inFlight === 0) broken.push(`worker ${pid} is busy with nothing`)
  if (state === 'ready' && inFlight > 0) broken.push(`worker ${pid} is ready and holds ${inFlight}`)
  if ((state === 'blank' || state === 'loading') && invocations > 0)
    broken.push(`worker ${pid} ran before it was loaded`)
  if (inFlight > invocations) broken.push(`worker ${pid} holds more than it was given`)
  return broken
}
