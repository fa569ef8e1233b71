/**
 * Request heads, from text to what they say. It is strict where servers differ and smuggling lives: one space between
 * the parts of the first line, CRLF and nothing else between lines, no folded lines, names that are tokens, values
 * without control characters. Whatever is not exactly that is a mistake and never a request (RFC 9112, 2 to 5).
 */
import { METHODS } from 'node:http'
import { type RequestHeaders, readRequestHeaders } from '../headers.ts'

export interface RequestHead {
  readonly method: string
  /** The target as it came. */
  readonly url: string
  readonly version: '1.0' | '1.1'
  readonly headers: RequestHeaders
}

/** What is wrong, for the caller: a sentence without its full stop. */
export class HeadMistake {
  readonly code: 'malformed-request' | 'not-implemented' | 'version-not-supported' | 'headers-too-large'
  readonly detail: string

  constructor(detail: string, code: HeadMistake['code'] = 'malformed-request') {
    this.code = code
    this.detail = detail
  }
}

/** Stands for what could not be read as one. */
export const UNREADABLE: RequestHead = { method: '-', url: '-', version: '1.1', headers: readRequestHeaders([]) }

const KNOWN_METHODS = new Set(METHODS)
const TARGET = /^[\x21-\x7e]+$/
const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
/** A line feed without its carriage return, or the other way round, but at the end of what has come so far. */
const BARE_LINE_END = /(?<!\r)\n|\r(?!\n|$)/
const METHOD_START = /^[A-Za-z0-9!#$%&'*+.^_`|~-]/

const VERSION = /^HTTP\/\d\.\d$/
/** As with the headers of answers. */
const MOST_FIELDS = 256

/** One for each connection: a caller says mostly the same headers again, and those are not read twice. */
export class HeadReader {
  #block = ''
  #headers: RequestHeaders = readRequestHeaders([])

  /** `text`: a head without the empty line that ends it, a character a byte. */
  read(text: string): RequestHead | HeadMistake {
    const lineEnd = text.indexOf('\r\n')
    const line = readRequestLine(lineEnd < 0 ? text : text.slice(0, lineEnd))
    if (line instanceof HeadMistake) return line
    const block = lineEnd < 0 ? '' : text.slice(lineEnd)
    if (block !== this.#block) {
      const headers = readHeaderLines(block)
      if (headers instanceof HeadMistake) return headers
      this.#block = block
      this.#headers = headers
    }
    return { ...line, headers: this.#headers }
  }
}

/** What can be told to be wrong of a head that has not come whole; null where it may still become a request. */
export function mistakeInPart(text: string): HeadMistake | null {
  if (!METHOD_START.test(text)) return new HeadMistake('It is not valid HTTP: it does not begin with a method')
  const lineEnd = text.indexOf('\r\n')
  // In the order in which a whole head is read: what is found does not depend on where it was split.
  const line = lineEnd < 0 ? null : readRequestLine(text.slice(0, lineEnd))
  if (line instanceof HeadMistake) return line
  return BARE_LINE_END.test(text) ? new HeadMistake('It is not valid HTTP: a line does not end with CRLF') : null
}

function readRequestLine(line: string): Omit<RequestHead, 'headers'> | HeadMistake {
  const methodEnd = line.indexOf(' ')
  const urlEnd = line.lastIndexOf(' ')
  if (urlEnd <= methodEnd) return new HeadMistake('It is not valid HTTP: its first line is no request line')
  const method = line.slice(0, methodEnd)
  if (!NAME.test(method)) return new HeadMistake('It is not valid HTTP: its method is none')
  const url = line.slice(methodEnd + 1, urlEnd)
  if (!TARGET.test(url)) return new HeadMistake('It is not valid HTTP: its target has a character that none may have')
  const version = readVersion(line.slice(urlEnd + 1))
  if (version instanceof HeadMistake) return version
  if (!KNOWN_METHODS.has(method)) return new HeadMistake(unknownMethod(method), 'not-implemented')
  return { method, url, version }
}

/** Minor versions only add to what they follow: one from the future is understood as HTTP/1.1 (RFC 9110, 2.5 and 6.2). */
function readVersion(text: string): '1.0' | '1.1' | HeadMistake {
  if (text === 'HTTP/1.1') return '1.1'
  if (text === 'HTTP/1.0') return '1.0'
  if (!VERSION.test(text)) return new HeadMistake('It is not valid HTTP: its first line does not end with a version')
  if (text.startsWith('HTTP/1.')) return '1.1'
  return new HeadMistake('This address speaks HTTP/1.1 and HTTP/1.0 only', 'version-not-supported')
}

function unknownMethod(method: string): string {
  const upper = method.toUpperCase()
  return KNOWN_METHODS.has(upper)
    ? `Methods are case-sensitive, and this one is written ${upper}`
    : 'Its method is not one that HTTP has registered'
}

/** `block`: every line preceded by CRLF. */
function readHeaderLines(block: string): RequestHeaders | HeadMistake {
  const raw: string[] = []
  const lines = block.split('\r\n')
  if (lines.length - 1 > MOST_FIELDS)
    return new HeadMistake(`It has ${lines.length - 1} headers; at most ${MOST_FIELDS} are taken`, 'headers-too-large')
  for (let at = 1; at < lines.length; at++) {
    const line = lines[at]!
    const colonAt = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colonAt))
    const value = withoutBlanks(line, colonAt + 1)
    if (!NAME.test(name)) return new HeadMistake('It is not valid HTTP: a header has no name that is a token')
    if (!VALUE.test(value)) return new HeadMistake(`It is not valid HTTP: its header ${name} has a control character`)
    raw.push(name, value)
  }
  return readRequestHeaders(raw)
}

/** The rest of a line from `start` on, without the spaces and tabs around it. */
function withoutBlanks(line: string, start: number): string {
  let end = line.length
  while (start < end && isBlank(line, start)) start++
  while (end > start && isBlank(line, end - 1)) end--
  return line.slice(start, end)
}

function isBlank(line: string, at: number): boolean {
  const code = line.charCodeAt(at)
  return code === 0x20 || code === 0x09
}
