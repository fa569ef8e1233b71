/**
 * Responses that came from `fetch` and go on to the caller. Node decodes such a body but leaves `content-encoding` and
 * `content-length` as the origin sent them, so passing both on would give the caller a body that its headers belie.
 * Here is told which headers are outdated; whoever looks at the fetched response still sees them.
 */
import type { Content } from './body.ts'
import type { NativeResponse, NativeWeb, ResponseBody } from './native.ts'

/** The codings that Node's `fetch` takes off. It takes off all or, if one is unknown, none. */
const TAKEN_OFF = new Set(['gzip', 'x-gzip', 'deflate', 'br', 'zstd'])

/** How content in these codings begins. */
const MARKS: ReadonlyMap<string, readonly number[]> = new Map([
  ['gzip', [0x1f, 0x8b]],
  ['x-gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
])

const ENCODING_AND_LENGTH = ['content-encoding', 'content-length']
export const CONTENT_LENGTH: readonly string[] = ['content-length']
export const NONE: readonly string[] = []

/** Bodies and headers that somebody took off a decoded response. */
const decoded = new WeakSet<object>()

/** What a response that goes to the caller as it is must not say. */
export function outdatedInFetched(response: NativeResponse): readonly string[] {
  return isDecoded(response.url, response.body, response.headers) ? ENCODING_AND_LENGTH : NONE
}

/** What a response made of parts of another one must not say. */
export function outdatedInCopy(body: ResponseBody | undefined, init: ResponseInit, isCopy: boolean): readonly string[] {
  if (isMarked(body) || isMarked(init.headers)) return ENCODING_AND_LENGTH
  if (!isCopy || body === null || body === undefined) return NONE
  // The length is that of the other body.
  return body instanceof ReadableStream && body === (init as NativeResponse).body ? NONE : CONTENT_LENGTH
}

/**
 * What the headers say of a body that lies here whole, and that is not so: as on Workers, its length is counted anew, and
 * a coding that it does not have is not named. Headers that were copied from another response often say such things.
 */
export function beliedBy(content: Content, headers: readonly string[] | Headers): readonly string[] {
  const coding = valueIn(headers, 'content-encoding')
  const length = valueIn(headers, 'content-length')
  if (coding !== null && !isCoded(content, coding.trim().toLowerCase())) return ENCODING_AND_LENGTH
  // An empty answer may be one to HEAD that says how long one to GET is.
  if (length === null || content.length === 0) return NONE
  const bytes = typeof content === 'string' ? Buffer.byteLength(content) : content.length
  return length === String(bytes) ? NONE : CONTENT_LENGTH
}

function valueIn(headers: readonly string[] | Headers, name: string): string | null {
  if (!Array.isArray(headers)) return (headers as Headers).get(name)
  for (let at = 0; at < headers.length; at += 2) if (headers[at] === name) return headers[at + 1]!
  return null
}

/** Text is never coded. Bytes are, unless their coding has a mark at its beginning and they do not. */
function isCoded(content: Content, coding: string): boolean {
  if (typeof content === 'string') return !coding.split(',').some((one) => TAKEN_OFF.has(one.trim()))
  const mark = MARKS.get(coding)
  return mark === undefined || mark.every((byte, at) => content[at] === byte)
}

function isMarked(value: unknown): boolean {
  return typeof value === 'object' && value !== null && decoded.has(value)
}

function isDecoded(url: string | undefined, body: unknown, headers: Headers): boolean {
  // A response to HEAD, or without a body by its status, describes what was not sent.
  if (!url || body === null) return false
  const codings = headers.get('content-encoding')
  return codings?.split(',').every((coding) => TAKEN_OFF.has(coding.trim().toLowerCase())) ?? false
}

/** Where the getters of a response can be replaced, they tell; Bun has them fixed, and {@link markFetched} tells. */
let isToldByGetters = false

/** To be called with what `fetch` gives. */
export function markFetched(response: NativeResponse): NativeResponse {
  if (isToldByGetters || !isDecoded(response.url, NONE, response.headers) || response.body === null) return response
  decoded.add(response.body).add(response.headers)
  return response
}

/** From now on `body` and `headers` of a decoded response are known when they come back without it. */
export function markFetchedResponses({ Response }: NativeWeb): void {
  const { prototype } = Response
  const descriptors = Object.getOwnPropertyDescriptors(prototype)
  isToldByGetters = descriptors.body.configurable === true
  if (!isToldByGetters) return
  const readBody = descriptors.body.get!
  const readHeaders = descriptors.headers.get!
  const readUrl = descriptors.url.get!
  const mark = (response: NativeResponse, part: object | null): object | null => {
    if (part !== null && isDecoded(readUrl.call(response), readBody.call(response), readHeaders.call(response))) {
      decoded.add(part)
    }
    return part
  }
  Object.defineProperties(prototype, {
    body: {
      ...descriptors.body,
      get(this: NativeResponse) {
        return mark(this, readBody.call(this))
      },
    },
    headers: {
      ...descriptors.headers,
      get(this: NativeResponse) {
        return mark(this, readHeaders.call(this))
      },
    },
  })
}
