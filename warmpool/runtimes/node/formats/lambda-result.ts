/**
 * What a Lambda function's result means over HTTP: `{ statusCode, headers, cookies, body, isBase64Encoded }` is an
 * answer, and anything without a status code is 200 with a JSON body, texts too. A mistake throws a TypeError that says
 * what was returned and what could be.
 */
import { checkedStatus, PlainHead, shown } from './plain-head.ts'

export interface LambdaAnswer {
  readonly status: number
  readonly head: string
  readonly body: string | Uint8Array | null
}

/** What an answer may hold, as functions return it: nothing of it can be relied on. */
interface Returned {
  readonly statusCode?: unknown
  readonly headers?: unknown
  /** Of payload format 1.0; many handlers serve both. */
  readonly multiValueHeaders?: unknown
  readonly cookies?: unknown
  readonly body?: unknown
  readonly isBase64Encoded?: unknown
}

/** As function URLs and REST APIs have it; HTTP APIs would say text/plain. */
const USUAL_TYPE = 'application/json'
const BYTES_TYPE = 'application/octet-stream'
const JSON_HEAD = `content-type\n${USUAL_TYPE}`

export function lambdaAnswer(result: unknown, isToHead: boolean): LambdaAnswer {
  if (typeof result !== 'object' || result === null || !('statusCode' in result)) return jsonAnswer(result)
  const returned = result as Returned
  const body = bodyOf(returned)
  const head = headOf(returned, isToHead)
  return {
    status: checkedStatus(returned.statusCode),
    head: body === null ? head.text : head.withType(USUAL_TYPE),
    body,
  }
}

/** The same for the prelude of a stream, whose body is still to come. */
export function preludeAnswer(prelude: unknown): Pick<LambdaAnswer, 'status' | 'head'> {
  if (typeof prelude !== 'object' || prelude === null) {
    throw new TypeError(`The prelude of the response stream is ${shown(prelude)}, not { statusCode, headers, cookies }`)
  }
  const returned = prelude as Returned
  return { status: checkedStatus(returned.statusCode ?? 200), head: headOf(returned, true).withType(BYTES_TYPE) }
}

function headOf({ headers, multiValueHeaders, cookies }: Returned, keepsLength: boolean): PlainHead {
  const head = new PlainHead(keepsLength)
  head.addAll(headers, 'headers')
  head.addAll(multiValueHeaders, 'multiValueHeaders')
  if (cookies === undefined || cookies === null) return head
  if (!Array.isArray(cookies)) throw new TypeError(`The handler answered with cookies that are ${shown(cookies)}`)
  for (const cookie of cookies) head.add('set-cookie', cookie)
  return head
}

function bodyOf({ body, isBase64Encoded }: Returned): LambdaAnswer['body'] {
  if (body === undefined || body === null || body === '') return null
  if (typeof body === 'string') return isBase64Encoded === true ? Buffer.from(body, 'base64') : body
  throw new TypeError(`The handler answered with a body that is ${shown(body)}, not a string: JSON.stringify it`)
}

function jsonAnswer(result: unknown): LambdaAnswer {
  if (result instanceof Response) {
    throw new TypeError(
      'The handler returned a Response. In the format lambda it returns { statusCode, headers, body }; ' +
        'a function that answers with a Response is of the format "fetch"',
    )
  }
  const body = JSON.stringify(result ?? null)
  if (body === undefined) throw new TypeError(`The handler returned ${shown(result)}, which JSON cannot say`)
  return { status: 200, head: JSON_HEAD, body }
}
