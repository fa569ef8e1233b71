/**
 * The numbers that tune the pool, in the units that code counts in. The words people write in a configuration file
 * ('30s', '256MiB', 'never') are turned into these by whoever reads that file; here `Infinity` means never or no limit.
 */

import type { Secrets } from './secret.ts'

/** How one function is run. Every field has a default in {@link DEFAULT_FUNCTION_SETTINGS}. */
export interface FunctionSettings {
  /** Workers kept warm when nobody calls. 0 lets the function go cold (it then starts from a blank). */
  readonly minWorkers: number
  /** The most workers this function may have at once, replacements being warmed excepted. At least 1. */
  readonly maxWorkers: number
  /** Invocations that one worker may run at the same time. 1 isolates every call from every other in time. */
  readonly concurrency: number
  /** Invocations after which a worker is recycled (with jitter, replacement first). `Infinity`: never. */
  readonly maxInvocations: number
  /** Age in milliseconds after which a worker is recycled (with jitter, replacement first). */
  readonly maxAgeMs: number
  /** How long a worker above `minWorkers` may idle before it is retired. */
  readonly idleTimeoutMs: number
  /** From the hand-over to a worker to the end of the response. Then 504, and the worker is replaced. */
  readonly timeoutMs: number
  /** How long a process may take to boot, and then again to load the function. */
  readonly bootTimeoutMs: number
  /** Resident memory over which a worker is recycled after its current calls. */
  readonly memoryBytes: number
  readonly queue: {
    /** Invocations that may wait for a worker. One more is answered 503 at once. */
    readonly max: number
    /** How long an invocation may wait for a worker before it is answered 503. */
    readonly timeoutMs: number
  }
  /** Variables for the function, and nobody else: `env` and `process.env` of its workers. */
  readonly env: Readonly<Record<string, string>>
  /** Variables as `env` has them, whose values are in no log, status or error. */
  readonly secrets: Secrets
  /** True: a call that a dying worker had begun may be run again. False (default): it is answered 502. */
  readonly idempotent: boolean
}

/** The whole pool's budget. */
export interface PoolSettings {
  /** The most processes at once, blanks included. */
  readonly maxWorkers: number
  /** Resident memory of all workers together, over which the least valuable idle ones are evicted. */
  readonly memoryBytes: number
  /** Booted processes without a function that wait for the next cold one. */
  readonly blanks: number
}

const MiB = 1024 * 1024

export const DEFAULT_FUNCTION_SETTINGS: FunctionSettings = {
  minWorkers: 0,
  maxWorkers: 8,
  concurrency: 16,
  maxInvocations: 10_000,
  maxAgeMs: 3_600_000,
  idleTimeoutMs: 300_000,
  timeoutMs: 30_000,
  bootTimeoutMs: 10_000,
  memoryBytes: 512 * MiB,
  queue: { max: 1000, timeoutMs: 10_000 },
  env: {},
  secrets: {},
  idempotent: false,
}

export const DEFAULT_POOL_SETTINGS: PoolSettings = {
  maxWorkers: 64,
  memoryBytes: 4096 * MiB,
  blanks: 2,
}
