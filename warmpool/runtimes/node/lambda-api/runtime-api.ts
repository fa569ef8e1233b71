/**
 * Lambda's Runtime API for one program: it asks for the next invocation and waits, posts the response or an error, and
 * asks again. The port is this worker's own, for requests do not say who asks. One invocation is under way at a time; what
 * is posted to any other is refused.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const PREFIX = '/2018-06-01/runtime/'
/** As there: more is sent as a stream. */
const MOST_RESPONSE_BYTES = 6 * 1024 * 1024
const MOST_ERROR_BYTES = 256 * 1024
const MODE_FIELD = 'lambda-runtime-function-response-mode'
const ERROR_TYPE_FIELD = 'lambda-runtime-function-error-type'
const ERROR_BODY_FIELD = 'lambda-runtime-function-error-body'

export interface ReportedError {
  readonly type: string
  readonly message: string
  readonly trace: readonly string[]
}

/** One invocation, and who waits for its end. */
export interface RuntimeInvocation {
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  /** JSON. */
  readonly event: string
  onResponse(body: Buffer): void
  /** A body in pieces: each is taken when the promise resolves. */
  onStreamBegin(contentType: string): void
  onStreamPiece(piece: Buffer): Promise<void>
  onStreamEnd(): void
  onError(error: ReportedError): void
}

export class RuntimeApi {
  readonly #server = createServer((request, response) => {
    this.#onRequest(request, response).catch((error: Error) => refuse(response, 400, 'BadRequest', error.message))
  })
  readonly #initialised = Promise.withResolvers<'polled' | ReportedError>()
  /** The program waits for an invocation. */
  #poll: ServerResponse | null = null
  #queued: RuntimeInvocation | null = null
  /** Given to the program, and not ended. */
  #current: RuntimeInvocation | null = null

  /** Host and port. */
  async listen(): Promise<string> {
    const server = this.#server
    // The program may think for as long as it likes, and keep its connection meanwhile.
    server.requestTimeout = 0
    server.headersTimeout = 0
    server.keepAliveTimeout = 0
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  /** The first that the program has to say: that it takes invocations, or why it never will. */
  get initialised(): Promise<'polled' | ReportedError> {
    return this.#initialised.promise
  }

  get isBusy(): boolean {
    return this.#current !== null || this.#queued !== null
  }

  invoke(invocation: RuntimeInvocation): void {
    this.#queued = invocation
    this.#handOver()
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = '' } = request
    const [what, id, kind] = url.startsWith(PREFIX) ? url.slice(PREFIX.length).split('/') : []
    if (method === 'GET' && what === 'invocation' && id === 'next') return this.#onPoll(response)
    if (method === 'POST' && what === 'init' && id === 'error') return this.#onInitError(request, response)
    if (method !== 'POST' || what !== 'invocation' || (kind !== 'response' && kind !== 'error'))
      return refuse(response, 404, 'NotFound', `There is no ${method} ${url}`)
    const current = this.#current
    if (current === null || current.id !== id)
      return refuse(response, 400, 'InvalidRequestID', `The invocation ${id} is not under way`)
    if (kind === 'error') return this.#onError(current, request, response)
    if (request.headers[MODE_FIELD] === 'streaming') return this.#onStream(current, request, response)
    return this.#onResponse(current, request, response)
  }

  #onPoll(response: ServerResponse): void {
    this.#initialised.resolve('polled')
    const current = this.#current
    this.#current = null
    current?.onError(
      error('Runtime.NoResponse', 'The program asked for the next invocation without answering this one'),
    )
    if (this.#poll !== null)
      refuse(this.#poll, 403, 'InvalidStateTransition', 'The next invocation was asked for again')
    this.#poll = response
    response.once('close', () => {
      if (this.#poll === response) this.#poll = null
    })
    this.#handOver()
  }

  #handOver(): void {
    const [poll, invocation] = [this.#poll, this.#queued]
    if (poll === null || invocation === null) return
    this.#poll = null
    this.#queued = null
    this.#current = invocation
    poll.writeHead(200, { 'content-type': 'application/json', ...invocation.headers }).end(invocation.event)
  }

  async #onInitError(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await collect(request, MOST_ERROR_BYTES)
    this.#initialised.resolve(readError(request.headers[ERROR_TYPE_FIELD], body?.toString() ?? ''))
    accept(response)
  }

  async #onError(current: RuntimeInvocation, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await collect(request, MOST_ERROR_BYTES)
    this.#end(current)?.onError(readError(request.headers[ERROR_TYPE_FIELD], body?.toString() ?? ''))
    accept(response)
  }

  async #onResponse(current: RuntimeInvocation, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await collect(request, MOST_RESPONSE_BYTES)
    if (body === null) {
      const message = `The response is longer than ${MOST_RESPONSE_BYTES} bytes: stream it (${MODE_FIELD}: streaming)`
      this.#end(current)?.onError(error('Function.ResponseSizeTooLarge', message))
      return refuse(response, 413, 'RequestEntityTooLarge', message)
    }
    this.#end(current)?.onResponse(body)
    accept(response)
  }

  async #onStream(current: RuntimeInvocation, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      current.onStreamBegin(request.headers['content-type'] ?? 'application/octet-stream')
      for await (const piece of request) await current.onStreamPiece(piece as Buffer)
    } catch (cause) {
      this.#end(current)?.onError(
        error('Runtime.StreamError', `The response stream broke off: ${(cause as Error).message}`),
      )
      return refuse(response, 400, 'StreamError', (cause as Error).message)
    }
    const type = request.trailers[ERROR_TYPE_FIELD]
    const ended = this.#end(current)
    if (type === undefined) ended?.onStreamEnd()
    else ended?.onError(readError(type, Buffer.from(request.trailers[ERROR_BODY_FIELD] ?? '', 'base64').toString()))
    accept(response)
  }

  /** Null when it has ended in another way meanwhile. */
  #end(invocation: RuntimeInvocation): RuntimeInvocation | null {
    if (this.#current !== invocation) return null
    this.#current = null
    return invocation
  }
}

/** Null when there is more. */
async function collect(request: IncomingMessage, mostBytes: number): Promise<Buffer | null> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes <= mostBytes) pieces.push(piece)
    else pieces.length = 0
  }
  return bytes > mostBytes ? null : Buffer.concat(pieces)
}

/** `{ errorType, errorMessage, stackTrace }`; anything else is the message. */
function readError(typeField: string | string[] | undefined, body: string): ReportedError {
  const type = String(typeField ?? '')
  try {
    const { errorType, errorMessage, stackTrace } = JSON.parse(body)
    const trace = Array.isArray(stackTrace) ? stackTrace.map(String) : []
    return { type: String(errorType ?? (type || 'Error')), message: String(errorMessage ?? ''), trace }
  } catch {
    return error(type || 'Error', body.trim())
  }
}

function error(type: string, message: string): ReportedError {
  return { type, message, trace: [] }
}

function accept(response: ServerResponse): void {
  response.writeHead(202, { 'content-type': 'application/json' }).end('{"status":"OK"}')
}

function refuse(response: ServerResponse, status: number, errorType: string, errorMessage: string): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ errorType, errorMessage }))
}
