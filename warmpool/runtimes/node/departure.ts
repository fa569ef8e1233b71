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

/** To be called before any user code is loaded. All other unhandled rejections end the process, as Node has it. */
export function letDeparturesGo(): void {
  process.on('unhandledRejection', (reason) => {
    const isOwn = typeof reason === 'object' && reason !== null && own.has(reason)
    // A listener of the function's own means that it takes care of them.
    if (isOwn || process.listenerCount('unhandledRejection') > 1) return
    throw reason
  })
}
