import { expect, it } from 'vitest'
import { HeadMistake, HeadReader, mistakeInPart } from '../../../../gateway/http/server/request-head.ts'

const HEAD = 'POST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: \t 5 \t\r\nX-Empty:\r\nX-Latin: \xe9'

it('says what a head says', () => {
  expect(new HeadReader().read(HEAD)).toMatchObject({
    method: 'POST',
    url: '/a?b=c',
    version: '1.1',
    headers: { text: '\nhost\nh\ncontent-length\n5\nx-empty\n\nx-latin\n\xe9', contentLength: 5, hasBadLength: false },
  })
})

it('reads the headers of each request, whatever the one before said', () => {
  const reader = new HeadReader()
  const hostOf = (text: string) => (reader.read(text) as { headers: { host: string | null } }).headers.host
  expect(hostOf('GET / HTTP/1.1\r\nhost: a')).toBe('a')
  expect(hostOf('GET /other HTTP/1.1\r\nhost: a')).toBe('a')
  expect(hostOf('GET / HTTP/1.1\r\nhost: b')).toBe('b')
  expect(hostOf('GET / HTTP/1.0')).toBe(null)
  expect(hostOf('GET / HTTP/1.1\r\nhost: a')).toBe('a')
  expect(reader.read('GET / HTTP/1.1\r\nhost : a')).toBeInstanceOf(HeadMistake)
  expect(hostOf('GET / HTTP/1.1\r\nhost: a')).toBe('a')
})

it.each([
  ['connection: close', { isClose: true, isKeepAlive: false }],
  ['Connection: Keep-Alive, x', { isClose: false, isKeepAlive: true }],
  ['connection: x ,\tCLOSE', { isClose: true, isKeepAlive: false }],
  ['connection: not-close', { isClose: false, isKeepAlive: false }],
  ['expect: 100-Continue', { expect: '100-continue' }],
  ['content-length: 1\r\ncontent-length: 1', { hasBadLength: true }],
  ['content-length: 1, 1', { hasBadLength: true }],
  ['content-length:', { hasBadLength: true }],
  ['transfer-encoding: Chunked', { isChunked: true, hasBadCoding: false, hasOtherCoding: false }],
  ['transfer-encoding: chunked\r\ntransfer-encoding: chunked', { isChunked: true, hasBadCoding: true }],
  ['transfer-encoding: gzip', { hasBadCoding: true }],
  ['transfer-encoding: gzip\r\ntransfer-encoding: br, chunked', { hasBadCoding: false, hasOtherCoding: true }],
  ['content-length: 007', { contentLength: 7, text: '\ncontent-length\n7' }],
])('understands %j', (line, meant) => {
  expect(new HeadReader().read(`GET / HTTP/1.1\r\n${line}`)).toMatchObject({ headers: meant })
})

it.each([
  ['get / HTTP/1.1', 'not-implemented', 'Methods are case-sensitive, and this one is written GET'],
  ['FROB / HTTP/1.1', 'not-implemented', 'Its method is not one that HTTP has registered'],
  ['GET / HTTP/2.0', 'version-not-supported', 'This address speaks HTTP/1.1 and HTTP/1.0 only'],
  [`GET / HTTP/1.1${'\r\na: b'.repeat(257)}`, 'headers-too-large', 'It has 257 headers; at most 256 are taken'],
])('says what it does not do: %.20j is %s', (text, code, detail) => {
  expect(new HeadReader().read(text)).toEqual(new HeadMistake(detail, code as HeadMistake['code']))
})

it('RFC 9110, 2.5: takes a later minor version for the latest that it knows', () => {
  expect(new HeadReader().read('GET / HTTP/1.2')).toMatchObject({ version: '1.1' })
})

it.each([
  'GET /',
  'GET  / HTTP/1.1',
  'GET / x HTTP/1.1',
  'GET /\t HTTP/1.1',
  ' GET / HTTP/1.1',
  'GET /\xe9 HTTP/1.1',
  'g(t / HTTP/1.1',
  'GET / HTTP/1.10',
  'GET / http/1.1',
  'GET / HTTP/1.1 ',
  'GET / HTTP/1.1\r\n a: b',
  'GET / HTTP/1.1\r\na',
  'GET / HTTP/1.1\r\n: b',
  'GET / HTTP/1.1\r\na b: c',
  'GET / HTTP/1.1\r\na: b\nc: d',
  'GET / HTTP/1.1\r\na: b\rc',
  'GET / HTTP/1.1\r\na: \x7f',
])('refuses %j', (text) => {
  expect(new HeadReader().read(text)).toBeInstanceOf(HeadMistake)
})

it('refuses a part of a head as soon as it cannot become one, and not before', () => {
  for (let length = 1; length <= HEAD.length; length++) expect(mistakeInPart(HEAD.slice(0, length))).toBe(null)
  for (const part of [
    '\x16\x03\x01',
    ' ',
    'GET / HTTP/1.1\n',
    'GET / HTTP/1.1\r\na: b\n',
    'GET / HTTP/1.1\rx',
    'SSH-2.0\r\n',
  ])
    expect(mistakeInPart(part)).toBeInstanceOf(HeadMistake)
})
