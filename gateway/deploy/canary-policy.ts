/**
 * When a canary rises, becomes live, or goes back: decided from what both versions answered since its last step. A
 * canary goes back only where it is worse by more than its bounds allow and chance is excluded: Fisher's exact test says
 * that two equal versions would differ so much less than once in ten thousand looks. Pure: the time is an argument.
 */
import type { CanaryBounds, CanaryRecord } from './record.ts'
import { chanceOfMore, chanceOfShare } from './significance.ts'

/** What one version answered since the last step. */
export interface Answered {
  readonly calls: number
  /** With a status of 500 or more. */
  readonly failed: number
  /** Of the latest calls to workers that were past their first second, rising. */
  readonly latenciesMs: readonly number[]
}

/** `why` is for people: what was found, or what is waited for. */
export type CanaryDecision =
  | { readonly kind: 'wait'; readonly why: string }
  /** `steps` are those that are left then. */
  | { readonly kind: 'raise'; readonly why: string; readonly percent: number; readonly steps: readonly number[] }
  | { readonly kind: 'complete'; readonly why: string }
  | { readonly kind: 'revert'; readonly why: string }

/** It is asked once a second, so chance gets many tries. */
const CHANCE = 0.0001

export function decideCanary(
  { percent, steps, stepMs, bounds }: CanaryRecord,
  live: Answered,
  canary: Answered,
  sinceStepMs: number,
): CanaryDecision {
  const worse = moreFailures(bounds, live, canary) ?? slower(bounds, live, canary)
  if (worse !== null) return { kind: 'revert', why: worse }
  // Nobody called, or too few: that says nothing for it.
  if (canary.calls < bounds.minCalls)
    return { kind: 'wait', why: `it has answered ${canary.calls} calls; ${bounds.minCalls} are needed` }
  const why = 'it is not worse than the live version by more than its bounds and chance'
  if (steps.length === 0) return { kind: 'wait', why: `${why}; no step is left` }
  if (sinceStepMs < stepMs) return { kind: 'wait', why: `${why}; its step lasts ${stepMs / 1000} s` }
  const [next = percent, ...rest] = steps
  return next >= 100 ? { kind: 'complete', why } : { kind: 'raise', why, percent: next, steps: rest }
}

export function p95Of({ latenciesMs }: Answered): number | null {
  return latenciesMs[Math.floor(latenciesMs.length * 0.95)] ?? null
}

/** In words, that more of its calls fail than the bounds allow; null: they do not, or too little is known. */
function moreFailures(bounds: CanaryBounds, live: Answered, canary: Answered): string | null {
  if (canary.calls < bounds.minCalls) return null
  const ofCanary = { hits: canary.failed, calls: canary.calls }
  const ofLive = { hits: live.failed, calls: live.calls }
  const liveShare = live.calls === 0 ? 0 : live.failed / live.calls
  if (canary.failed / canary.calls <= liveShare + bounds.errors) return null
  // With too few calls to compare with, the bound itself is what it is held against.
  const chance =
    live.calls < bounds.minCalls ? chanceOfShare(ofCanary, liveShare + bounds.errors) : chanceOfMore(ofCanary, ofLive)
  if (chance >= CHANCE) return null
  return `${inPercent(ofCanary)} of its ${canary.calls} calls failed, against ${inPercent(ofLive)} of the live version's ${live.calls}`
}

/** In words, that it is slower than the bounds allow; null: it is not, or too little is known. */
function slower(bounds: CanaryBounds, live: Answered, canary: Answered): string | null {
  const [liveP95, canaryP95] = [p95Of(live), p95Of(canary)]
  if (liveP95 === null || canaryP95 === null) return null
  if (Math.min(live.latenciesMs.length, canary.latenciesMs.length) < bounds.minCalls) return null
  const mostMs = Math.max(liveP95 * bounds.latency, liveP95 + bounds.latencyFloorMs)
  if (canaryP95 <= mostMs || chanceOfMore(slowerThan(canary, mostMs), slowerThan(live, mostMs)) >= CHANCE) return null
  return `its 95th percentile is ${canaryP95.toFixed(1)} ms, against ${liveP95.toFixed(1)} ms of the live version's`
}

function slowerThan({ latenciesMs }: Answered, ms: number): { readonly hits: number; readonly calls: number } {
  return { hits: latenciesMs.filter((one) => one > ms).length, calls: latenciesMs.length }
}

function inPercent({ hits, calls }: { readonly hits: number; readonly calls: number }): string {
  return `${(calls === 0 ? 0 : (hits / calls) * 100).toFixed(1)} %`
}

/**
 * Whether a call is the canary's: `draw` is a number from 0 to 1 by chance, `value` what the header or cookie holds. The
 * same value is always on the same side, and stays on the canary's while that rises.
 */
export function isCanarys(
  { percent, by }: Pick<CanaryRecord, 'percent' | 'by'>,
  value: string | null,
  draw: number,
): boolean {
  if (by.kind === 'calls') return draw * 100 < percent
  return value !== null && bucketOf(value) < percent
}

/** From 0 to 99 (FNV-1a, whose last step mixes well enough for a hundred). */
function bucketOf(value: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < value.length; at++) hash = Math.imul(hash ^ value.charCodeAt(at), 0x01000193)
  return ((hash ^ (hash >>> 15)) >>> 0) % 100
}
