/** What is told of a function's isolation: what holds its workers, or what is known before one has loaded it. */
import type { BlankKind } from './blank-kind.ts'
import { lastAnswer } from './sandbox/available.ts'
import type { FunctionSettings } from './settings.ts'
import type { FunctionStatus } from './status.ts'
import type { Confined } from './wire/messages.ts'

/** `confined`: what the last worker that loaded it has; null: none has yet. */
export function isolationStatus(
  { isolation: profile, network }: FunctionSettings,
  kind: BlankKind,
  confined: Confined | null,
): FunctionStatus['isolation'] {
  const { inForce, missing } = confined ?? { inForce: null, missing: missingSandbox(kind) }
  return { profile, network, inForce: profile === 'trusted' ? [] : inForce, missing }
}

function missingSandbox({ degraded, sandbox }: BlankKind): Confined['missing'] {
  const why = degraded ?? (sandbox === null ? null : lastAnswer(sandbox.network))
  return why === null ? [] : [{ mechanism: 'namespaces', why }]
}
