/** Addresses of a running gateway as people give them, and the words for one at which nothing answers. */
import { CommandError, EXIT } from './exit-codes.ts'

/** Reads `http://host:port[/prefix]`; what was meant by `text` is named by `option` in the error. */
export function parseAddress(text: string, option: string): URL {
  const url = URL.parse(text)
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url
  throw new CommandError(EXIT.usage, `${option} must be a URL such as http://127.0.0.1:8787, not "${text}".`)
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection is refused',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the host name cannot be looked up',
  ECONNRESET: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'the connection timed out',
  TimeoutError: 'it does not answer in time',
}

/** The error for a request that failed before its answer began, `fetch`'s wrapped ones included. */
export function nothingAnswers(url: URL, error: unknown): CommandError {
  const message = `Nothing answers at ${url.origin}: ${reason(error)}. Is \`wrangler-free serve\` running?`
  return new CommandError(EXIT.unavailable, message, { cause: error })
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = (error as NodeJS.ErrnoException).code
  // Happy eyeballs: one error for all addresses of a name, each with its own cause.
  if (error instanceof AggregateError && typeof code !== 'string') return reason(error.errors[0])
  const known = REASONS[typeof code === 'string' ? code : error.name]
  if (known) return known
  return error.cause === undefined ? error.message : reason(error.cause)
}
