/**
 * What must be true after a run, as pure functions over what was seen: which answers were allowed when, how latencies
 * compare, and one sentence with its figures for each check.
 */
import { quantile } from '../../bench/lib/stats.ts'
import type { Disturbance } from '../disturbance.ts'
import type { Account } from './load.ts'

export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** A strike as it went. */
export interface Struck extends Span {
  readonly disturbance: Disturbance
  /** In a few words; of one that failed, why. */
  readonly did: string
  readonly isFailed: boolean
}

export interface Check {
  readonly says: string
  /** Empty where it holds. */
  readonly broken: readonly string[]
}

/** How long after a strike its traces may be in answers: queues empty, and pauses of the breaker pass. */
const AFTERMATH_MS = 5_000

/** Of fewer, the hundredth slowest is a single one. */
export const LEAST_CALLS = 500
const MOST_TIMES_SLOWER = 2

/** The accounts whose outcome nothing explains. */
export function unexplained(
  accounts: readonly Account[],
  strikes: readonly Struck[],
  steady: readonly string[],
): Account[] {
  return accounts.filter(
    (account) => account.outcome !== '200' && !strikes.some((strike) => explains(strike, account, steady)),
  )
}

function explains({ disturbance, fromMs, toMs }: Struck, account: Account, steady: readonly string[]): boolean {
  if (account.endedAtMs < fromMs || account.startedAtMs > toMs + AFTERMATH_MS) return false
  const { [account.function]: own = [], '*': all = [] } = disturbance.mayAnswer ?? {}
  return own.includes(account.outcome) || (all.includes(account.outcome) && !steady.includes(account.function))
}

/** Latencies of the calls that began within a span, in milliseconds. */
export function latenciesMs(accounts: readonly Account[], name: string, { fromMs, toMs }: Span): number[] {
  return accounts
    .filter((one) => one.function === name && one.startedAtMs >= fromMs && one.startedAtMs < toMs)
    .map((one) => one.endedAtMs - one.startedAtMs)
}

export interface Pace {
  readonly name: string
  /** In the phase that had the fewest. */
  readonly calls: number
  readonly calmP50Ms: number
  readonly calmP99Ms: number
  readonly disturbedP50Ms: number
  readonly disturbedP99Ms: number
  /** With the same work done beside the gateway by nobody's workers. */
  readonly burdenedP99Ms: number
  readonly ratio: number
}

export interface Phases {
  readonly calm: readonly Span[]
  readonly disturbed: Span
  readonly burdened: Span
}

export function paceOf(accounts: readonly Account[], name: string, { calm, disturbed, burdened }: Phases): Pace {
  const calmMs = calm.flatMap((span) => latenciesMs(accounts, name, span))
  const disturbedMs = latenciesMs(accounts, name, disturbed)
  const burdenedMs = latenciesMs(accounts, name, burdened)
  const [calmP99Ms, disturbedP99Ms] = [quantile(calmMs, 0.99), quantile(disturbedMs, 0.99)]
  return {
    name,
    calls: Math.min(calmMs.length, disturbedMs.length, burdenedMs.length),
    calmP50Ms: quantile(calmMs, 0.5),
    calmP99Ms,
    disturbedP50Ms: quantile(disturbedMs, 0.5),
    disturbedP99Ms,
    burdenedP99Ms: quantile(burdenedMs, 0.99),
    ratio: disturbedP99Ms / calmP99Ms,
  }
}

/** Slower than the limit allows, and than the machine explains that was only busy. Of few calls nobody can say. */
export function isTooSlow({ calls, ratio, disturbedP99Ms, burdenedP99Ms }: Pace): boolean {
  return calls >= LEAST_CALLS && ratio > MOST_TIMES_SLOWER && disturbedP99Ms > MOST_TIMES_SLOWER * burdenedP99Ms
}
