/** What the wire needs of a response, and how it is had from one that is not lazy: native, or of another package. */
import { type ByteStream, type Content, isReadable, isStream } from './body.ts'
import { outdatedInFetched } from './fetched.ts'
import { headText } from './fields.ts'
import type { NativeResponse } from './native.ts'

export interface OutgoingResponse {
  readonly status: number
  /** Name and value in turn, lower-case names; joined by newlines. */
  readonly head: string
  readonly body: Content | ByteStream | null
  /** Of a stream, where it is known. */
  readonly length?: number
}

/** By shape: a response may come from another copy of the class (node-fetch, the undici package). */
export function looksLikeResponse(value: object): value is NativeResponse {
  const { status, headers } = value as Partial<NativeResponse>
  return typeof status === 'number' && typeof headers?.forEach === 'function'
}

/** Throws TypeError when it cannot be sent. */
export function outgoingNative(response: NativeResponse): OutgoingResponse {
  const { status } = response
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    const hint = response.type === 'error' ? ' (Response.error() is for fetch, it has none)' : ''
    throw new TypeError(`The response has the status ${status}, not one from 200 to 599${hint}`)
  }
  const body = outgoingBody(response)
  return { status, head: headText(response.headers, outdatedInFetched(response)), body }
}

export function alreadyRead(): TypeError {
  return new TypeError('The body of the response was read already; to read it and send it, read a clone()')
}

/** Of an answer whose body stays here: with the body's length. What the head says of it counts where the body is empty. */
export function headWithLength(head: string, body: OutgoingResponse['body']): string {
  if (body === null || isStream(body)) return head
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
  return withLength(length > 0 ? withoutLength(head) : head, length)
}

/** The head with this length, unless it says one. */
export function withLength(head: string, length: number): string {
  if (saysLength(head)) return head
  return `${head}${head === '' ? '' : '\n'}content-length\n${length}`
}

/** A value may be these words, too, as that of `access-control-expose-headers`. */
function saysLength(head: string): boolean {
  return head.includes('content-length') && head.split('\n').some(isLengthName)
}

function withoutLength(head: string): string {
  if (!saysLength(head)) return head
  const lines = head.split('\n')
  return lines.filter((line, at) => !isLengthName(line, at) && !isLengthName(lines[at - 1], at - 1)).join('\n')
}

function isLengthName(line: string | undefined, at: number): boolean {
  return at % 2 === 0 && line === 'content-length'
}

/** What was given in the place of a response or of bytes. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'object') return `an object (${value.constructor?.name ?? 'without a prototype'})`
  return `a ${typeof value}`
}

function outgoingBody(response: NativeResponse): OutgoingResponse['body'] {
  const body: unknown = response.body ?? null
  if (response.bodyUsed) throw alreadyRead()
  if (body === null || typeof body === 'string' || body instanceof Uint8Array) return body
  if (body instanceof ReadableStream) {
    if (!isReadable(body)) throw alreadyRead()
    return body
  }
  // node-fetch gives a stream of Node's own kind.
  if (typeof (body as Partial<AsyncIterable<Uint8Array>>)[Symbol.asyncIterator] === 'function') {
    return ReadableStream.from(body as AsyncIterable<Uint8Array>)
  }
  throw new TypeError('The response has a body that is not text, bytes or a stream')
}
