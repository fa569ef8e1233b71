/** How the admin address says what went wrong: always as a problem document, and whose fault it was. */
import type { Context } from 'hono'
import { Refusal } from '../deploy/refusal.ts'
import { isShortage } from '../functions/shortage.ts'
import { PROBLEM_CONTENT_TYPE, type Problem, problem, renderProblem } from '../http/problem.ts'

export function respond(what: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(renderProblem(what), {
    status: what.status,
    headers: { 'content-type': PROBLEM_CONTENT_TYPE, ...headers },
  })
}

export function notFound(detail: string): Response {
  return respond(problem('not-found', { detail }))
}

export function refuse(error: unknown): Response {
  return respond(problemOf(error))
}

/** What was thrown as a problem: towards whoever deploys, a function that does not work is no outage of the gateway. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Refusal) {
    const found = problem(error.code, { detail: error.message })
    return found.fault === 'function' ? { ...found, status: 422 } : found
  }
  const { message } = error as Error
  if (isShortage(error))
    return problem('not-stored', { detail: `The gateway's machine has no room for it: ${message}` })
  // The client is gone, and will not read this.
  if ((error as NodeJS.ErrnoException).code === 'ECONNRESET' || (error as Error).name === 'AbortError')
    return problem('malformed-request', { detail: 'The request broke off' })
  console.error(error)
  return problem('internal', { detail: "It could not be done. The gateway's log says why." })
}

/** Lines of source around what is wrong with a function, where it is about code. */
export function frameOf(error: unknown): string | null {
  return error instanceof Refusal ? error.frame : null
}

/** A body that is read into memory, and no longer than that. Throws `Refusal`. */
export async function textOf(c: Context, maxBytes: number): Promise<string> {
  return (await bytesOf(c, maxBytes)).toString('utf8')
}

/** The same as bytes, whose decoding is left to whoever has the time. */
export async function bytesOf(c: Context, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of bodyOf(c)) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new Refusal('body-too-large', `It is longer than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

export function bodyOf(c: Context): AsyncIterable<Uint8Array> {
  const { body } = c.req.raw
  return body === null ? NOTHING : (body as unknown as AsyncIterable<Uint8Array>)
}

const NOTHING: AsyncIterable<Uint8Array> = {
  async *[Symbol.asyncIterator]() {},
}
