/** The `ctx` that handlers get: what they may ask of their own invocation. */
import type { Call } from './call.ts'

export class Context {
  readonly #call: Call
  readonly env: Readonly<Record<string, string>>

  constructor(call: Call, env: Readonly<Record<string, string>>) {
    this.#call = call
    this.env = env
  }

  /** The id that logs, problem documents and the `x-request-id` header show. */
  get invocationId(): string {
    return this.#call.invocationId
  }

  /** Aborts when the caller has left or the time is up: the same as `request.signal`. */
  get signal(): AbortSignal {
    return this.#call.signal
  }

  /** Lets work go on after the response; the worker is not recycled before it has settled. */
  get waitUntil(): (promise: Promise<unknown>) => void {
    // A function of its own, since people take it off the object: `const { waitUntil } = ctx`.
    return (promise) => this.#call.waitUntil(promise)
  }

  /** Exists because functions written for Workers call it; there is no origin behind this gateway to pass on to. */
  passThroughOnException(): void {}
}
