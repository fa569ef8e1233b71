/**
 * When a canary rises, becomes live, or goes back: decided from what both versions answered since its last step. Pure: the time is an
 * argument.
 */
import type { CanaryBounds, CanaryRecord } from './record.ts'

/** What one version answered since the last step. */
export interface Answered {
  readonly calls: number
  /** With a status of 500 or more. */
  readonly failed: number
  /** Null before there was a call. */
  readonly p95Ms: number | null
}

export type CanaryDecision =
  | { readonly kind: 'wait' }
  /** `steps` are those that are left then. */
  | { readonly kind: 'raise'; readonly percent: number; readonly steps: readonly number[] }
  | { readonly kind: 'complete' }
  | { readonly kind: 'revert'; readonly why: string }

export function decideCanary(
  { percent, steps, stepMs, bounds }: CanaryRecord,
  live: Answered,
  canary: Answered,
  sinceStepMs: number,
): CanaryDecision {
  const why = worse(bounds, live, canary)
  if (why !== null) return { kind: 'revert', why }
  // Nobody called, or too few: that says nothing for it.
  if (sinceStepMs < stepMs || canary.calls < bounds.minCalls || steps.length === 0) return { kind: 'wait' }
  const [next = percent, ...rest] = steps
  return next >= 100 ? { kind: 'complete' } : { kind: 'raise', percent: next, steps: rest }
}

/** What is worse than the bounds allow, in words; null: nothing, or too little is known. */
function worse(bounds: CanaryBounds, live: Answered, canary: Answered): string | null {
  if (canary.calls < bounds.minCalls) return null
  const canaryShare = canary.failed / canary.calls
  const liveShare = live.calls === 0 ? 0 : live.failed / live.calls
  if (canaryShare > liveShare + bounds.errors)
    return `${inPercent(canaryShare)} of its ${canary.calls} calls failed, against ${inPercent(liveShare)} of the live version's ${live.calls}`
  if (live.calls < bounds.minCalls || live.p95Ms === null || canary.p95Ms === null) return null
  if (canary.p95Ms > live.p95Ms * bounds.latency)
    return `its 95th percentile is ${canary.p95Ms.toFixed(1)} ms, against ${live.p95Ms.toFixed(1)} ms of the live version's`
  return null
}

function inPercent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
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
