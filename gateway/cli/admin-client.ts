/** Reading the status from a running gateway's admin address. Knows no terminal. */
import type { GatewayStatus } from '../admin/status.ts'
import { nothingAnswers } from './addresses.ts'
import { CommandError, EXIT } from './exit-codes.ts'

export interface AdminAddress {
  readonly url: URL
  readonly token: string | undefined
}

const ANSWER_TIMEOUT_MS = 5000

/**
 * Throws a `CommandError`: `unavailable` when nothing answers or it is not a gateway, `noPermission` when the token
 * is missing or wrong.
 */
export async function fetchStatus({ url, token }: AdminAddress): Promise<GatewayStatus> {
  const { response, body } = await request(url, token)
  if (response.status === 401) {
    const wrong = token ? 'refuses this token' : 'wants a token'
    throw new CommandError(
      EXIT.noPermission,
      `The admin address ${url.origin} ${wrong}: ask where its configuration is, or say it with --config or --state; or give the token with --token or WRANGLER_FREE_ADMIN_TOKEN.`,
    )
  }
  const status = parseStatus(body)
  if (response.ok && status) return status
  throw new CommandError(
    response.status === 403 ? EXIT.noPermission : EXIT.unavailable,
    `What answers at ${url.origin} does not tell a gateway's status (${detailOf(body) ?? `HTTP ${response.status}`}). ` +
      'Is --admin the admin address that `wrangler-free serve` printed?',
  )
}

async function request(url: URL, token: string | undefined): Promise<{ response: Response; body: string }> {
  try {
    const response = await fetch(new URL('v1/status', withSlash(url)), {
      headers: { accept: 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    })
    return { response, body: await response.text() }
  } catch (error) {
    throw nothingAnswers(url, error)
  }
}

function withSlash(url: URL): URL {
  return new URL(url.pathname.endsWith('/') ? url.href : `${url.origin}${url.pathname}/`)
}

function parseStatus(body: string): GatewayStatus | null {
  const value = parseObject(body)
  const isStatus = value && typeof value.gateway === 'object' && typeof value.pool === 'object'
  return isStatus && Array.isArray(value.functions) ? (value as unknown as GatewayStatus) : null
}

/** What a problem document says, when the body is one. */
function detailOf(body: string): string | null {
  const detail = parseObject(body)?.detail
  return typeof detail === 'string' ? detail : null
}

function parseObject(body: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}
