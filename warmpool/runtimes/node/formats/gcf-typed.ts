/**
 * `functions.typed(name, handler)`: a function of what its request says, in and out as JSON, or by a `format` of its own
 * (`deserializeRequest`, `serializeResponse`), with the small request and response that the framework hands to that.
 */
import { parseJson, UnreadableBody } from '../reqres/body-parsing.ts'
import type { GoogleRequest } from '../reqres/google-request.ts'
import type { HelpedResponse } from '../reqres/helped-response.ts'

interface InvocationRequest {
  body(): string | Buffer
  header(name: string): string | undefined
}

interface InvocationResponse {
  setHeader(name: string, value: string): void
  write(data: string | Buffer): void
  end(data?: string | Buffer): void
}

interface Typed {
  readonly handler: (input: unknown) => unknown
  readonly format: {
    deserializeRequest(request: InvocationRequest): unknown
    serializeResponse(response: InvocationResponse, output: unknown): unknown
  }
}

const JSON_FORMAT: Typed['format'] = {
  deserializeRequest: (request) => parseJson(String(request.body())),
  serializeResponse(response, output) {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(output))
  },
}

export function typedListener(given: unknown): (req: GoogleRequest, res: HelpedResponse) => unknown {
  const { handler, format } =
    typeof given === 'function' ? { handler: given as Typed['handler'], format: JSON_FORMAT } : (given as Typed)
  return async (req, res) => {
    const input = await deserialized(format, req)
    await format.serializeResponse(res, await handler(input))
  }
}

async function deserialized(format: Typed['format'], req: GoogleRequest): Promise<unknown> {
  const { rawBody = Buffer.alloc(0) } = req
  const isText = typeof req.body === 'string' || !(req.body instanceof Uint8Array)
  try {
    const request = { body: () => (isText ? rawBody.toString() : rawBody), header: (name: string) => req.get(name) }
    return await format.deserializeRequest(request)
  } catch (error) {
    throw new UnreadableBody(`The request cannot be read: ${(error as Error).message}`)
  }
}
