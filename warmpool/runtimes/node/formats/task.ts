/**
 * `export default (input, ctx) => output`: JSON or bytes in and out. What the pool library runs, and where it is stated,
 * a function over HTTP; never inferred.
 */
import type { Call } from '../call.ts'
import { Context } from '../context.ts'
import type { Format, Handler } from './format.ts'

type Task = (input: unknown, ctx: Context) => unknown
export type Run = (input: unknown) => unknown

export const taskFormat: Format = {
  name: 'task',
  concurrency: null,
  isContaining: true,
  expects: 'export default (input, ctx) => output',
  isMarked: () => false,
  handler(exports, { env }): Handler | null {
    const task = exports.default
    if (typeof task !== 'function') return null
    return (call) => {
      const ctx = new Context(call, env)
      if (!call.isOfValue) return overHttp(call, (input) => (task as Task)(input, ctx))
      const run = (input: unknown): unknown =>
        whenThere((task as Task)(input, ctx), (output) => call.respondValue(output))
      return whenThere(call.value(), run)
    }
  },
}

async function overHttp(call: Call, run: Run): Promise<void> {
  const { answerTask } = await import('./task-over-http.ts')
  return answerTask(call, run)
}

/** Goes on with a value at once, or with what a promise becomes: most tasks need no promise at all. */
function whenThere(value: unknown, next: (value: unknown) => unknown): unknown {
  if (typeof (value as PromiseLike<unknown> | null)?.then !== 'function') return next(value)
  return (value as PromiseLike<unknown>).then(next)
}
