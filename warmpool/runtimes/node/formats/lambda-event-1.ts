/**
 * The event that a Lambda function gets for an HTTP request in payload format 1.0, as REST APIs send it, for functions
 * that ask for it (`"payload": "1.0"`). Names of headers come in lower case, as from every caller of HTTP/2.
 */
import type { Call } from '../call.ts'
import { ACCOUNT_ID, asciiTarget, before, clfTime, FIRST_HEADER_LINE } from './lambda-event.ts'
import { setOwn } from './own-values.ts'

type Values = Record<string, string>
type MultiValues = Record<string, string[]>

export interface LambdaEvent1 {
  readonly version: '1.0'
  readonly resource: '/' | '/{proxy+}'
  readonly path: string
  readonly httpMethod: string
  readonly headers: Values
  readonly multiValueHeaders: MultiValues
  readonly queryStringParameters: Values | null
  readonly multiValueQueryStringParameters: MultiValues | null
  readonly requestContext: Readonly<Record<string, unknown>>
  readonly pathParameters: Values | null
  readonly stageVariables: null
  body: string | null
  isBase64Encoded: boolean
}

/** `traceId`: the value of `x-amzn-trace-id` where the caller sent none. */
export function lambdaEvent1(call: Call, functionName: string, traceId: string, nowMs: number): LambdaEvent1 {
  const { lines } = call
  const target = asciiTarget(lines[2]!)
  const path = before(target, '?')
  const headers = new LastAndAll()
  for (let at = FIRST_HEADER_LINE; at + 1 < lines.length; at += 2) headers.add(lines[at]!, lines[at + 1]!)
  if (headers.last['x-amzn-trace-id'] === undefined) headers.add('x-amzn-trace-id', traceId)
  const query = new LastAndAll()
  for (const [name, value] of new URLSearchParams(target.slice(path.length + 1))) query.add(name, value)
  const resource = path === '/' ? '/' : '/{proxy+}'
  const domainName = headers.last.host ?? 'localhost'
  return {
    version: '1.0',
    resource,
    path,
    httpMethod: lines[1]!,
    headers: headers.last,
    multiValueHeaders: headers.all,
    queryStringParameters: query.isEmpty ? null : query.last,
    multiValueQueryStringParameters: query.isEmpty ? null : query.all,
    requestContext: {
      accountId: ACCOUNT_ID,
      apiId: functionName,
      authorizer: null,
      domainName,
      domainPrefix: before(domainName, '.'),
      extendedRequestId: lines[0]!,
      httpMethod: lines[1]!,
      identity: {
        accessKey: null,
        accountId: null,
        caller: null,
        cognitoAuthenticationProvider: null,
        cognitoAuthenticationType: null,
        cognitoIdentityId: null,
        cognitoIdentityPoolId: null,
        principalOrgId: null,
        sourceIp: before(headers.last['x-forwarded-for'] ?? '', ','),
        user: null,
        userAgent: headers.last['user-agent'] ?? '',
        userArn: null,
      },
      path,
      protocol: 'HTTP/1.1',
      requestId: lines[0]!,
      requestTime: clfTime(nowMs),
      requestTimeEpoch: nowMs,
      resourceId: null,
      resourcePath: resource,
      stage: '$default',
    },
    pathParameters: path === '/' ? null : { proxy: path.slice(1) },
    stageVariables: null,
    body: null,
    isBase64Encoded: false,
  }
}

/** Values by name: of each name the last one, and all of them. */
class LastAndAll {
  readonly last: Values = {}
  readonly all: MultiValues = {}
  isEmpty = true

  add(name: string, value: string): void {
    this.isEmpty = false
    if (Object.hasOwn(this.all, name)) this.all[name]!.push(value)
    else setOwn(this.all, name, [value])
    setOwn(this.last, name, value)
  }
}
