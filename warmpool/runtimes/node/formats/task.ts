/** `export default (input, ctx) => output`: JSON or bytes in and out. What the pool library runs; never inferred. */
import { Context } from '../context.ts'
import type { Format, Handler } from './format.ts'

type Task = (input: unknown, ctx: Context) => unknown

export const taskFormat: Format = {
  name: 'task',
  concurrency: null,
  expects: 'export default (input, ctx) => output',
  isMarked: () => false,
  handler(exports, env): Handler | null {
    const task = exports.default
    if (typeof task !== 'function') return null
    return async (call) => call.respondValue(await (task as Task)(await call.value(), new Context(call, env)))
  },
}
