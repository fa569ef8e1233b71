/**
 * Headers in both directions. Towards the function: lower-case names, nothing that belongs to one connection only,
 * nothing that the gateway says itself. Towards the caller: names and values are checked (a worker is not trusted to
 * write well-formed HTTP), connection headers are dropped. Answers of one function are mostly alike, so a checked head
 * is remembered.
 */

/** Of one connection, never passed on (RFC 9110, 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Said by the gateway itself: the caller's word is read where it is wanted, and not passed on as it is. */
const OWN = new Set(['x-forwarded-prefix'])

/**
 * What proxies say of the caller, besides every `x-forwarded-…`: a function that believes it must not hear it from the
 * caller itself. Passed on only where a proxy is trusted.
 */
const OF_PROXIES = new Set([
  'cf-connecting-ip',
  'fastly-client-ip',
  'forwarded',
  'true-client-ip',
  'x-azure-clientip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-nf-client-connection-ip',
  'x-original-forwarded-for',
  'x-real-ip',
  'x-vercel-forwarded-for',
])

/** Headers that the gateway reads itself. */
const READ = [
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'expect',
  'x-request-id',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
] as const

type Treatment = 'pass' | 'drop' | 'of-proxies' | (typeof READ)[number]

interface KnownName {
  readonly lower: string
  readonly treatment: Treatment
}

/** Names as callers write them, so that most are never lower-cased twice. Bounded: callers choose these names. */
const known = new Map<string, KnownName>()
const MOST_KNOWN = 1_000

function lookUp(name: string): KnownName {
  const hit = known.get(name)
  if (hit !== undefined) return hit
  const lower = name.toLowerCase()
  const found = { lower, treatment: treatmentOf(lower) }
  if (known.size < MOST_KNOWN) known.set(name, found)
  return found
}

function treatmentOf(lower: string): Treatment {
  const read = READ.find((name) => name === lower)
  if (read !== undefined) return read
  if (HOP_BY_HOP.has(lower) || OWN.has(lower)) return 'drop'
  return lower.startsWith('x-forwarded-') || OF_PROXIES.has(lower) ? 'of-proxies' : 'pass'
}

const CLOSE = /(?:^|[\t ,])close(?:$|[\t ,])/i
const KEEP_ALIVE = /(?:^|[\t ,])keep-alive(?:$|[\t ,])/i
/** Tokens other than chunked, and chunked behind them. */
const OTHER_CODINGS = /^(?:(?!chunked[\t ]*,)[\w!#$%&'*+.^`|~-]+[\t ]*,[\t ]*)+chunked$/
const DIGITS = /^\d{1,15}$/

/** What the gateway itself reads of a request's headers. */
export interface RequestHeaders {
  /** Name and value in turn, each line preceded by a newline: the tail of an invocation's head. */
  readonly text: string
  /** The same of what only a trusted proxy may say. */
  readonly ofProxies: string
  /** null when there is none. */
  readonly host: string | null
  readonly hostCount: number
  /** null when none was given. */
  readonly contentLength: number | null
  /** More than one, or one that is no number. */
  readonly hasBadLength: boolean
  readonly isChunked: boolean
  /** Its transfer-encoding does not end with chunked, or has it more than once, or is no list of codings. */
  readonly hasBadCoding: boolean
  /** A transfer-encoding before chunked that the gateway does not undo, such as gzip. */
  readonly hasOtherCoding: boolean
  /** `Connection` says that this request is the last. */
  readonly isClose: boolean
  /** `Connection` says that it is not, which HTTP/1.0 callers have to. */
  readonly isKeepAlive: boolean
  readonly expect: string | null
  readonly requestId: string | null
  readonly forwardedFor: string | null
  readonly forwardedProto: string | null
  readonly forwardedHost: string | null
}

export function readRequestHeaders(raw: readonly string[]): RequestHeaders {
  let text = ''
  let ofProxies = ''
  let host: string | null = null
  let hostCount = 0
  let contentLength: number | null = null
  let hasBadLength = false
  let coding: string | null = null
  let isClose = false
  let isKeepAlive = false
  let expect: string | null = null
  let requestId: string | null = null
  let forwardedFor: string | null = null
  let forwardedProto: string | null = null
  let forwardedHost: string | null = null
  let named: Set<string> | null = null
  for (let at = 0; at < raw.length; at += 2) {
    const value = raw[at + 1]!
    const { lower, treatment } = lookUp(raw[at]!)
    switch (treatment) {
      case 'drop':
        continue
      case 'of-proxies':
        ofProxies += `\n${lower}\n${value}`
        continue
      case 'connection':
        named = namedByConnection(value, named)
        isClose ||= CLOSE.test(value)
        isKeepAlive ||= KEEP_ALIVE.test(value)
        continue
      case 'transfer-encoding':
        coding = coding === null ? value.toLowerCase() : `${coding}, ${value.toLowerCase()}`
        continue
      case 'expect':
        expect = value.toLowerCase()
        continue
      case 'x-request-id':
        requestId = value
        continue
      case 'x-forwarded-for':
        forwardedFor = forwardedFor === null ? value : `${forwardedFor}, ${value}`
        continue
      case 'x-forwarded-proto':
        forwardedProto = value
        continue
      case 'x-forwarded-host':
        forwardedHost = value
        continue
      case 'host':
        host = value
        hostCount++
        break
      case 'content-length':
        hasBadLength ||= contentLength !== null || !DIGITS.test(value)
        contentLength = Number(value)
        // Zeros before it are allowed, and read as another number by some.
        text += `\n${lower}\n${contentLength}`
        continue
    }
    text += `\n${lower}\n${value}`
  }
  if (named !== null) text = withoutNamed(text, named)
  return {
    text,
    ofProxies,
    host,
    hostCount,
    contentLength,
    hasBadLength,
    isChunked: coding !== null,
    hasBadCoding: coding !== null && coding !== 'chunked' && !OTHER_CODINGS.test(coding),
    hasOtherCoding: coding !== null && coding !== 'chunked',
    isClose,
    isKeepAlive,
    expect,
    requestId,
    forwardedFor,
    forwardedProto,
    forwardedHost,
  }
}

/** The same with another `Host`. */
export function withHost(headers: RequestHeaders, host: string): RequestHeaders {
  const lines = headers.text.split('\n')
  let text = `\nhost\n${host}`
  for (let at = 1; at + 1 < lines.length; at += 2) if (lines[at] !== 'host') text += `\n${lines[at]}\n${lines[at + 1]}`
  return { ...headers, text, host }
}

/** Headers that `Connection` declares to be of this connection; null in the usual cases, where it names none. */
function namedByConnection(value: string, before: Set<string> | null): Set<string> | null {
  if (value === 'keep-alive' || value === 'close') return before
  const names = value.split(',').map((name) => name.trim().toLowerCase())
  // Added to, and not made anew: many of these headers would take the square of their number.
  const named = before ?? new Set()
  for (const name of names)
    if (name !== '' && name !== 'keep-alive' && name !== 'close' && name !== 'host') named.add(name)
  return named
}

function withoutNamed(text: string, named: ReadonlySet<string>): string {
  const lines = text.split('\n')
  let kept = ''
  for (let at = 1; at + 1 < lines.length; at += 2)
    if (!named.has(lines[at]!)) kept += `\n${lines[at]}\n${lines[at + 1]}`
  return kept
}

/** A function's response headers, checked. */
export interface ResponseHead {
  /** The lines as they are sent, each with its CRLF. */
  readonly text: string
  /** The function gave a Date of its own. */
  readonly hasDate: boolean
  /** What the function says of its body's length; null when it says nothing. Not in `text`. */
  readonly contentLength: number | null
  /** It is of server-sent events, which go on for as long as there is something to say. */
  readonly isEventStream: boolean
  /** What is wrong with it; then nothing of it may be sent. */
  readonly mistake: {
    readonly code: 'not-a-response' | 'wrong-content-length' | 'response-headers-too-large'
    readonly detail: string
  } | null
}

const NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/i
const EVENT_STREAM = /^text\/event-stream *(?:;|$)/i
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** More would be refused by most callers and by every proxy in front. */
const MAX_HEAD_CHARS = 64 * 1024
const MAX_FIELDS = 256

const checked = new Map<string, ResponseHead>()
const MOST_CHECKED = 512
/** Long heads vary (cookies, tokens): remembering them would only push out the others. */
const LONGEST_CHECKED = 512

/** `head`: name and value in turn, joined by newlines, as a worker sends it. */
export function readResponseHead(head: string): ResponseHead {
  const hit = checked.get(head)
  if (hit !== undefined) return hit
  const read = checkResponseHead(head)
  if (head.length <= LONGEST_CHECKED) {
    if (checked.size >= MOST_CHECKED) checked.clear()
    checked.set(head, read)
  }
  return read
}

function checkResponseHead(head: string): ResponseHead {
  if (head === '') return { text: '', hasDate: false, contentLength: null, isEventStream: false, mistake: null }
  // Before it is taken apart: a worker may send megabytes of line breaks.
  if (head.length > MAX_HEAD_CHARS)
    return mistaken(
      'response-headers-too-large',
      `It sent headers of ${head.length} bytes; at most ${MAX_HEAD_CHARS} are passed on`,
    )
  const lines = head.split('\n')
  if (lines.length % 2 !== 0) return mistaken('not-a-response', 'Its headers hold a line break')
  if (lines.length / 2 > MAX_FIELDS) {
    const found = `${lines.length / 2} headers in ${head.length} bytes`
    return mistaken(
      'response-headers-too-large',
      `It sent ${found}; at most ${MAX_FIELDS} in ${MAX_HEAD_CHARS} are passed on`,
    )
  }
  const fields: string[] = []
  let contentLength: number | null = null
  let named: Set<string> | null = null
  let isEventStream = false
  for (let at = 0; at < lines.length; at += 2) {
    const name = lines[at]!
    const value = lines[at + 1]!
    if (!NAME.test(name) || !VALUE.test(value))
      return mistaken('not-a-response', `Its header "${name.slice(0, 80)}" is not valid HTTP`)
    const lower = name.toLowerCase()
    if (lower === 'content-length') {
      if (!DIGITS.test(value) || (contentLength !== null && contentLength !== Number(value))) {
        return mistaken('wrong-content-length', `It says its length is "${value.slice(0, 80)}"`)
      }
      contentLength = Number(value)
    } else if (lower === 'connection') {
      named = namedByConnection(value, named)
    } else if (!HOP_BY_HOP.has(lower) && lower !== 'x-request-id') {
      fields.push(name, value)
      if (lower === 'content-type') isEventStream = EVENT_STREAM.test(value)
    }
  }
  const kept = named === null ? fields : withoutNamedFields(fields, named)
  return { text: linesOf(kept), hasDate: hasField(kept, 'date'), contentLength, isEventStream, mistake: null }
}

function linesOf(fields: readonly string[]): string {
  let text = ''
  for (let at = 0; at < fields.length; at += 2) text += `${fields[at]}: ${fields[at + 1]}\r\n`
  return text
}

function hasField(fields: readonly string[], lower: string): boolean {
  return fields.some((name, at) => at % 2 === 0 && name.toLowerCase() === lower)
}

function withoutNamedFields(fields: readonly string[], named: ReadonlySet<string>): string[] {
  return fields.filter((_, at) => !named.has(fields[at - (at % 2)]!.toLowerCase()))
}

function mistaken(code: NonNullable<ResponseHead['mistake']>['code'], detail: string): ResponseHead {
  return { text: '', hasDate: false, contentLength: null, isEventStream: false, mistake: { code, detail } }
}
