/**
 * What `@vercel/functions` finds under its symbol while a function runs: `waitUntil` of the call that asks. The call
 * is known by the asynchronous context, so that several at once each have their own.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Call } from '../call.ts'
import { setOwn } from './own-values.ts'

const REQUEST_CONTEXT = Symbol.for('@vercel/request-context')

const calls = new AsyncLocalStorage<Call>()

/** Only what is asked for is made. */
class RequestContext {
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
  }

  get waitUntil(): (promise: unknown) => void {
    return (promise) => this.#call.waitUntil(promise)
  }

  get url(): string {
    return this.#call.lines[2]!
  }

  get headers(): Record<string, string> {
    const { lines } = this.#call
    const headers: Record<string, string> = {}
    for (let at = 3; at + 1 < lines.length; at += 2) setOwn(headers, lines[at]!, lines[at + 1]!)
    return headers
  }
}

Object.assign(globalThis, {
  [REQUEST_CONTEXT]: {
    get(): RequestContext | undefined {
      const call = calls.getStore()
      return call && new RequestContext(call)
    },
  },
})

export function inContext<Given>(call: Call, run: (call: Call, given: Given) => unknown, given: Given): unknown {
  return calls.run(call, run, call, given)
}
