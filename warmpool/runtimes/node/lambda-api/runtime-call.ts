/** A call as an invocation of the Runtime API: the same event, and the same meaning of results, as for Lambda in Node. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Call } from '../call.ts'
import { PRELUDE_END_BYTES, PRELUDE_TYPE } from '../formats/lambda-environment.ts'
import { ACCOUNT_ID, setBody } from '../formats/lambda-event.ts'
import type { EventOf } from '../formats/lambda-payload.ts'
import { lambdaAnswer, preludeAnswer } from '../formats/lambda-result.ts'
import type { ReportedError, RuntimeInvocation } from './runtime-api.ts'

/** What is said of calls without a limit: the longest that Lambda lets a function run. */
const LONGEST_MS = 900_000
const PRELUDE_END = Buffer.alloc(PRELUDE_END_BYTES)
const MOST_PRELUDE_BYTES = 256 * 1024
/** An id that needs no escaping where the program puts it into a path. */
const PLAIN_ID = /^[\w-]{1,128}$/

export class RuntimeCall implements RuntimeInvocation {
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  readonly event: string
  readonly #call: Call
  /** What came of a prelude that is not whole; null once the head is out. */
  #prelude: Buffer | null = null
  #hasBegun = false

  /** `body`: empty where there is none. It is read before this returns. */
  constructor(call: Call, functionName: string, body: Buffer, eventOf: EventOf) {
    const nowMs = Date.now()
    this.#call = call
    const { invocationId, timeLeftMs } = call
    this.id = PLAIN_ID.test(invocationId) ? invocationId : randomUUID()
    const traceId = `Root=1-${Math.floor(nowMs / 1000).toString(16)}-${randomBytes(12).toString('hex')};Sampled=0`
    const event = eventOf(call, functionName, traceId, nowMs)
    setBody(event, body)
    this.event = JSON.stringify(event)
    this.headers = {
      'Lambda-Runtime-Aws-Request-Id': this.id,
      'Lambda-Runtime-Deadline-Ms': String(nowMs + (timeLeftMs === 0 ? LONGEST_MS : timeLeftMs)),
      'Lambda-Runtime-Invoked-Function-Arn': `arn:aws:lambda:${process.env.AWS_REGION}:${ACCOUNT_ID}:function:${functionName}`,
      'Lambda-Runtime-Trace-Id': event.headers['x-amzn-trace-id']!,
    }
  }

  onResponse(body: Buffer): void {
    const result = parsed(body)
    // As the first example in Lambda's own documents answers.
    if (result === null) return this.#call.answer(200, 'content-type\ntext/plain; charset=utf-8', body)
    try {
      const answer = lambdaAnswer(result.value, this.#call.isToHead)
      this.#call.answer(answer.status, answer.head, answer.body)
    } catch (error) {
      this.#call.fail('not-a-response', error)
    }
  }

  onStreamBegin(contentType: string): void {
    if (contentType.startsWith(PRELUDE_TYPE)) this.#prelude = Buffer.alloc(0)
    else this.#begin({ headers: { 'content-type': contentType } })
  }

  async onStreamPiece(piece: Buffer): Promise<void> {
    if (this.#prelude === null) return this.#call.send(piece)
    const bytes = Buffer.concat([this.#prelude, piece])
    const end = bytes.indexOf(PRELUDE_END)
    if (end < 0 && bytes.length > MOST_PRELUDE_BYTES) throw new TypeError('Its prelude has no end (eight zero bytes)')
    this.#prelude = bytes
    if (end < 0) return
    this.#prelude = null
    this.#begin(JSON.parse(bytes.toString('utf8', 0, end)))
    if (end + PRELUDE_END_BYTES < bytes.length) await this.#call.send(bytes.subarray(end + PRELUDE_END_BYTES))
  }

  onStreamEnd(): void {
    if (this.#hasBegun) return this.#call.finish()
    this.#call.fail('not-a-response', new TypeError('The response stream ended within its prelude'))
  }

  onError(reported: ReportedError): void {
    this.#call.fail(this.#hasBegun ? 'response-aborted' : 'handler-threw', asError(reported))
  }

  #begin(prelude: unknown): void {
    const { status, head } = preludeAnswer(prelude)
    this.#hasBegun = true
    this.#call.begin(status, head)
  }
}

/** As the program has told it: its own trace, not where this runtime heard of it. */
function asError({ type, message, trace }: ReportedError): Error {
  const error = new Error(message)
  error.name = type
  error.stack = [`${type}: ${message}`, ...trace].join('\n')
  return error
}

function parsed(body: Buffer): { readonly value: unknown } | null {
  try {
    return { value: body.length === 0 ? null : JSON.parse(body.toString()) }
  } catch {
    return null
  }
}
