/** The pool's only door: what the gateway and other programs may use of it. */

export { ConfinedRunError, runConfined } from './confined-run.ts'
export { DEMANDED as MECHANISMS, missingInWords } from './confinement.ts'
export type { Egress, EgressLocator } from './egress.ts'
export type {
  DeathEvent,
  LoadedEvent,
  LoadFailedEvent,
  LogEvent,
  PoolEvents,
  RecycleEvent,
  ShortageEvent,
  StartEvent,
  UnkeptEvent,
} from './events.ts'
export { type FailureCode, type FailureDetails, InvocationFailure } from './failure.ts'
export type { FunctionSpec } from './function-spec.ts'
export { brokenInvariants } from './invariants.ts'
export { Invocation, type InvocationState } from './invocation.ts'
export { keepDescriptors } from './own-descriptors.ts'
export { EXCESSES, type Excess } from './policy/limits.ts'
export { endLeftBehind, ownAllStrays } from './resources/strays.ts'
export { clock, Deadline, type RunningClock } from './running-clock.ts'
export { type RuntimeLocator, RuntimeMissing } from './runtime.ts'
export { noSandboxBecause } from './sandbox/available.ts'
export { Secret, type Secrets } from './secret.ts'
export * from './settings.ts'
export { unacknowledgedBytes } from './socket-queue.ts'
export type * from './status.ts'
export { type RunOptions, type WarmingFunction, WarmPool, type WarmPoolOptions } from './warm-pool.ts'
export { allocateBody, releaseBody } from './wire/body-memory.ts'
export type { Confined, ErrorReport, Mechanism, PathRule, PlatformSettings } from './wire/messages.ts'
export type { Traces } from './wire/traces.ts'
export { DEATH_REASONS, type DeathReason, type WorkerState } from './worker-state.ts'
