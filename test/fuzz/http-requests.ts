/** Bytes that are nearly HTTP: requests out of parts that servers have disagreed on, changed here and there. */
import { cut, mutated, type Random } from './random.ts'

const METHODS = ['GET', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'TRACE', 'CONNECT', 'FROB', 'get', 'QUERY', 'G\0T']
const TARGETS = [
  '/echo/',
  '/echo/a?b',
  '*',
  'http://here/echo/',
  '/nothing',
  '//',
  'here:80',
  '/\xe9',
  '/a b',
  '/x/../echo/',
  '/%65cho/',
  'http://there:80/echo/',
]
const VERSIONS = ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1']
const FIELDS = [
  'host: here',
  'host: there',
  'host:',
  'host: [:::::]',
  'host: 256.256.256.256',
  'forwarded: for=x',
  'connection: close',
  'connection: keep-alive, content-length',
  'content-length: 4',
  'content-length: 004',
  'content-length: 4, 4',
  'content-length: -1',
  'content-length: 70000',
  'content-length : 4',
  'content_length: 4',
  'transfer-encoding: chunked',
  'transfer-encoding: Chunked ',
  'transfer-encoding: gzip, chunked',
  'transfer-encoding: chunked, chunked',
  'transfer-encoding:\vchunked',
  'expect: 100-continue',
  'expect: x',
  'upgrade: h2c',
  'a: b\r\n c',
  'a',
  ': b',
]
const CHUNKS = [
  '4\r\nabcd\r\n',
  '04;a=b\r\nabcd\r\n',
  '00000000000000000004\r\nabcd\r\n',
  '1\r\nab\r\n',
  '4\nabcd\n',
  'A\r\n0123456789\r\n',
  '-1\r\n',
  '4 \r\nabcd\r\n',
]
const ENDS = [
  '0\r\n\r\n',
  '0\r\n\r\n',
  '0\r\n\r\n',
  '0\r\na: b\r\n\r\n',
  '0\r\nhost: x\r\n\r\n',
  '0\n\n',
  '0;\r\n\r\n',
  '',
]
const LINE_ENDS = ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\r\n']
const INSERTIONS = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '\r\n\r\n',
  '0',
  'x'.repeat(600),
  '\x7f',
  '\xff',
]

export function httpBytes(random: Random): Buffer {
  let text = random.once(8) ? '\r\n' : ''
  for (let requests = 1 + random.below(4); requests > 0; requests--) text += request(random)
  const bytes = Buffer.from(text, 'latin1')
  return random.once(2) ? mutated(bytes, random, INSERTIONS) : bytes
}

/** As `httpBytes`, with heads that are about as long as they may be. */
export function longHeadsInput(random: Random, headersBytes: number): Buffer[] {
  let text = ''
  for (let requests = 1 + random.below(2); requests > 0; requests--) {
    const [head, ...rest] = request(random).split('\r\n\r\n')
    const missing = headersBytes - head!.length - '\r\na: '.length + random.below(9) - 4
    text += [`${head}\r\na: ${'x'.repeat(Math.max(0, missing))}`, ...rest].join('\r\n\r\n')
  }
  const bytes = Buffer.from(text, 'latin1')
  return cut(random.once(2) ? mutated(bytes, random, INSERTIONS) : bytes, random)
}

export function httpInput(random: Random): Buffer[] {
  return cut(httpBytes(random), random)
}

function request(random: Random): string {
  // Most of it is right: what is wrong from the first byte is refused before it is of interest.
  const isRight = !random.once(3)
  if (isRight) return rightRequest(random)
  const lineEnd = (): string => random.pick(LINE_ENDS)
  let text = `${random.pick(METHODS)} ${random.pick(TARGETS)} ${random.pick(VERSIONS)}${lineEnd()}`
  for (let fields = random.below(6); fields > 0; fields--) text += random.pick(FIELDS) + lineEnd()
  return text + lineEnd() + body(random)
}

function rightRequest(random: Random): string {
  const head = `${random.pick(['GET', 'POST', 'HEAD', 'OPTIONS'])} /echo/ HTTP/1.1\r\nhost: here\r\n`
  const extra = random.once(3) ? `${random.pick(FIELDS)}\r\n` : ''
  switch (random.below(3)) {
    case 0:
      return `${head}${extra}\r\n`
    case 1: {
      const length = random.once(20) ? 70_000 : random.pick([0, 1, 4, 300])
      return `${head}${extra}content-length: ${length}\r\n\r\n${'b'.repeat(length)}`
    }
    default:
      return `${head}${extra}transfer-encoding: chunked\r\n\r\n${body(random)}`
  }
}

function body(random: Random): string {
  let text = ''
  for (let chunks = random.below(4); chunks > 0; chunks--)
    text += random.pick(random.once(2) ? CHUNKS : CHUNKS.slice(0, 2))
  return text + random.pick(ENDS)
}
