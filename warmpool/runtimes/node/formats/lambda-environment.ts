/**
 * What a Lambda function finds around it before its first line runs: the global `awslambda`, which modules use while
 * they are loaded to mark streaming handlers, and the variables of its environment. What the function's own settings
 * say of a variable stays.
 */
import type { Load } from '../../../wire/messages.ts'

export const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')
export const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')
export const STREAMS_RESPONSE = 'response'
/** Of a stream that begins with status and headers as JSON, then eight zero bytes. */
export const PRELUDE_TYPE = 'application/vnd.awslambda.http-integration-response'
export const PRELUDE_END_BYTES = 8

const TRACE_ID = '_X_AMZN_TRACE_ID'
const MEBIBYTE = 1024 * 1024

type Marked = Record<symbol, unknown>

/** What is asked of a stream to give it a prelude; wrappers of a response stream hand these two through. */
interface Preludable {
  setContentType(type: string): void
  _onBeforeFirstWrite?: (write: (bytes: string | Uint8Array) => void) => void
}

const awslambda = {
  streamifyResponse<Handler extends object>(handler: Handler, options?: { readonly highWaterMark?: number }): Handler {
    const marked = handler as Marked
    marked[STREAMING] = STREAMS_RESPONSE
    if (typeof options?.highWaterMark === 'number') marked[HIGH_WATER_MARK] = options.highWaterMark
    return handler
  },
  HttpResponseStream: {
    from<Stream extends Preludable>(stream: Stream, prelude: unknown): Stream {
      stream.setContentType(PRELUDE_TYPE)
      const json = JSON.stringify(prelude)
      stream._onBeforeFirstWrite = (write) => {
        write(json)
        write(new Uint8Array(PRELUDE_END_BYTES))
      }
      return stream
    },
  },
}

let traceId: string | undefined
let isTraceIdHeld = false

/** What the variable `_X_AMZN_TRACE_ID` says during this call. */
export function setTraceId(id: string): void {
  traceId = id
}

/**
 * The trace id is a variable to whoever asks for it, and not to the system: the C library keeps every value that a
 * variable ever had, 200 bytes a call for the worker's whole life, and takes longer the more there are.
 */
function holdTraceId(): void {
  if (isTraceIdHeld) return
  isTraceIdHeld = true
  const { env } = process
  // Whoever lists all variables is to find it.
  env[TRACE_ID] = ''
  process.env = new Proxy(env, {
    get: (variables, name) => (name === TRACE_ID ? traceId : variables[name as string]),
    set(variables, name, value) {
      if (name === TRACE_ID) traceId = String(value)
      else variables[name as string] = value
      return true
    },
  })
}

/** To be called before the function's module is loaded. The variables come only for what is known to be of Lambda's. */
export function prepareLambda(load: Load): void {
  const value = awslambda
  Object.defineProperty(globalThis, 'awslambda', { value, configurable: true, writable: true, enumerable: false })
  if (load.format === 'lambda') setVariables(load)
}

export function setVariables(load: Load): void {
  const { env } = process
  env.AWS_REGION ??= env.AWS_DEFAULT_REGION ?? 'us-east-1'
  env.AWS_DEFAULT_REGION ??= env.AWS_REGION
  env.AWS_EXECUTION_ENV ??= `AWS_Lambda_nodejs${process.versions.node.split('.', 1)[0]}.x`
  env.AWS_LAMBDA_FUNCTION_NAME ??= load.name
  env.AWS_LAMBDA_FUNCTION_VERSION ??= '$LATEST'
  env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ??= String(memoryMebibytes(load))
  env.AWS_LAMBDA_INITIALIZATION_TYPE ??= 'on-demand'
  env.AWS_LAMBDA_LOG_GROUP_NAME ??= `/aws/lambda/${load.name}`
  env.AWS_LAMBDA_LOG_STREAM_NAME ??= `${today()}/[$LATEST]${process.pid.toString(16).padStart(32, '0')}`
  env.LAMBDA_TASK_ROOT ??= process.cwd()
  env._HANDLER ??= load.handler?.includes('.') ? load.handler : `index.${load.handler ?? 'handler'}`
  // Dates in local time are in UTC there.
  env.TZ ??= 'UTC'
  holdTraceId()
}

/** Without a limit, all there is. */
function memoryMebibytes({ memoryBytes }: Load): number {
  return Math.floor((memoryBytes ?? process.getBuiltinModule('node:os').totalmem()) / MEBIBYTE)
}

function today(): string {
  return new Date().toISOString().slice(0, 10).replaceAll('-', '/')
}
