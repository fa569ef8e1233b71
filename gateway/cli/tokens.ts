/** Tokens of a gateway's admin address, and its audit log, shown and changed. */
import pc from 'picocolors'
import { askForJson } from './admin-api.ts'
import type { AdminAddress } from './admin-client.ts'
import { plainLine } from './format.ts'
import { print } from './print.ts'

interface TokenReport {
  readonly id: string
  readonly name: string
  readonly scope: string
  readonly functions: readonly string[] | null
  readonly createdAt: string
}

interface AuditEvent {
  readonly at: string
  readonly by: string
  readonly what: string
  readonly function: string | null
  readonly from: number | null
  readonly to: number | null
  readonly why?: string
}

type Form = 'json' | 'text'

export async function createToken(address: AdminAddress, wanted: object, form: Form): Promise<void> {
  const asked = { method: 'POST', path: 'v1/tokens', json: wanted }
  const made = await askForJson<TokenReport & { readonly token: string }>(address, asked)
  // Alone on stdout, so that a script can take it.
  if (form === 'json') return print(`${JSON.stringify(made, null, 2)}\n`)
  print(`${made.token}\n`)
  process.stderr.write(
    `This token of "${plainLine(made.name)}" is shown this once: keep it where you keep passwords.\n`,
  )
}

export async function listTokens(address: AdminAddress, form: Form): Promise<void> {
  const { tokens } = await askForJson<{ readonly tokens: readonly TokenReport[] }>(address, {
    method: 'GET',
    path: 'v1/tokens',
  })
  if (form === 'json') return print(`${JSON.stringify(tokens, null, 2)}\n`)
  if (tokens.length === 0) return print('No token was made here; the gateway has one of its own.\n')
  for (const { id, name, scope, functions, createdAt } of tokens)
    print(
      `${id}  ${plainLine(name).padEnd(20)} ${scope.padEnd(7)} ${createdAt}  ${functions?.join(', ') ?? 'all functions'}\n`,
    )
}

export async function revokeToken(address: AdminAddress, token: string): Promise<void> {
  const path = `v1/tokens/${encodeURIComponent(token)}`
  const { name } = await askForJson<TokenReport>(address, { method: 'DELETE', path })
  print(`The token "${plainLine(name)}" is revoked\n`)
}

export async function showAudit(address: AdminAddress, limit: string, form: Form): Promise<void> {
  const path = `v1/audit?limit=${encodeURIComponent(limit)}`
  const { events } = await askForJson<{ readonly events: readonly AuditEvent[] }>(address, { method: 'GET', path })
  if (form === 'json') return print(`${JSON.stringify(events, null, 2)}\n`)
  for (const { at, by, what, function: name, from, to, why } of events.toReversed()) {
    const versions = from === null && to === null ? '' : `${from ?? '-'} → ${to ?? '-'}`
    const rest = why === undefined ? '' : pc.dim(plainLine(why))
    print(
      `${at}  ${plainLine(by).padEnd(16)} ${what.padEnd(14)} ${(name ?? '').padEnd(20)} ${versions.padEnd(9)} ${rest}\n`,
    )
  }
}
