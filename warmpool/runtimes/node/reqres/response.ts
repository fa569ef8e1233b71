/**
 * A call's answer as Node's own ServerResponse. Checks, callbacks and events are Node's; replaced are the few steps
 * with which it would write HTTP to a socket. They are properties of each response and not of its class, since
 * frameworks put prototypes of their own on responses.
 */
import { ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http'
import type { Socket } from 'node:net'
import type { Exchange } from './exchange.ts'
import type { NodeRequest } from './request.ts'

type Value = string | number | readonly string[]
type Written = (error?: Error | null) => void

const EXCHANGE = Symbol('exchange')

export class NodeResponse extends ServerResponse {
  // What Node's own server uses, and its types leave out.
  declare _closed: boolean
  declare _header: string | null
  declare _headerSent: boolean
  /** Emits `drain` where somebody waits for it. */
  declare readonly _flush: () => void
  declare _flushOutput: (socket: unknown) => boolean | undefined

  readonly [EXCHANGE]: Exchange
  readonly _storeHeader = storeHeader
  readonly _send = send
  readonly _writeRaw = dropInformation
  readonly _finish = finish

  constructor(exchange: Exchange, request: NodeRequest) {
    super(request)
    this[EXCHANGE] = exchange
    // A setter of Node's, which types say is a constant.
    ;(this as { socket: Socket | null }).socket = exchange as unknown as Socket
  }
}

/** The head is fixed. `headers`: those that were set, by name in lower case, or what `writeHead` was given. */
function storeHeader(this: NodeResponse, statusLine: string, headers: unknown): void {
  this._header = statusLine
  this[EXCHANGE].head = Array.isArray(headers) ? listedFields(headers) : namedFields(this, headers)
}

function namedFields(response: NodeResponse, headers: unknown): string {
  // Where any header was set, those that are given have been set too.
  for (const key in headers as object)
    return response.hasHeader(key) ? setFields(headers as SetHeaders) : givenFields(headers as GivenHeaders)
  return ''
}

type SetHeaders = Readonly<Record<string, readonly [name: string, value: Value]>>

function setFields(headers: SetHeaders): string {
  let text = ''
  for (const key in headers) {
    const [name, value] = headers[key]!
    text = withField(text, name, value)
  }
  return text
}

type GivenHeaders = Readonly<Record<string, Value>>

function givenFields(headers: GivenHeaders): string {
  let text = ''
  for (const name in headers) if (Object.hasOwn(headers, name)) text = withChecked(text, name, headers[name]!)
  return text
}

/** Pairs, or names and values in turn. */
function listedFields(given: readonly unknown[]): string {
  let text = ''
  if (Array.isArray(given[0]))
    for (const [name, value] of given as [string, Value][]) text = withChecked(text, name, value)
  else
    for (let at = 0; at + 1 < given.length; at += 2)
      text = withChecked(text, given[at] as string, given[at + 1] as Value)
  return text
}

function withChecked(text: string, name: string, value: Value): string {
  validateHeaderName(name)
  if (Array.isArray(value)) for (const one of value as string[]) validateHeaderValue(name, one)
  else validateHeaderValue(name, value as string)
  return withField(text, name, value)
}

function withField(text: string, name: string, value: Value): string {
  if (Array.isArray(value)) return value.reduce((all: string, one: string) => withField(all, name, one), text)
  return text === '' ? `${name}\n${value}` : `${text}\n${name}\n${value}`
}

function send(
  this: NodeResponse,
  data: string | Uint8Array,
  encoding?: BufferEncoding | null,
  done?: Written,
): boolean {
  this._headerSent = true
  return this[EXCHANGE].write(data, encoding, done)
}

/** 100 Continue was sent by the gateway; other interim answers are not passed on. */
function dropInformation(this: NodeResponse, _data: string, _encoding?: unknown, done?: Written): boolean {
  if (typeof done === 'function') process.nextTick(done)
  return true
}

function finish(this: NodeResponse): void {
  this.emit('prefinish')
  this[EXCHANGE].finish()
}

/** All that was written has left. Before Node 26, and in Deno, `_flush` tells nobody unless flushing came to something. */
export function flush(response: NodeResponse): void {
  if (response.writableNeedDrain) response._flushOutput = hasFlushed
  response._flush()
}

/** Nothing is ever kept in the response itself. */
function hasFlushed(): boolean {
  return true
}

/** As Node does it when the connection is done with it. */
export function closeResponse(response: NodeResponse): void {
  if (response._closed) return
  response.destroyed = true
  response._closed = true
  response.emit('close')
}
