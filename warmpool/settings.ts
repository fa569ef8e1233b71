/**
 * The numbers that tune the pool, in the units that code counts in. The words people write in a configuration file
 * ('30s', '256MiB', 'never') are turned into these by whoever reads that file; here `Infinity` means never or no limit.
 */

import type { Secrets } from './secret.ts'
import type { Listening } from './wire/messages.ts'

/** What a worker and everything that it has started may use; `Infinity`: as much as it likes. Beyond it is ended. */
export interface FunctionLimits {
  /** Memory of all its processes, buffers outside of the heap included. */
  readonly memoryBytes: number
  /** Processor time since the worker's last answer: that of one call where `concurrency` is 1. */
  readonly cpuTimeMs: number
  /** Processes and threads together. */
  readonly processes: number
  /** Descriptors that one process may have open. */
  readonly openFiles: number
  /** The longest file that it may write, and what its own temporary folder may hold where it has one. */
  readonly diskBytes: number
  /** Output in a second. What is more is dropped, and counted. */
  readonly logBytes: number
  /** The longest line of output; the rest of a longer one is cut off, with a mark. */
  readonly logLineBytes: number
  /** Body of one response. */
  readonly responseBytes: number
}

/** A function's claim to the processors. */
export interface CpuShare {
  /** The function's share of a busy machine, against others' 100; from 1 to 10,000. Takes cgroups. */
  readonly weight: number
  /** As of the command `nice`, from -20 (most urgent) to 19. Less urgent than the pool's process, which keeps all of them in bounds. */
  readonly nice: number
  /** Numbers of the processors that it may run on; empty: all. */
  readonly cores: readonly number[]
}

/** How one function is run. Every field has a default in {@link DEFAULT_FUNCTION_SETTINGS}. */
export interface FunctionSettings {
  /** Workers kept warm when nobody calls. 0 lets the function go cold (it then starts from a blank). */
  readonly minWorkers: number
  /** The most workers this function may have at once, replacements being warmed excepted. At least 1. */
  readonly maxWorkers: number
  /** Invocations that one worker may run at the same time. 1 isolates every call from every other in time. */
  readonly concurrency: number
  /** Of blocking code that says so, in runtimes that run each of its calls in a thread: how many at once. 1: one by one. */
  readonly threads: number
  /** Invocations after which a worker is recycled (with jitter, replacement first). `Infinity`: never. */
  readonly maxInvocations: number
  /**
   * How its workers start: booted each, or forked from a process that has booted, which takes a twentieth of the time
   * and two thirds of the memory; but V8 then works without other threads, and address layout and hash seed are those of all
   * forked workers. `auto`: forked where they live for 500 invocations at most. Node only, and never in a sandbox.
   */
  readonly startBy: 'auto' | 'boot' | 'fork'
  /** Age in milliseconds after which a worker is recycled (with jitter, replacement first). */
  readonly maxAgeMs: number
  /** How long a worker above `minWorkers` may idle before it is retired. */
  readonly idleTimeoutMs: number
  /**
   * The handler's time: from the hand-over to a worker to the head of a streamed response, or else to the end of the
   * call. Time in which the worker waits for the caller's body does not count. Then 504, and the worker is replaced.
   */
  readonly timeoutMs: number
  /** A body's whole way in either direction, from the hand-over or the response's head on. Endless streams have none. */
  readonly streamTimeoutMs: number
  /** How long a response that has begun may send nothing. Then it is cut off, and the worker is replaced. */
  readonly streamIdleTimeoutMs: number
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
  readonly limits: FunctionLimits
  readonly cpu: CpuShare
  /** What keeps it from others: a sandbox and what its process takes from itself, the latter alone, or nothing. */
  readonly isolation: Isolation
  /** What it reaches of the network: a list is of hosts, by way of a proxy. Not of what is trusted. */
  readonly network: Network
  /** What becomes of TCP servers that it starts. Programs that serve calls on a port of their own have that in any case. */
  readonly listen: Listening
  /** Absolute paths that it may read, and those that it may write to, besides its own. */
  readonly readable: readonly string[]
  readonly writable: readonly string[]
  /** When a mechanism of its isolation cannot be had: it does not run, or runs without and that is told. */
  readonly isolationMissing: 'refuse' | 'warn'
}

/** What is not said has the default of each field. */
export type FunctionDefaults = Partial<Omit<FunctionSettings, 'queue' | 'limits' | 'cpu'>> & {
  readonly queue?: Partial<FunctionSettings['queue']>
  readonly limits?: Partial<FunctionSettings['limits']>
  readonly cpu?: Partial<FunctionSettings['cpu']>
}

export type Network = 'all' | 'none' | readonly string[]

/** From the strictest on. */
export const ISOLATIONS = ['sandbox', 'process', 'trusted'] as const
export type Isolation = (typeof ISOLATIONS)[number]

/** The whole pool's budget. */
export interface PoolSettings {
  /** The most processes at once, blanks included. */
  readonly maxWorkers: number
  /** Resident memory of all workers together, over which the least valuable idle ones are evicted. */
  readonly memoryBytes: number
  /** Booted processes without a function that wait for the next cold one. */
  readonly blanks: number
  /**
   * `auto`: the kernel counts, limits and ends what a worker has started, where it lets this process make cgroups;
   * elsewhere it is looked for. `never`: it is looked for everywhere.
   */
  readonly cgroups: 'auto' | 'never'
}

const MiB = 1024 * 1024

export const DEFAULT_FUNCTION_SETTINGS: FunctionSettings = {
  minWorkers: 0,
  maxWorkers: 8,
  concurrency: 16,
  threads: 1,
  maxInvocations: 10_000,
  startBy: 'auto',
  maxAgeMs: 3_600_000,
  idleTimeoutMs: 300_000,
  timeoutMs: 30_000,
  streamTimeoutMs: 3_600_000,
  streamIdleTimeoutMs: 300_000,
  bootTimeoutMs: 10_000,
  memoryBytes: 512 * MiB,
  queue: { max: 1000, timeoutMs: 10_000 },
  env: {},
  secrets: {},
  idempotent: false,
  limits: {
    memoryBytes: 1024 * MiB,
    cpuTimeMs: Number.POSITIVE_INFINITY,
    processes: 512,
    openFiles: 4096,
    diskBytes: 1024 * MiB,
    logBytes: MiB / 4,
    logLineBytes: MiB / 16,
    responseBytes: Number.POSITIVE_INFINITY,
  },
  cpu: { weight: 100, nice: 1, cores: [] },
  isolation: 'process',
  network: 'all',
  listen: 'none',
  readable: [],
  writable: [],
  isolationMissing: 'warn',
}

/** What is said of a function's memory; the limit that is not said leaves room above what it is recycled at. */
export function memoryLimitBytes(recycledAtBytes: number): number {
  return Math.max(DEFAULT_FUNCTION_SETTINGS.limits.memoryBytes, 2 * recycledAtBytes)
}

export const DEFAULT_POOL_SETTINGS: PoolSettings = {
  maxWorkers: 64,
  memoryBytes: 4096 * MiB,
  blanks: 2,
  cgroups: 'auto',
}
