/**
 * The contract of OpenFaaS's Node templates (node18 and later): `module.exports = async (event, context[, callback])`.
 * What it returns is the answer, unless it called `context.succeed`, `context.fail` or the callback before.
 */
import type { Call } from '../call.ts'
import type { Format, Handler } from './format.ts'
import { FunctionContext } from './openfaas-context.ts'
import { type FunctionEvent, functionEvent, setBody } from './openfaas-event.ts'

type Target = (event: FunctionEvent, context: FunctionContext, callback: FunctionContext['cb']) => unknown

export const openfaasFormat: Format = {
  name: 'openfaas',
  concurrency: null,
  expects: 'module.exports = async (event, context) => context.status(200).succeed(…)',
  isMarked: () => false,
  handler(exports, { env }): Handler | null {
    const target = exports.default
    if (typeof target !== 'function') return null
    const isRaw = env.RAW_BODY === 'true'
    return (call) => {
      const event = functionEvent(call)
      const { body } = call
      if (body.isAbsent) return run(target as Target, call, event)
      if (body.isWhole) return runWith(target as Target, call, event, body.takeToRead(), isRaw)
      const announcedBytes = Number(event.headers['content-length'] ?? 0)
      return body.collect(announcedBytes).then((bytes) => runWith(target as Target, call, event, bytes, isRaw))
    }
  },
}

function runWith(target: Target, call: Call, event: FunctionEvent, bytes: Buffer, isRaw: boolean): unknown {
  const mistake = setBody(event, bytes, isRaw)
  if (mistake === null) return run(target, call, event)
  return call.answer(400, 'content-type\ntext/plain; charset=utf-8', mistake)
}

function run(target: Target, call: Call, event: FunctionEvent): unknown {
  const context = new FunctionContext(call)
  const result = target(event, context, context.cb)
  if (typeof (result as PromiseLike<unknown> | null)?.then === 'function') {
    return (result as PromiseLike<unknown>).then((value) => context.returned(value))
  }
  // Where it takes a callback and has nothing to return, that is how it will answer.
  if (result !== undefined || target.length < 3) context.returned(result)
}
