/**
 * What processes without a function have in common when each can become any of the same functions: their runtime, whether they
 * stand in a sandbox, and with which network. Where a runtime cannot mount what is its function's, its sandboxes are one
 * function's from the start.
 */
import type { FunctionSpec } from './function-spec.ts'
import type { RuntimeName } from './runtime.ts'
import { noSandboxBecause } from './sandbox/available.ts'
import type { SandboxKind } from './sandbox/launch.ts'
import type { FunctionSettings } from './settings.ts'

export interface BlankKind {
  /** Different kinds have different ones. */
  readonly key: string
  readonly runtime: RuntimeName
  /** Null: none. */
  readonly sandbox: SandboxKind | null
  /** Why it is an ordinary one although a sandbox was asked for; null: it is what was asked for. */
  readonly degraded: string | null
}

let functionsOwn = 0

export function ordinaryKind(runtime: RuntimeName): BlankKind {
  return { key: runtime, runtime, sandbox: null, degraded: null }
}

/** What a function's workers are made from. */
export function kindFor({ runtime, readable, name }: FunctionSpec, settings: FunctionSettings): BlankKind {
  const { writable } = settings
  // A list of hosts is reached by a proxy on the machine's own network.
  const network = settings.network === 'none' ? 'none' : 'all'
  if (settings.isolation !== 'sandbox') return ordinaryKind(runtime)
  const refusal = settings.isolationMissing === 'warn' ? noSandboxBecause(network) : null
  if (refusal !== null) return { ...ordinaryKind(runtime), degraded: refusal }
  if (mountsByItself(runtime)) {
    const key = `${runtime} in a sandbox with network ${network}`
    return { key, runtime, sandbox: { network, own: null }, degraded: null }
  }
  const own = { readable: [...readable, ...settings.readable], writable }
  return {
    key: `${runtime} in a sandbox for ${name} (${++functionsOwn})`,
    runtime,
    sandbox: { network, own },
    degraded: null,
  }
}

/**
 * Node and Bun by the system door, Python by itself. Deno opens the journal anew, which is its user's alone, and it is
 * not that user yet; what else there is knows nothing of mounting.
 */
function mountsByItself(runtime: RuntimeName): boolean {
  return /^(?:node|bun)(?:@|$)|^python$/.test(runtime)
}
