/** Asking a running gateway to change something: one request, and its answer or a message that says whose fault it was. */
import { nothingAnswers } from './addresses.ts'
import type { AdminAddress } from './admin-client.ts'
import { CommandError, EXIT, type ExitCode } from './exit-codes.ts'

export interface ProblemDocument {
  readonly title: string
  readonly detail: string
  readonly status: number
  readonly code: string
  readonly fault: 'caller' | 'function' | 'platform'
}

export interface Asked {
  readonly method: string
  readonly path: string
  readonly json?: unknown
  readonly body?: AsyncIterable<Uint8Array>
  readonly accept?: string
}

/** The connection was lost: what was asked may be asked again. */
export class ConnectionLost extends CommandError {
  constructor(url: URL, cause: unknown) {
    super(EXIT.unavailable, nothingAnswers(url, cause).message, { cause })
  }
}

const FAULTS = {
  caller: 'the fault of this request',
  function: "the function's fault",
  platform: "the gateway's fault",
} as const

/** Throws `ConnectionLost`, or a `CommandError` that says what the gateway said. */
export async function askAdmin({ url, token }: AdminAddress, asked: Asked): Promise<Response> {
  const { method, path, json, body, accept = 'application/json' } = asked
  const headers = {
    accept,
    ...(token && { authorization: `Bearer ${token}` }),
    ...(json !== undefined && { 'content-type': 'application/json' }),
    ...(body !== undefined && { 'content-type': 'application/octet-stream' }),
  }
  const sent = json === undefined ? body && ReadableStream.from(body) : JSON.stringify(json)
  let response: Response
  try {
    response = await fetch(new URL(path, withSlash(url)), {
      method,
      headers,
      ...(sent === undefined ? {} : { body: sent, duplex: 'half' }),
    } as RequestInit)
  } catch (error) {
    throw new ConnectionLost(url, error)
  }
  if (response.ok) return response
  throw refused(url, token, parseProblem(await response.text().catch(() => '')), response.status)
}

export async function askForJson<T>(address: AdminAddress, asked: Asked): Promise<T> {
  const response = await askAdmin(address, asked)
  try {
    return (await response.json()) as T
  } catch (error) {
    throw new ConnectionLost(address.url, error)
  }
}

/** A problem as the last words of a command. */
export function problemError(problem: ProblemDocument, frame?: string): CommandError {
  const { detail, fault, code } = problem
  const lines = frame === undefined ? '' : `\n${frame}`
  return new CommandError(exitCodeOf(problem.status), `${detail} (${FAULTS[fault]}: ${code})${lines}`)
}

function refused(url: URL, token: string | undefined, problem: ProblemDocument | null, status: number): CommandError {
  if (status === 401) {
    const wrong = token ? 'does not know this token' : 'wants a token'
    const wayOut = 'Give one with --token or WRANGLER_FREE_ADMIN_TOKEN; `wrangler-free tokens create` makes them'
    return new CommandError(EXIT.noPermission, `The admin address ${url.origin} ${wrong}. ${wayOut}.`)
  }
  if (problem !== null) return problemError(problem)
  const what = `What answers at ${url.origin} is not the admin address of a gateway (HTTP ${status}).`
  return new CommandError(EXIT.unavailable, what)
}

function exitCodeOf(status: number): ExitCode {
  return status === 401 || status === 403 ? EXIT.noPermission : EXIT.failed
}

function parseProblem(text: string): ProblemDocument | null {
  try {
    const value = JSON.parse(text) as ProblemDocument
    return typeof value.detail === 'string' && typeof value.code === 'string' ? value : null
  } catch {
    return null
  }
}

function withSlash(url: URL): URL {
  return new URL(url.pathname.endsWith('/') ? url.href : `${url.href}/`)
}
