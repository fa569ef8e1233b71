/**
 * What a worker is told when it becomes a function: the function, its variables, and what it is to take from itself. The
 * folder that a confined one gets is made here; whoever loads it sees to its end.
 */
import { confinementOf } from './confinement.ts'
import type { Egress, EgressLocator } from './egress.ts'
import type { FunctionSpec } from './function-spec.ts'
import { makeFolderAtTmp, makePrivateFolder } from './private-folder.ts'
import { withSecrets } from './secret.ts'
import type { FunctionSettings } from './settings.ts'
import type { Sandboxed } from './spawn.ts'
import type { Confinement, Load } from './wire/messages.ts'

/** The machine's fault, or its administrator's: nothing of the function has been loaded. */
export class FolderMissing extends Error {
  override readonly name = 'FolderMissing'
}

/** Programs that are reached by a port of their own, and those that reach their worker by one of its. */
const HAVE_PORTS: ReadonlySet<string | null> = new Set(['http', 'bootstrap'])

/** Throws {@link FolderMissing}. */
export function loadFor(
  worker: { readonly sandboxed: Sandboxed | null },
  { bundle: _bundle, runtime: _runtime, settings: _settings, readable, title, ...rest }: FunctionSpec,
  settings: FunctionSettings,
  egressOf: EgressLocator,
): Omit<Load, 'ring'> {
  const name = title ?? rest.name
  const egress = Array.isArray(settings.network) ? egressOf(name) : null
  const listen = HAVE_PORTS.has(rest.format) ? 'all' : settings.listen
  const confinement = confinementFor(worker.sandboxed, readable, { ...settings, listen }, egress)
  const env = { ...withSecrets(settings.env, settings.secrets), ...(confinement === null ? {} : egress?.env) }
  const memoryBytes = Number.isFinite(settings.memoryBytes) ? settings.memoryBytes : null
  return {
    ...rest,
    name,
    memoryBytes,
    timeoutMs: settings.bootTimeoutMs,
    env,
    listen,
    threads: settings.threads,
    confinement,
  }
}

function confinementFor(
  sandboxed: Sandboxed | null,
  readable: readonly string[],
  settings: FunctionSettings,
  egress: Egress | null,
): Confinement | null {
  if (settings.isolation === 'trusted') return null
  try {
    const folder = sandboxed?.folder ?? makePrivateFolder(sandboxed?.user)
    const atTmp = sandboxed === null || sandboxed.host === null ? null : makeFolderAtTmp(folder, sandboxed.user)
    return confinementOf(settings, readable, folder, egress, sandboxed, atTmp)
  } catch (error) {
    throw new FolderMissing(`it has no folder of its own: ${(error as Error).message}`)
  }
}
