/** Why an invocation got no (whole) response: one class, a stable code, and whose fault it was. */

import type { Excess } from './policy/limits.ts'
import type { ErrorReport } from './wire/messages.ts'
import type { DeathReason, WorkerState } from './worker-state.ts'

export type FailureCode =
  | 'handler-threw'
  | 'not-a-response'
  | 'response-headers-too-large'
  | 'response-aborted'
  | 'worker-died'
  | 'worker-broke-protocol'
  | 'timeout'
  | 'stream-timeout'
  | 'response-too-large'
  | Excess
  | 'queue-full'
  | 'queue-timeout'
  | 'init-failed'
  | 'crash-loop'
  | 'boot-failed'
  | 'shutdown'
  | 'cancelled'

export interface FailureDetails {
  /** For whoever may see the logs: the thrown value, mapped to the sources. Never for callers. */
  readonly report?: ErrorReport
  /** How the worker ended, and in which state, where it did. */
  readonly reason?: DeathReason
  readonly state?: WorkerState
  /** When it is worth another try. */
  readonly retryAfterMs?: number
}

export class InvocationFailure extends Error {
  override name = 'InvocationFailure'
  readonly code: FailureCode
  readonly details: FailureDetails

  constructor(code: FailureCode, message: string, details: FailureDetails = {}) {
    super(message)
    this.code = code
    this.details = details
  }
}
