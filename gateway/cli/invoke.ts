/**
 * What `wrangler-free invoke` does: sends one request and passes the answer on as it comes, body to stdout, the rest
 * to stderr. Nothing is held in memory: a slow reader of stdout slows the function down, and nobody else.
 */
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pc from 'picocolors'
import { nothingAnswers } from './addresses.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import { formatMs } from './format.ts'
import { describeServerTiming } from './server-timing.ts'

export type InvokeBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly contentType: string }
  /** `length` in bytes, null when nobody knows it before the end. */
  | { readonly kind: 'stream'; readonly stream: Readable; readonly length: number | null }

export interface InvokeRequest {
  readonly url: URL
  readonly method: string
  /** In the order given; a name may occur more than once. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: InvokeBody
}

/**
 * Sets the process's exit code by the answer's status. Throws a `CommandError`: `unavailable` when no answer begins,
 * `brokenOff` when it does not end as it should.
 */
export async function invoke(invocation: InvokeRequest, { include }: { readonly include: boolean }): Promise<void> {
  const startedAt = performance.now()
  const request = open(invocation)
  const response = await exchange(request, invocation)
  const status = response.statusCode ?? 0
  process.exitCode = status < 400 ? EXIT.ok : EXIT.httpError
  process.stderr.write(`${describe(response, performance.now() - startedAt)}\n`)
  if (include) process.stderr.write(`${headerLines(response)}\n`)
  try {
    await pipeline(response, process.stdout, { end: false })
  } catch (error) {
    throw new CommandError(EXIT.brokenOff, `The answer broke off: ${(error as Error).message}.`, { cause: error })
  } finally {
    // An answer may come before all was sent: what is left of a body need not be read.
    request.destroy()
  }
}

function open({ url, method, headers, body }: InvokeRequest): ClientRequest {
  try {
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, { method, agent: false })
    for (const [name, value] of bodyHeaders(body)) request.setHeader(name, value)
    // What was given replaces what would be sent without asking; given twice, it is sent twice.
    for (const [name] of headers) request.removeHeader(name)
    for (const [name, value] of headers) request.appendHeader(name, value)
    return request
  } catch (error) {
    throw new CommandError(EXIT.usage, `This request cannot be sent: ${(error as Error).message}.`, { cause: error })
  }
}

/** Framing is always stated: for GET and its like Node would send a body of unknown length without any. */
function bodyHeaders(body: InvokeBody): [name: string, value: string][] {
  if (body.kind === 'none') return []
  if (body.kind === 'stream') {
    return [body.length === null ? ['transfer-encoding', 'chunked'] : ['content-length', String(body.length)]]
  }
  return [
    ['content-length', String(body.bytes.length)],
    ['content-type', body.contentType],
  ]
}

/** Sends the request; resolves with the head of the answer, which may come before everything is sent. */
function exchange(request: ClientRequest, { url, body }: InvokeRequest): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  request.once('response', resolve)
  // After the answer began it is the answer's own end that tells whether all is well.
  request.on('error', (error) => reject(nothingAnswers(url, error)))
  if (body.kind === 'stream') {
    body.stream.once('error', (error) => {
      reject(new CommandError(EXIT.usage, `The body cannot be read: ${error.message}.`, { cause: error }))
      request.destroy()
    })
    body.stream.pipe(request)
  } else {
    request.end(body.kind === 'bytes' ? body.bytes : undefined)
  }
  return promise
}

/** `200 OK  3.2 ms  (queue 0.0, warm, run 2.1)`: the time until the answer began. */
function describe(response: IncomingMessage, elapsedMs: number): string {
  const { statusCode = 0, statusMessage = '', headers } = response
  const paint = pc.createColors(pc.isColorSupported && process.stderr.isTTY)
  const status = `${statusCode} ${statusMessage}`.trim()
  const timing = headers['server-timing']
  return [
    statusCode < 400 ? paint.green(status) : paint.red(status),
    `${formatMs(elapsedMs)} ms`,
    ...(timing ? [paint.dim(`(${describeServerTiming(String(timing))})`)] : []),
  ].join('  ')
}

function headerLines({ rawHeaders }: IncomingMessage): string {
  const lines: string[] = []
  for (let index = 0; index < rawHeaders.length; index += 2) {
    lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}\n`)
  }
  return lines.join('')
}
