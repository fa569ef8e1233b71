/** Load from a generator that is not ours: wrk where Debian's is installed, else autocannon from npm. */
import { spawnSync } from 'node:child_process'
import { autocannon } from './autocannon.ts'
import { wrk } from './wrk.ts'

export interface LoadOptions {
  readonly connections: number
  readonly seconds: number
  /** Without it, each request is a GET. */
  readonly post?: Post | undefined
  /** A connection for each request. */
  readonly isClosing?: boolean
}

export interface Post {
  readonly bodyFile: string
  readonly contentType: string
}

/** What a load generator saw. A sample that `interleave` can hold. */
export type LoadReport = {
  readonly requestsPerSecond: number
  readonly requests: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers outside 2xx and 3xx. */
  readonly badStatuses: number
  /** Connections refused or broken, and answers that never came. */
  readonly errors: number
}

export const hasWrk = spawnSync('wrk', ['--version'], { stdio: 'ignore' }).error === undefined

export const loadInWords = hasWrk
  ? 'Load comes from wrk, one thread, keep-alive.'
  : 'Load comes from autocannon (wrk is not installed), which uses more CPU than wrk does.'

export function load(url: string, options: LoadOptions): Promise<LoadReport> {
  return hasWrk ? wrk(url, options) : autocannon(url, options)
}
