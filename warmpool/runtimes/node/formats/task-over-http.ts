/**
 * A task that is called over HTTP: a JSON body is its input, and any other body as bytes; its output goes back as JSON, or
 * as the bytes that it is. Read by the first such call: the pool's library never makes one.
 */
import type { Call } from '../call.ts'
import { shown } from './plain-head.ts'
import type { Run } from './task.ts'

const TEXT_HEAD = 'content-type\ntext/plain; charset=utf-8'
const JSON_HEAD = 'content-type\napplication/json'
const BYTES_HEAD = 'content-type\napplication/octet-stream'
const IS_JSON = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i
const FIRST_HEADER_LINE = 3

export async function answerTask(call: Call, run: Run): Promise<void> {
  const { body } = call
  const bytes = body.isAbsent ? null : await body.collect()
  let input: unknown
  try {
    input = inputOf(bytes, typeOf(call))
  } catch (error) {
    return call.answer(400, TEXT_HEAD, `The body is not the JSON that it is said to be: ${(error as Error).message}\n`)
  }
  respond(call, await run(input))
}

/** Without a body, nothing. */
function inputOf(bytes: Buffer | null, type: string): unknown {
  if (bytes === null || bytes.length === 0) return undefined
  return IS_JSON.test(type) ? JSON.parse(bytes.toString()) : new Uint8Array(bytes)
}

function typeOf({ lines }: Call): string {
  for (let at = FIRST_HEADER_LINE; at + 1 < lines.length; at += 2)
    if (lines[at] === 'content-type') return lines[at + 1]!
  return ''
}

function respond(call: Call, output: unknown): void {
  if (output === undefined) return call.answer(204, '', null)
  if (output instanceof Uint8Array) return call.answer(200, BYTES_HEAD, output)
  if (output instanceof ArrayBuffer) return call.answer(200, BYTES_HEAD, new Uint8Array(output))
  if (output instanceof Response)
    return unfit(
      call,
      'a Response, and a task gives a value: a function that answers with a Response has the format "fetch"',
    )
  const text = asJson(output)
  if (text === undefined) return unfit(call, `${shown(output)}, which is neither JSON nor bytes`)
  call.answer(200, JSON_HEAD, text)
}

function asJson(output: unknown): string | undefined {
  try {
    return JSON.stringify(output)
  } catch {
    return undefined
  }
}

function unfit(call: Call, what: string): void {
  call.fail('not-a-response', new TypeError(`The task returned ${what}`))
}
