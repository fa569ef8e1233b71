/** One GET on a connection of its own, over a bare socket: what a call takes without a client library's share. */
import { connect } from 'node:net'

export interface Answer {
  /** From before the connect to the last byte. */
  readonly tookMs: number
  readonly status: number
  readonly head: string
  readonly body: string
}

export function oneCall(url: string): Promise<Answer> {
  const { hostname, port, pathname } = new URL(url)
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const startedAtMs = performance.now()
  const socket = connect(Number(port), hostname)
  let text = ''
  socket.setEncoding('latin1')
  socket.write(`GET ${pathname} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nconnection: close\r\n\r\n`)
  socket.on('data', (chunk: string) => {
    text += chunk
  })
  socket.once('end', () => {
    const tookMs = performance.now() - startedAtMs
    const [head = '', body = ''] = text.split('\r\n\r\n', 2)
    resolve({ tookMs, status: Number(head.split(' ', 2)[1]), head, body })
  })
  socket.once('error', reject)
  return promise
}

/** The entries of a `Server-Timing` header: durations by name, and the kind of start. */
export function serverTiming(head: string): { readonly start: string; readonly ms: ReadonlyMap<string, number> } {
  const header = head.match(/^server-timing: (.*)$/im)?.[1] ?? ''
  const ms = new Map([...header.matchAll(/(\w+);dur=([\d.]+)/g)].map(([, name, dur]) => [name!, Number(dur)]))
  return { start: header.match(/start;desc="(\w+)"/)?.[1] ?? 'unknown', ms }
}
