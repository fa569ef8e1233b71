/** Asking a running gateway to change something: one request, and its answer or a message that says whose fault it was. */
import { once } from 'node:events'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
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

/**
 * Throws `ConnectionLost`, or a `CommandError` that says what the gateway said. With Node's own client: `fetch` takes longer to
 * load than a deployment takes.
 */
export async function askAdmin({ url, token }: AdminAddress, asked: Asked): Promise<IncomingMessage> {
  const { method, path, json, body, accept = 'application/json' } = asked
  const headers = {
    accept,
    ...(token && { authorization: `Bearer ${token}` }),
    ...(json !== undefined && { 'content-type': 'application/json' }),
    ...(body !== undefined && { 'content-type': 'application/octet-stream' }),
  }
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http')
  const sent = request(new URL(path, withSlash(url)), { method, headers })
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>
  const sending = json === undefined && body !== undefined ? sendBody(sent, body) : null
  if (sending === null) sent.end(json === undefined ? undefined : JSON.stringify(json))
  try {
    // What cannot be read here is no fault of the connection; an answer may come before all is sent.
    await Promise.race([answered, sending?.then(() => answered) ?? answered])
    const [response] = await answered
    if (response.statusCode! < 300) return response
    const problem = parseProblem(await text(response).catch(() => ''))
    throw refused(url, token, problem, response.statusCode!)
  } catch (error) {
    throw error instanceof CommandError ? error : new ConnectionLost(url, error)
  }
}

/** Resolves when all is sent, or when nobody takes it any longer: the answer or its absence says why. */
async function sendBody(sent: ClientRequest, body: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await pipeline(body, sent)
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (syscall === 'open' || (syscall === 'read' && code !== 'ECONNRESET'))
      throw new CommandError(EXIT.failed, `A file cannot be read any longer: ${(error as Error).message}`)
  }
}

export async function askForJson<T>(address: AdminAddress, asked: Asked): Promise<T> {
  const response = await askAdmin(address, asked)
  try {
    return JSON.parse(await text(response)) as T
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

function parseProblem(body: string): ProblemDocument | null {
  try {
    const value = JSON.parse(body) as ProblemDocument
    return typeof value.detail === 'string' && typeof value.code === 'string' ? value : null
  } catch {
    return null
  }
}

function withSlash(url: URL): URL {
  return new URL(url.pathname.endsWith('/') ? url.href : `${url.href}/`)
}
