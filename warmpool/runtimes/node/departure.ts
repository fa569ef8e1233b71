/**
 * The errors with which this runtime ends what a handler may still be reading or awaiting when its call is over. A
 * handler that does not look is no reason to end the worker, and the other calls in it: unlike every other rejection
 * that nobody handles, these are let go.
 */

const own = new WeakSet<object>()

/** The caller has left: `request.signal` aborts with it, and reading the body fails with it. */
export function callerLeft(): DOMException {
  return marked(new DOMException('The caller has left', 'AbortError'))
}

/** The response was given: the rest of the request is not waited for. One for all, since every call ends. */
export const CALL_ENDED = marked(new Error('The invocation has ended'))

function marked<T extends Error>(error: T): T {
  own.add(error)
  return error
}

/** True of the errors above: a handler that does not look at them has done nothing wrong. */
export function isDeparture(reason: unknown): boolean {
  return typeof reason === 'object' && reason !== null && own.has(reason)
}
