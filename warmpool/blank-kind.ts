/**
 * What processes without a function have in common when each can become any of the same functions: their runtime, whether they
 * stand in a sandbox, and with which network. Where a runtime cannot mount what is its function's, its sandboxes are one
 * function's from the start.
 */
import { sameIsolation } from './confinement.ts'
import type { FunctionSpec } from './function-spec.ts'
import type { RuntimeName } from './runtime.ts'
import { noSandboxBecause } from './sandbox/available.ts'
import type { SandboxKind } from './sandbox/launch.ts'
import type { FunctionSettings } from './settings.ts'
import { canFork } from './template/available.ts'

export interface BlankKind {
  /** Different kinds have different ones. */
  readonly key: string
  readonly runtime: RuntimeName
  /** Forked from one that has booted, instead of booted each. */
  readonly isForked: boolean
  /** Null: none. */
  readonly sandbox: SandboxKind | null
  /** Why it is an ordinary one although a sandbox was asked for; null: it is what was asked for. */
  readonly degraded: string | null
}

/**
 * Processes that live so short gain more by a cheap start, and by code that is fast from the first call on, than V8's other
 * threads would give them: those collect large heaps and compile what is new beside the function.
 */
const FORKED_UP_TO_INVOCATIONS = 500

let functionsOwn = 0

export function ordinaryKind(runtime: RuntimeName): BlankKind {
  return { key: runtime, runtime, isForked: false, sandbox: null, degraded: null }
}

function forkedKind(runtime: RuntimeName): BlankKind {
  return { ...ordinaryKind(runtime), key: `${runtime}, forked`, isForked: true }
}

/** Only of the runtime that this program runs in itself is it known that it can be. */
function isForked(runtime: RuntimeName, { startBy, maxInvocations }: FunctionSettings): boolean {
  const isWanted = startBy === 'fork' || (startBy === 'auto' && maxInvocations <= FORKED_UP_TO_INVOCATIONS)
  return isWanted && runtime === 'node' && canFork()
}

/** What a function's workers are made from. */
export function kindFor({ runtime, readable, name }: FunctionSpec, settings: FunctionSettings): BlankKind {
  const { writable } = settings
  // A list of hosts is reached by a proxy on the machine's own network.
  const network = settings.network === 'none' ? 'none' : 'all'
  if (settings.isolation !== 'sandbox') return isForked(runtime, settings) ? forkedKind(runtime) : ordinaryKind(runtime)
  const refusal = settings.isolationMissing === 'warn' ? noSandboxBecause(network) : null
  if (refusal !== null) return { ...ordinaryKind(runtime), degraded: refusal }
  if (mountsByItself(runtime)) {
    const key = `${runtime} in a sandbox with network ${network}`
    return { key, runtime, isForked: false, sandbox: { network, own: null }, degraded: null }
  }
  const own = { readable: [...readable, ...settings.readable], writable }
  return {
    key: `${runtime} in a sandbox for ${name} (${++functionsOwn})`,
    runtime,
    isForked: false,
    sandbox: { network, own },
    degraded: null,
  }
}

/** With other settings of the same function: the same object as long as it is the same kind. */
export function kindAfter(
  kind: BlankKind,
  spec: FunctionSpec,
  before: FunctionSettings,
  settings: FunctionSettings,
): BlankKind {
  // One function's own kind is another with every question.
  if (kind.sandbox !== null && sameIsolation(before, settings)) return kind
  const next = kindFor(spec, settings)
  return next.key === kind.key && next.degraded === kind.degraded ? kind : next
}

/**
 * Node and Bun by the system door, Python by itself. Deno opens the journal anew, which is its user's alone, and it is
 * not that user yet; what else there is knows nothing of mounting.
 */
function mountsByItself(runtime: RuntimeName): boolean {
  return /^(?:node|bun)(?:@|$)|^python$/.test(runtime)
}
