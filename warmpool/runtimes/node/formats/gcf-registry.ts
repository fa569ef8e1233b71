/**
 * Where functions of Google's platform register. What they import as `@google-cloud/functions-framework` is, from the
 * build on (gateway/functions/google-functions.ts), a module that puts them here, under a symbol that both sides know.
 */

export type Signature = 'http' | 'cloudevent' | 'event' | 'typed'

export interface Registered {
  readonly signature: Signature
  readonly handler: unknown
}

const REGISTRY = Symbol.for('wrangler-free.google-functions')

/** By name, in the order in which they registered; null when the function never loaded the package. */
export function registeredFunctions(): ReadonlyMap<string, Registered> | null {
  return (globalThis as { [REGISTRY]?: Map<string, Registered> })[REGISTRY] ?? null
}
