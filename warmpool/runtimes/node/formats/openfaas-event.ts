/**
 * The event of an OpenFaaS invocation: what the template's Express application makes of a request. Texts, JSON and
 * forms come parsed, and so does everything that says nothing of its type, as text; other bodies come as bytes.
 */
import type { Call } from '../call.ts'
import { type NestedValues, nestedValues } from './nested-values.ts'
import { setOwn } from './own-values.ts'

/** The head's lines: invocation id, method, target, then name and value in turn. */
const FIRST_HEADER_LINE = 3
const JSON_TYPE = /^application\/json\s*(?:;|$)/i
const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(?:;|$)/i
const TEXT_TYPE = /^text\//i
const LATIN1 = /;\s*charset\s*=\s*"?(?:iso-8859-1|latin1|us-ascii)\b/i

export interface FunctionEvent {
  body: unknown
  readonly headers: Record<string, string>
  readonly method: string
  readonly query: NestedValues
  readonly path: string
}

export function functionEvent(call: Call): FunctionEvent {
  const { lines } = call
  const target = lines[2]!
  const queryAt = target.indexOf('?')
  const headers: Record<string, string> = {}
  for (let at = FIRST_HEADER_LINE; at + 1 < lines.length; at += 2) {
    const name = lines[at]!
    const earlier: unknown = headers[name]
    // Never a string where it is only what every object inherits.
    const isMore = typeof earlier === 'string'
    setOwn(headers, name, isMore ? `${earlier}${name === 'cookie' ? '; ' : ', '}${lines[at + 1]!}` : lines[at + 1]!)
  }
  headers['content-type'] ??= 'text/plain'
  return {
    body: {},
    headers,
    method: lines[1]!,
    query: queryAt === -1 ? {} : nestedValues(target.slice(queryAt + 1)),
    path: queryAt === -1 ? target : target.slice(0, queryAt),
  }
}

/**
 * Returns what is wrong with the body, or null. `isRaw`: the function wants the bytes, whatever they are. The bytes may
 * lie in borrowed memory.
 */
export function setBody(event: FunctionEvent, bytes: Buffer, isRaw: boolean): string | null {
  if (bytes.length === 0) return null
  const type = event.headers['content-type']!
  if (isRaw || !(TEXT_TYPE.test(type) || JSON_TYPE.test(type) || FORM_TYPE.test(type))) {
    event.body = Buffer.from(bytes)
    return null
  }
  const text = bytes.toString(LATIN1.test(type) ? 'latin1' : 'utf8')
  if (TEXT_TYPE.test(type)) event.body = text
  else if (FORM_TYPE.test(type)) event.body = nestedValues(text)
  else {
    try {
      event.body = JSON.parse(text)
    } catch (error) {
      return `The body is not the JSON that it says it is: ${(error as Error).message}`
    }
  }
  return null
}
