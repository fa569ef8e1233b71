/**
 * The event that a Lambda function gets for an HTTP request: payload format 2.0, as function URLs and HTTP APIs send
 * it. Made in one pass over the head's lines and as plain data, since handlers log it, spread it and send it on.
 */
import { isUtf8 } from 'node:buffer'
import type { Call } from '../call.ts'
import { setOwn } from './own-values.ts'

/** The head's lines: invocation id, method, target, then name and value in turn. */
export const FIRST_HEADER_LINE = 3
/** The account that stands in AWS's own examples. */
export const ACCOUNT_ID = '123456789012'
/** Bodies of these types come as text, as measured by many against AWS; forms and all others come as base64. */
const TEXT_TYPE = /^(?:text\/|application\/(?:json|xml|javascript)\s*(?:;|$))/i
/** REST APIs hand forms over as text. */
const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(?:;|$)/i
const OUTSIDE_ASCII = /[\x80-\xff]/
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

type Values = Record<string, string>

export interface LambdaEvent {
  readonly version: '2.0'
  readonly routeKey: '$default'
  readonly rawPath: string
  readonly rawQueryString: string
  cookies?: string[]
  readonly headers: Values
  queryStringParameters?: Values
  readonly requestContext: RequestContext
  body?: string
  isBase64Encoded: boolean
}

/** Both payload formats, as far as the body goes. */
interface AnyEvent {
  readonly version: '1.0' | '2.0'
  readonly headers: Values
  body?: string | null
  isBase64Encoded: boolean
}

interface RequestContext {
  readonly accountId: string
  readonly apiId: string
  readonly domainName: string
  readonly domainPrefix: string
  readonly http: {
    readonly method: string
    readonly path: string
    readonly protocol: 'HTTP/1.1'
    readonly sourceIp: string
    readonly userAgent: string
  }
  readonly requestId: string
  readonly routeKey: '$default'
  readonly stage: '$default'
  readonly time: string
  readonly timeEpoch: number
}

/** `traceId`: what `x-amzn-trace-id` says when the caller did not. */
export function lambdaEvent(call: Call, functionName: string, traceId: string, nowMs: number): LambdaEvent {
  const { lines } = call
  const target = asciiTarget(lines[2]!)
  const queryAt = target.indexOf('?')
  const rawPath = queryAt === -1 ? target : target.slice(0, queryAt)
  const rawQueryString = queryAt === -1 ? '' : target.slice(queryAt + 1)
  const headers: Values = {}
  let cookies: string[] | null = null
  for (let at = FIRST_HEADER_LINE; at + 1 < lines.length; at += 2) {
    const name = lines[at]!
    const value = lines[at + 1]!
    if (name === 'cookie') cookies = cookies === null ? value.split('; ') : [...cookies, ...value.split('; ')]
    else add(headers, name, value)
  }
  headers['x-amzn-trace-id'] ??= traceId
  const domainName = headers.host ?? 'localhost'
  const event: LambdaEvent = {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    headers,
    requestContext: {
      accountId: ACCOUNT_ID,
      apiId: functionName,
      domainName,
      domainPrefix: before(domainName, '.'),
      http: {
        method: lines[1]!,
        path: rawPath,
        protocol: 'HTTP/1.1',
        sourceIp: before(headers['x-forwarded-for'] ?? '', ','),
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: lines[0]!,
      routeKey: '$default',
      stage: '$default',
      time: clfTime(nowMs),
      timeEpoch: nowMs,
    },
    isBase64Encoded: false,
  }
  if (cookies !== null) event.cookies = cookies
  if (rawQueryString !== '') event.queryStringParameters = queryValues(rawQueryString)
  return event
}

/** The bytes may lie in borrowed memory: they are read before this returns. */
export function setBody(event: AnyEvent, bytes: Buffer): void {
  if (bytes.length === 0) return
  const { headers } = event
  const type = headers['content-type'] ?? ''
  const isTextual = TEXT_TYPE.test(type) || (event.version === '1.0' && FORM_TYPE.test(type))
  const isText = isTextual && !('content-encoding' in headers) && isUtf8(bytes)
  event.isBase64Encoded = !isText
  event.body = isText ? bytes.toString('utf8') : bytes.toString('base64')
}

/** What a name came with before is joined; what every object inherits is no such thing, and never a string. */
function add(values: Values, name: string, value: string): void {
  const earlier: unknown = values[name]
  const joined = typeof earlier === 'string' ? `${earlier},${value}` : value
  if (name === '__proto__') setOwn(values, name, joined)
  else values[name] = joined
}

function queryValues(query: string): Values {
  const values: Values = {}
  for (const [name, value] of new URLSearchParams(query)) add(values, name, value)
  return values
}

/** The wire gives a byte a character: what a browser escapes as UTF-8 came as these very bytes. */
export function asciiTarget(target: string): string {
  if (!OUTSIDE_ASCII.test(target)) return target
  return target.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`)
}

export function before(text: string, mark: string): string {
  const at = text.indexOf(mark)
  return at === -1 ? text : text.slice(0, at)
}

/** Calls in a row mostly come within the same second. */
let latest = { second: 0, text: '' }

/** `12/Mar/2020:19:03:58 +0000` */
export function clfTime(nowMs: number): string {
  const second = Math.floor(nowMs / 1_000)
  if (latest.second !== second) {
    const iso = new Date(nowMs).toISOString()
    const month = MONTHS[Number(iso.slice(5, 7)) - 1]!
    latest = { second, text: `${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000` }
  }
  return latest.text
}
