/**
 * When a worker has served long enough. Its budget is drawn once, when it is loaded: the replacement is started
 * somewhere in the last part of the way (jitter, so that siblings do not expire together), and the worker serves on
 * until that replacement is warm. A budget of one invocation is exact: every call gets a fresh process.
 */
import type { FunctionSettings } from '../settings.ts'
import type { DeathReason } from '../worker-state.ts'

/** The replacement is started between 80 % and 95 % of the budget. */
const EARLIEST = 0.8
const LATEST = 0.95

/** Invocations are numbered with 32 bits on the wire: a worker that lives for ever goes before they are used up. */
const MOST_INVOCATIONS = 2 ** 31

export interface Budget {
  readonly invocations: number
  readonly ageMs: number
}

type BudgetSettings = Pick<FunctionSettings, 'maxInvocations' | 'maxAgeMs'>

/** `random` is in [0, 1). */
export function drawBudget(settings: BudgetSettings, random: number): Budget {
  const share = EARLIEST + (LATEST - EARLIEST) * random
  return {
    invocations: Math.min(MOST_INVOCATIONS, Math.max(1, Math.floor(settings.maxInvocations * share))),
    ageMs: settings.maxAgeMs * share,
  }
}

/** Every call gets a process of its own: such a worker takes one invocation and goes. */
export function isOneShot(settings: BudgetSettings): boolean {
  return settings.maxInvocations === 1
}

/** So long a one-shot worker's call comes first: what starts for the next one takes a core as well. */
export const SUCCESSOR_DELAY_MS = 10

/** Whether the successor of a one-shot worker is to be there by now, and still is of use. */
export function isSuccessorDue(sinceCallMs: number, idleTimeoutMs: number): boolean {
  return sinceCallMs >= SUCCESSOR_DELAY_MS && sinceCallMs < idleTimeoutMs
}

export interface Usage {
  readonly invocations: number
  readonly ageMs: number
  readonly rssBytes: number
}

/** What it held when it was last sampled, and at the sample before. */
export interface MemorySamples {
  readonly bytes: number
  readonly bytesBefore: number
}

/**
 * The memory by which a worker is replaced: what it held at both of the last two samples, since one may be the peak of a
 * single call. Beyond half the way to the limit that ends it one sample is enough.
 */
export function lastingBytes({ bytes, bytesBefore }: MemorySamples, memoryBytes: number, limitBytes: number): number {
  return bytes > (memoryBytes + limitBytes) / 2 ? bytes : Math.min(bytes, bytesBefore)
}

/**
 * The memory over which a worker is replaced. What is that large before its first call is no smaller when it is made anew:
 * it is replaced only where it grows by itself, towards the limit that ends it.
 */
export function recycledAtBytes(invocations: number, memoryBytes: number, limitBytes: number): number {
  return invocations > 0 ? memoryBytes : Math.max(memoryBytes, (memoryBytes + limitBytes) / 2)
}

/**
 * Whether a worker that nobody called in its whole life gets a successor all the same: where it is one of the minimum, or
 * where idle workers are kept for ever. Others would be renewed for ever, wherever `maxAge` is less than `idleTimeout`.
 */
export function isRenewed(invocations: number, isOfMinimum: boolean, idleTimeoutMs: number): boolean {
  return invocations > 0 || isOfMinimum || idleTimeoutMs === Number.POSITIVE_INFINITY
}

/** Why it should be replaced now, or null. */
export function expiryReason(usage: Usage, budget: Budget, memoryBytes: number): DeathReason | null {
  if (usage.invocations >= budget.invocations) return 'invocations'
  if (usage.ageMs >= budget.ageMs) return 'age'
  if (usage.rssBytes > memoryBytes) return 'memory'
  return null
}
