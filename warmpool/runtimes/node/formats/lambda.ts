/**
 * AWS Lambda's contract for Node: `handler(event, context[, callback])`, called for one HTTP request at a time with an
 * event of payload format 2.0. Handlers are async, or answer by callback, or stream.
 */
import { randomBytes } from 'node:crypto'
import type { Call } from '../call.ts'
import { whenLoopIsEmpty } from '../empty-loop.ts'
import { noSuchExport } from './chosen-export.ts'
import type { Format, Handler } from './format.ts'
import { Answering, type Callback, type FunctionIdentity, type LambdaContext } from './lambda-context.ts'
import { HIGH_WATER_MARK, STREAMING, STREAMS_RESPONSE, setTraceId, setVariables } from './lambda-environment.ts'
import { ACCOUNT_ID, type LambdaEvent, setBody } from './lambda-event.ts'
import type { LambdaEvent1 } from './lambda-event-1.ts'
import { bareHandler, findHandler, usualHandler } from './lambda-handler.ts'
import { eventOfPayload } from './lambda-payload.ts'
import { expectEnd, ResponseStream } from './lambda-stream.ts'

type Event = LambdaEvent | LambdaEvent1
type LambdaHandler = ((event: Event, context: LambdaContext, callback: Callback) => unknown) &
  Readonly<Record<symbol, unknown>>
type StreamingHandler = (event: Event, stream: ResponseStream, context: LambdaContext) => unknown

export const lambdaFormat: Format = {
  name: 'lambda',
  concurrency: 1,
  expects: 'export const handler = async (event, context) => ({ statusCode: 200, body: … })',
  isMarked: (exports) => usualHandler(exports) !== null,
  async handler(exports, load): Promise<Handler | null> {
    const target = (
      load.handler === null ? (usualHandler(exports) ?? bareHandler(exports)) : findHandler(exports, load.handler)
    ) as LambdaHandler | null
    if (target === null) {
      if (load.handler === null) return null
      throw new TypeError(noSuchExport(exports, load.handler))
    }
    setVariables(load)
    const identity = identityOf(load.name)
    const eventOf = await eventOfPayload(load)
    const run = target[STREAMING] === STREAMS_RESPONSE ? stream : answer
    return (call) => {
      const nowMs = Date.now()
      const traceId = newTraceId(nowMs)
      const event = eventOf(call, load.name, traceId, nowMs)
      setTraceId(event.headers['x-amzn-trace-id']!)
      const { body } = call
      if (body.isAbsent) return run(target, call, event, identity, nowMs)
      if (!body.isWhole) {
        return body.collect(Number(event.headers['content-length'] ?? 0)).then((bytes) => {
          setBody(event, bytes)
          return run(target, call, event, identity, nowMs)
        })
      }
      setBody(event, body.takeToRead())
      return run(target, call, event, identity, nowMs)
    }
  },
}

function answer(target: LambdaHandler, call: Call, event: Event, identity: FunctionIdentity, nowMs: number) {
  const answering = new Answering(call, identity, nowMs)
  let result: unknown
  try {
    result = target(event, answering.context, answering.callback)
  } catch (error) {
    // After its callback it counts for nothing.
    return answering.fail(error)
  }
  if (typeof (result as PromiseLike<unknown> | null)?.then === 'function') {
    return (result as PromiseLike<unknown>).then(
      (value) => answering.succeed(value),
      (error: unknown) => answering.fail(error),
    )
  }
  // Its callback is still to come. A function that does nothing more without calling it has answered with null; that
  // it forgot the word async is likelier where what it returned is an answer.
  if (!answering.isAnswered) whenLoopIsEmpty(() => answering.succeed(isAnswer(result) ? result : null))
}

function isAnswer(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'statusCode' in result
}

function stream(target: LambdaHandler, call: Call, event: Event, identity: FunctionIdentity, nowMs: number) {
  const highWaterMark = target[HIGH_WATER_MARK]
  const response = new ResponseStream(call, typeof highWaterMark === 'number' ? highWaterMark : undefined)
  const { context } = new Answering(call, identity, nowMs)
  try {
    const result = (target as unknown as StreamingHandler)(event, response, context)
    return Promise.resolve(result).then(
      () => expectEnd(response),
      (error: Error) => void response.destroy(error),
    )
  } catch (error) {
    response.destroy(error as Error)
  }
}

function identityOf(functionName: string): FunctionIdentity {
  const { env } = process
  return {
    functionName,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION!,
    invokedFunctionArn: `arn:aws:lambda:${env.AWS_REGION}:${ACCOUNT_ID}:function:${functionName}`,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE!,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME!,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME!,
  }
}

const traceTail = randomBytes(8).toString('hex')
let traceCount = 0

/** `Root=1-<seconds>-<24 digits>`, different for each call. */
function newTraceId(nowMs: number): string {
  traceCount = (traceCount + 1) >>> 0
  const count = traceCount.toString(16).padStart(8, '0')
  return `Root=1-${Math.floor(nowMs / 1_000).toString(16)}-${traceTail}${count};Sampled=0`
}
