/**
 * Problem documents (RFC 9457): the one shape in which the gateway tells a caller that something went wrong, and the
 * closed list of what can go wrong. A call site names a code and adds what happened; status, title and whose fault it
 * is follow from the table, so that they cannot differ between two places.
 */

export const PROBLEM_CONTENT_TYPE = 'application/problem+json'

/** Who can do something about it: whoever called, whoever wrote the function, or whoever runs the gateway. */
export type Fault = 'caller' | 'function' | 'platform'

interface ProblemKind {
  readonly status: number
  readonly fault: Fault
  readonly title: string
}

export const PROBLEMS = {
  'malformed-request': { status: 400, fault: 'caller', title: 'The request is malformed' },
  unauthorized: { status: 401, fault: 'caller', title: 'A valid token is required' },
  forbidden: { status: 403, fault: 'caller', title: 'The request is not allowed here' },
  'not-found': { status: 404, fault: 'caller', title: 'There is nothing at this address' },
  'method-not-allowed': { status: 405, fault: 'caller', title: 'This address does not take that method' },
  'name-taken': { status: 409, fault: 'caller', title: 'The name is that of another function' },
  'unacceptable-upload': { status: 422, fault: 'caller', title: 'The uploaded folder is not accepted' },
  'upload-too-large': { status: 413, fault: 'caller', title: 'The uploaded folder is too large' },
  'request-timeout': { status: 408, fault: 'caller', title: 'The request took too long to arrive' },
  'body-too-large': { status: 413, fault: 'caller', title: 'The request body is too large' },
  'target-too-long': { status: 414, fault: 'caller', title: 'The request target is too long' },
  'expectation-failed': { status: 417, fault: 'caller', title: 'The expectation cannot be met' },
  'too-many-guesses': { status: 429, fault: 'caller', title: 'Too many wrong tokens came from this address' },
  'headers-too-large': { status: 431, fault: 'caller', title: 'The request headers are too large' },
  'not-implemented': { status: 501, fault: 'platform', title: 'The request asks for what is not implemented here' },
  'version-not-supported': { status: 505, fault: 'platform', title: 'This version of HTTP is not spoken here' },
  'handler-threw': { status: 500, fault: 'function', title: 'The function threw an error' },
  'not-a-response': { status: 502, fault: 'function', title: 'The function did not return a response' },
  'wrong-content-length': { status: 502, fault: 'function', title: 'The function sent a wrong content-length' },
  'response-headers-too-large': {
    status: 502,
    fault: 'function',
    title: "The function's response headers are too large",
  },
  'response-aborted': { status: 502, fault: 'function', title: 'The function broke off its response' },
  'worker-died': { status: 502, fault: 'function', title: 'The worker died while it ran the function' },
  'worker-broke-protocol': { status: 502, fault: 'function', title: 'The worker sent what it may not send' },
  'response-too-large': { status: 502, fault: 'function', title: "The function's response is too large" },
  'out-of-memory': { status: 502, fault: 'function', title: 'The function needed more memory than it may' },
  'too-many-processes': { status: 502, fault: 'function', title: 'The function started more processes than it may' },
  'out-of-disk': { status: 502, fault: 'function', title: 'The function wrote more to disk than it may' },
  'out-of-cpu-time': { status: 504, fault: 'function', title: 'The function used more processor time than it may' },
  'stream-timeout': { status: 504, fault: 'function', title: 'The function stopped in the middle of its response' },
  timeout: { status: 504, fault: 'function', title: 'The function ran past its timeout' },
  'build-failed': { status: 503, fault: 'function', title: 'The function does not build' },
  'not-stored': { status: 503, fault: 'platform', title: 'The function could not be stored' },
  'bundler-lost': { status: 503, fault: 'platform', title: 'The bundler ended while it built the function' },
  'init-failed': { status: 503, fault: 'function', title: 'The function fails to load' },
  'crash-loop': { status: 503, fault: 'function', title: 'The function keeps crashing' },
  'health-failed': { status: 503, fault: 'function', title: 'The function does not answer its health check well' },
  corrupted: { status: 503, fault: 'platform', title: 'What was stored of the function is damaged' },
  'secret-missing': { status: 503, fault: 'platform', title: 'The function lacks a secret' },
  'boot-failed': { status: 503, fault: 'platform', title: 'No worker could be started' },
  'too-many-connections': { status: 503, fault: 'platform', title: 'Too many connections are open' },
  'queue-full': { status: 503, fault: 'platform', title: 'Too many requests are waiting' },
  'queue-timeout': { status: 503, fault: 'platform', title: 'No worker became free in time' },
  shutdown: { status: 503, fault: 'platform', title: 'The gateway is shutting down' },
  internal: { status: 500, fault: 'platform', title: 'The gateway failed' },
} as const satisfies Readonly<Record<string, ProblemKind>>

export type ProblemCode = keyof typeof PROBLEMS

export interface Problem extends ProblemKind {
  /** Stable: programs may branch on it. */
  readonly code: ProblemCode
  /** One or two sentences for a person: what happened this time, and what to do. Never a stack trace. */
  readonly detail: string
  /** The id of the invocation it happened in, when there was one. */
  readonly invocation?: string | undefined
}

/** A problem of a known kind, with what is particular to this occurrence. */
export function problem(code: ProblemCode, occurrence: Pick<Problem, 'detail' | 'invocation'>): Problem {
  return { ...PROBLEMS[code], code, detail: occurrence.detail, invocation: occurrence.invocation }
}

/** The document as JSON. The order of its members is part of what tests and people may rely on. */
export function renderProblem({ title, status, detail, code, fault, invocation }: Problem): string {
  return JSON.stringify({ type: `urn:wrangler-free:problem:${code}`, title, status, detail, code, fault, invocation })
}
