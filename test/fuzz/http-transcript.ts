/**
 * What the edge's reader makes of bytes, without sockets: the requests that it hands on, their bodies, and how it ends.
 * Two ways of cutting the same bytes must give the same transcript.
 */
import { checkRequestLine } from '../../gateway/http/request-line.ts'
import type { Connection } from '../../gateway/http/server/connection.ts'
import { Exchange } from '../../gateway/http/server/exchange.ts'
import type { RequestHead } from '../../gateway/http/server/request-head.ts'
import { RequestReader, type RequestSource } from '../../gateway/http/server/request-reader.ts'

export const HEADERS_BYTES = 1024

export interface ReadRequest {
  readonly method: string
  readonly url: string
  body: string
  end: 'coming' | 'whole' | 'broken' | 'refused'
}

export interface Transcript {
  readonly requests: readonly ReadRequest[]
  /** Why nothing more is read as a request; null where it goes on. */
  readonly unreadable: string | null
  readonly state: string
}

class Recorder implements RequestSource {
  readonly limits = {
    headersBytes: HEADERS_BYTES,
    headersTimeoutMs: 0,
    bodyTimeoutMs: 0,
    bodyRateBytes: 0,
    connections: Number.POSITIVE_INFINITY,
    writeTimeoutMs: 0,
    halfCloseTimeoutMs: 0,
    keepAliveTimeoutMs: 0,
  }
  readonly isFull = false
  readonly requests: ReadRequest[] = []
  unreadable: string | null = null
  readonly reader = new RequestReader(this)
  readonly #read = new Map<Exchange, ReadRequest>()

  open(head: RequestHead): Exchange {
    return new Exchange({} as Connection, head)
  }

  onRequest(exchange: Exchange): void {
    const { method, url, version, headers, isBodyComplete } = exchange
    const request: ReadRequest = { method, url, body: '', end: isBodyComplete ? 'whole' : 'coming' }
    this.requests.push(request)
    this.#read.set(exchange, request)
    const line = checkRequestLine(method, url === '*' && method === 'OPTIONS' ? '/' : url, version, headers)
    if ('code' in line) {
      request.end = 'refused'
      // Only a method that is not passed on, without a body, leaves its connection to others.
      if (line.code !== 'method-not-allowed' || method === 'CONNECT' || !isBodyComplete) return this.reader.stop()
    }
    exchange.owner = {
      onBody: (chunk) => {
        request.body += chunk.toString('latin1')
      },
      onBodyEnd() {},
      onBodyBroken() {},
      onDrain() {},
      onGivenUp: () => 'cut',
      onClosed() {},
    }
  }

  mayBeginAnother(): boolean {
    return true
  }

  onUnreadable(code: string): void {
    if (this.unreadable !== null) throw new Error('unreadable a second time')
    this.unreadable = code
  }

  onBodyEnd(exchange: Exchange): void {
    this.#read.get(exchange)!.end = 'whole'
  }

  onBodyMistake(exchange: Exchange): void {
    this.#read.get(exchange)!.end = 'broken'
    this.reader.stop()
  }

  onFull(): void {}
  onDropped(): void {}
}

export function transcriptOf(pieces: readonly Buffer[]): Transcript {
  const recorder = new Recorder()
  for (const piece of pieces) {
    const bytes = Buffer.from(piece)
    recorder.reader.read(bytes)
    // The next read is put into the same memory.
    bytes.fill('!')
  }
  const { requests, unreadable, reader } = recorder
  return { requests, unreadable, state: reader.state }
}
