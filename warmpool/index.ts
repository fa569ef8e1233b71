/** The pool's only door: what the gateway and other programs may use of it. */
export * from './settings.ts'
export type * from './status.ts'
export { DEATH_REASONS, type DeathReason, type WorkerState } from './worker-state.ts'
