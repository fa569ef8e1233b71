/**
 * A call as Node's own IncomingMessage. Nothing of Node's is overridden: frameworks put prototypes of their own on
 * requests, and so it is the stand-in for the socket that fills it.
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

function hasLength(fields: readonly string[]): boolean {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === 'content-length') return true
  return false
}
