/**
 * Makes the requests and responses of a worker beside Node's own for the same call, so that one set of assertions can
 * run against both. Importing this puts the lazy classes in place, as a worker does.
 */
import { IncomingBody } from '../../../../warmpool/runtimes/node/incoming-body.ts'
import { installWebClasses } from '../../../../warmpool/runtimes/node/web/install.ts'
import { nativeWeb, type ResponseBody } from '../../../../warmpool/runtimes/node/web/native.ts'
import { LazyRequest } from '../../../../warmpool/runtimes/node/web/request.ts'
import { toOutgoing } from '../../../../warmpool/runtimes/node/web/response.ts'

installWebClasses()

export const { Request: NativeRequest, Response: NativeResponse, Headers: NativeHeaders } = nativeWeb()

export interface Incoming {
  readonly method?: string
  readonly target?: string
  readonly host?: string
  readonly headers?: readonly (readonly [string, string])[]
  /** Comes whole with the head. */
  readonly body?: string | Uint8Array
  /** Comes after the head, one frame each. */
  readonly chunks?: readonly string[]
}

export interface Twin {
  readonly kind: string
  request(incoming?: Incoming): Request
}

export const twins: readonly Twin[] = [
  { kind: 'a lazy request', request: (incoming = {}) => arrive(incoming).request },
  { kind: 'a native request', request: nativeRequest },
]

export interface Arrival {
  readonly request: Request
  readonly body: IncomingBody
  /** Bytes granted to the parent so far, one entry a grant. */
  readonly grants: number[]
  readonly caller: AbortController
}

/** A request as a worker gets it. Its chunks are there and ended. */
export function arrive(incoming: Incoming): Arrival {
  const arrival = arriving(incoming)
  for (const chunk of incoming.chunks ?? []) arrival.body.push(Buffer.from(chunk))
  if (incoming.chunks !== undefined) arrival.body.end()
  return arrival
}

/** The same, but what follows the head has yet to come. */
export function arriving({
  method = 'GET',
  target = '/',
  host = 'localhost',
  headers = [],
  ...rest
}: Incoming): Arrival {
  const first = rest.body === undefined || rest.body.length === 0 ? null : Buffer.from(rest.body as string)
  const lines = ['id-1', method, target, ...[['host', host], ...headers].flat()]
  const grants: number[] = []
  const body = new IncomingBody(first, rest.chunks !== undefined, (bytes) => grants.push(bytes))
  const caller = new AbortController()
  const request = new LazyRequest({ lines, signal: caller.signal }, false, body) as unknown as Request
  return { request, body, grants, caller }
}

function nativeRequest({
  method = 'GET',
  target = '/',
  host = 'localhost',
  headers = [],
  ...rest
}: Incoming = {}): Request {
  const all = new NativeHeaders([['host', host], ...headers] as [string, string][])
  const body = rest.chunks?.join('') ?? rest.body
  const hasBody =
    body !== undefined && (body.length > 0 || rest.chunks !== undefined) && !['GET', 'HEAD'].includes(method)
  const request = new NativeRequest(new URL(`http://${host}${target}`), {
    method,
    headers: all,
    ...(hasBody ? { body: Buffer.from(body as string) } : {}),
  })
  return request
}

export const responseClasses: readonly { kind: string; Response: typeof globalThis.Response }[] = [
  { kind: 'a lazy Response', Response: globalThis.Response },
  { kind: 'a native Response', Response: NativeResponse },
]

export interface Sent {
  readonly status: number
  readonly fields: readonly (readonly [string, string])[]
  readonly body: string | null
}

/** What would go to the caller. */
export async function send(response: unknown): Promise<Sent> {
  const outgoing = toOutgoing(response)
  if (outgoing === null) throw new Error('That is not a response')
  const lines = outgoing.head === '' ? [] : outgoing.head.split('\n')
  const fields = lines.flatMap((name, at) => (at % 2 === 0 ? [[name, lines[at + 1]!] as const] : []))
  const { body, status } = outgoing
  return { status, fields, body: body === null ? null : await new NativeResponse(body as ResponseBody).text() }
}

/** What a call of this function throws, by its class; null when it throws nothing. */
export async function thrownBy(act: () => unknown): Promise<string | null> {
  try {
    await act()
    return null
  } catch (error) {
    return (error as Error).name
  }
}
