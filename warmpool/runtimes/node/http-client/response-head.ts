/**
 * Heads of a program's responses, read strictly (RFC 9112): what could be understood in two ways is refused, since the
 * bytes behind it would be taken for something else. Heads of one program are mostly alike, so a read one is remembered.
 */

/** Where the body ends: there is none, after so many bytes, with the last chunk, or with the connection. */
export type Framing = 'length' | 'chunked' | 'close'

export interface ResponseHead {
  readonly status: number
  /** Names and values in turn, joined by newlines, without what belongs to the connection. */
  readonly text: string
  readonly framing: Framing
  /** With framing `length`. */
  readonly lengthBytes: number
  /** The connection may be used again after the body. */
  readonly isKeepAlive: boolean
  /** For how long it then stays open, if it says so. */
  readonly keepAliveMs: number | null
  /** What is wrong with it; nothing else of it counts then. */
  readonly mistake: string | null
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/
const FIELD = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/
const DIGITS = /^\d{1,15}$/
const TIMEOUT = /(?:^|[,; ])timeout=(\d{1,6})/i
const MOST_FIELDS = 256

/** Of one connection, never passed on (RFC 9110, 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const known = new Map<string, ResponseHead>()
const MOST_KNOWN = 256
/** Long heads vary (cookies, tokens): remembering them would only push out the others. */
const LONGEST_KNOWN_CHARS = 1024

/** `head`: everything before the empty line, as Latin-1. */
export function readResponseHead(head: string): ResponseHead {
  const hit = known.get(head)
  if (hit !== undefined) return hit
  const read = parse(head)
  if (head.length <= LONGEST_KNOWN_CHARS) {
    if (known.size >= MOST_KNOWN) known.clear()
    known.set(head, read)
  }
  return read
}

function parse(head: string): ResponseHead {
  const lines = head.split('\r\n')
  const first = STATUS_LINE.exec(lines[0]!)
  if (first === null) return mistaken(`its first line is ${shown(lines[0]!)}, not "HTTP/1.1 200 OK" or the like`)
  if (lines.length - 1 > MOST_FIELDS)
    return mistaken(`it has ${lines.length - 1} headers, at most ${MOST_FIELDS} are read`)
  const fields: string[] = []
  const connection = new Set<string>()
  let length: string | null = null
  let coding: string | null = null
  let keepAliveMs: number | null = null
  for (const line of lines.slice(1)) {
    const field = FIELD.exec(line)
    if (field === null) return mistaken(`one of its headers is ${shown(line)}`)
    const [, name, value] = field as unknown as [string, string, string]
    const lower = name.toLowerCase()
    if (lower === 'content-length') {
      if (!DIGITS.test(value) || (length !== null && length !== value))
        return mistaken(`its content-length is ${shown(length === null ? value : `${length}, ${value}`)}`)
      // Said twice, it is said once.
      if (length !== null) continue
      length = value
    } else if (lower === 'transfer-encoding') {
      coding = coding === null ? value.toLowerCase() : `${coding}, ${value.toLowerCase()}`
    } else if (lower === 'connection') {
      for (const option of value.split(',')) connection.add(option.trim().toLowerCase())
    } else if (lower === 'keep-alive') {
      const seconds = TIMEOUT.exec(value)?.[1]
      keepAliveMs = seconds === undefined ? null : Number(seconds) * 1000
    }
    fields.push(lower, value)
  }
  if (coding !== null && coding !== 'chunked')
    return mistaken(`its transfer-encoding is ${shown(coding)}, not "chunked"`)
  if (coding !== null && length !== null) return mistaken('it has both a content-length and a transfer-encoding')
  if (coding !== null && first[1] === '0') return mistaken('it has a transfer-encoding, which HTTP/1.0 does not know')
  const isKeepAlive = first[1] === '1' ? !connection.has('close') : connection.has('keep-alive')
  return {
    status: Number(first[2]),
    text: passedOn(fields, connection),
    framing: coding !== null ? 'chunked' : length !== null ? 'length' : 'close',
    lengthBytes: Number(length ?? 0),
    isKeepAlive,
    keepAliveMs,
    mistake: null,
  }
}

function passedOn(fields: readonly string[], connection: ReadonlySet<string>): string {
  const kept: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!
    const isOfConnection = HOP_BY_HOP.has(name) || (connection.has(name) && name !== 'content-length')
    if (!isOfConnection) kept.push(name, fields[at + 1]!)
  }
  return kept.join('\n')
}

function mistaken(mistake: string): ResponseHead {
  const nothing = {
    status: 0,
    text: '',
    framing: 'close',
    lengthBytes: 0,
    isKeepAlive: false,
    keepAliveMs: null,
  } as const
  return { ...nothing, mistake }
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
