/**
 * The context of a Lambda invocation, and the callback beside it. Its methods need no `this`, for handlers take them off
 * and wrappers spread it. The first answer counts, by whatever way it came.
 */
import type { Call } from '../call.ts'
import { lookAtLoop, whenLoopIsEmpty } from '../empty-loop.ts'
import { lambdaAnswer } from './lambda-result.ts'

/** What `getRemainingTimeInMillis` says of calls without a limit: the longest that Lambda lets a function run. */
const LONGEST_MS = 900_000

export type Callback = (error?: unknown, result?: unknown) => void

export interface LambdaContext {
  callbackWaitsForEmptyEventLoop: boolean
  readonly functionName: string
  readonly functionVersion: string
  readonly invokedFunctionArn: string
  readonly memoryLimitInMB: string
  readonly awsRequestId: string
  readonly logGroupName: string
  readonly logStreamName: string
  readonly identity: undefined
  readonly clientContext: undefined
  getRemainingTimeInMillis(): number
  done(error?: unknown, result?: unknown): void
  fail(error: unknown): void
  succeed(result?: unknown): void
}

/** What all invocations of a function share. */
export type FunctionIdentity = Pick<
  LambdaContext,
  'functionName' | 'functionVersion' | 'invokedFunctionArn' | 'memoryLimitInMB' | 'logGroupName' | 'logStreamName'
>

/** One invocation's way to its answer. */
export class Answering {
  readonly callback: Callback = (error, result) => {
    if (this.isAnswered) return
    if (error !== undefined && error !== null) return this.fail(error)
    if (!this.context.callbackWaitsForEmptyEventLoop) return this.succeed(result)
    this.isAnswered = true
    this.#awaitLoop(result)
  }
  readonly context: LambdaContext
  isAnswered = false
  readonly #call: Call

  constructor(call: Call, identity: FunctionIdentity, nowMs: number) {
    this.#call = call
    const { timeLeftMs } = call
    this.context = {
      callbackWaitsForEmptyEventLoop: true,
      functionName: identity.functionName,
      functionVersion: identity.functionVersion,
      invokedFunctionArn: identity.invokedFunctionArn,
      memoryLimitInMB: identity.memoryLimitInMB,
      awsRequestId: call.invocationId,
      logGroupName: identity.logGroupName,
      logStreamName: identity.logStreamName,
      identity: undefined,
      clientContext: undefined,
      getRemainingTimeInMillis: () => (timeLeftMs === 0 ? LONGEST_MS : nowMs + timeLeftMs - Date.now()),
      done: (error, result) => {
        if (error === undefined || error === null) this.succeed(result)
        else this.fail(error)
      },
      fail: (error) => this.fail(error ?? 'handled'),
      succeed: (result) => this.succeed(result),
    }
  }

  /**
   * Work that was begun and not awaited belongs to this call, as its function counts on. Where the loop ends with this
   * turn, as it mostly does, the answer and the slot go back together; else the answer need not wait for the work.
   */
  #awaitLoop(result: unknown): void {
    let isEmpty = false
    let settle: (() => void) | null = null
    whenLoopIsEmpty(() => {
      isEmpty = true
      if (settle === null) this.#answer(result)
      else settle()
    })
    setImmediate(() => {
      if (isEmpty || lookAtLoop() !== 'busy') return
      this.#call.waitUntil(new Promise<void>((resolve) => (settle = resolve)))
      this.#answer(result)
    })
  }

  succeed(result: unknown): void {
    if (this.isAnswered) return
    this.isAnswered = true
    this.#answer(result)
  }

  #answer(result: unknown): void {
    try {
      const { status, head, body } = lambdaAnswer(result, this.#call.lines[1] === 'HEAD')
      this.#call.answer(status, head, body)
    } catch (error) {
      this.#call.fail('not-a-response', error)
    }
  }

  fail(error: unknown): void {
    if (this.isAnswered) return
    this.isAnswered = true
    this.#call.fail('handler-threw', error)
  }
}
