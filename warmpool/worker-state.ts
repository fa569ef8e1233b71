/**
 * A worker's life as a table: which state may follow which, and the reasons for which a life ends. Nothing else in
 * the pool decides what is legal; a step that the table does not have is a bug and throws.
 *
 *   starting -> blank -> loading -> ready <-> busy -> draining -> dead
 *       \_________\_________\________\_______\___________/         (anything can die)
 */

import { EXCESSES } from './policy/limits.ts'

export type WorkerState = 'starting' | 'blank' | 'loading' | 'ready' | 'busy' | 'draining' | 'dead'

/** Why a life ended: the first reason that applied. */
export const DEATH_REASONS = [
  'idle',
  'evicted',
  'invocations',
  'age',
  'memory',
  ...EXCESSES,
  'timeout',
  'stream-timeout',
  'unresponsive',
  'unhandled-error',
  'crash',
  'init-failed',
  'replaced',
  'shutdown',
] as const

export type DeathReason = (typeof DEATH_REASONS)[number]

const NEXT_STATES: Readonly<Record<WorkerState, readonly WorkerState[]>> = {
  starting: ['blank', 'dead'],
  blank: ['loading', 'draining', 'dead'],
  loading: ['ready', 'draining', 'dead'],
  ready: ['busy', 'draining', 'dead'],
  busy: ['ready', 'draining', 'dead'],
  draining: ['dead'],
  dead: [],
}

/** Returns `to` when the table allows the step, and throws when it does not. */
export function nextState(from: WorkerState, to: WorkerState): WorkerState {
  if (!NEXT_STATES[from].includes(to)) throw new Error(`A worker cannot go from ${from} to ${to}`)
  return to
}
