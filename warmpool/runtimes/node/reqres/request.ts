/**
 * A call as Node's own IncomingMessage. Nothing of Node's is replaced: frameworks put prototypes of their own on
 * requests, and so it is the stand-in for the socket that fills it. Only `headers` has a shorter way to what Node would
 * make of them.
 */
import { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Exchange } from './exchange.ts'

const HEAD_LINES = 3

export class NodeRequest extends IncomingMessage {
  // What Node's own server uses, and its types leave out.
  declare readonly _consuming: boolean
  declare readonly _eventsCount: number
  declare readonly _dump: () => void
  declare readonly _addHeaderLines: (fields: string[], count: number) => void

  constructor(exchange: Exchange) {
    super(exchange as unknown as Socket)
    const { lines, body } = exchange.call
    const fields = lines.slice(HEAD_LINES)
    // The gateway undid the chunks; parsers look for this to know that there is a body at all.
    if (!body.isAbsent && !hasLength(fields)) fields.push('transfer-encoding', 'chunked')
    this.method = lines[1]!
    this.url = lines[2]!
    this.httpVersion = '1.1'
    this.httpVersionMajor = 1
    this.httpVersionMinor = 1
    this._addHeaderLines(fields, fields.length)
  }
}

/** Under which Node keeps its headers once somebody has asked for them. */
const MADE = nodesOwn('kHeaders')
const { get: nodeHeaders, set } = Object.getOwnPropertyDescriptor(IncomingMessage.prototype, 'headers') ?? {}

if (MADE !== undefined && nodeHeaders !== undefined)
  Object.defineProperty(NodeRequest.prototype, 'headers', {
    get(this: NodeRequest & { [MADE]: object | null }) {
      this[MADE] ??= plainHeaders(this.rawHeaders)
      return this[MADE] ?? nodeHeaders.call(this)
    },
    set,
    configurable: true,
  })

/** Undefined where a later Node has none, and in Bun and Deno, whose messages are their own. */
function nodesOwn(name: string): symbol | undefined {
  if (process.versions.bun !== undefined || process.versions.deno !== undefined) return undefined
  const message = new IncomingMessage(null as never)
  return Object.getOwnPropertySymbols(message).find(({ description }) => description === name)
}

/**
 * Names here are in lower case, and mostly different from each other: Node looks each up among those that it knows and
 * marks it with a character in front that it takes off again. Null where one comes twice or is an array: that is Node's.
 */
function plainHeaders(fields: readonly string[]): Record<string, string> | null {
  const headers: Record<string, string> = {}
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at]!
    // Also what every object has.
    if (headers[name] !== undefined || name === 'set-cookie') return null
    headers[name] = fields[at + 1]!
  }
  return headers
}

function hasLength(fields: readonly string[]): boolean {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === 'content-length') return true
  return false
}
