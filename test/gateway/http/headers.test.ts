import { describe, expect, it } from 'vitest'
import { readRequestHeaders, readResponseHead, withHost } from '../../../gateway/http/headers.ts'
import { requestId } from '../../../gateway/http/request-id.ts'
import { checkRequestLine } from '../../../gateway/http/request-line.ts'

describe('request headers', () => {
  it('are passed on with lower-case names, in their order, duplicates kept', () => {
    const { text } = readRequestHeaders(['Host', 'h', 'Accept', 'a', 'X-A', '1', 'x-a', '2'])
    expect(text).toBe('\nhost\nh\naccept\na\nx-a\n1\nx-a\n2')
  })

  it('lose what belongs to one connection, and what Connection names', () => {
    const raw = [
      'Connection',
      'close, X-Secret',
      'x-secret',
      '1',
      'Keep-Alive',
      'x',
      'TE',
      'x',
      'Upgrade',
      'h2c',
      'Proxy-Authorization',
      'x',
      'Trailer',
      'x',
      'a',
      'b',
    ]
    expect(readRequestHeaders(raw).text).toBe('\na\nb')
  })

  it('lose what very many Connection headers name, in no more than their own time', () => {
    const raw = Array.from({ length: 200 }, (_, line) => [
      ['connection', Array.from({ length: 25 }, (_, at) => `x-${line * 25 + at}`).join(',')],
      [`x-${line}`, 'dropped'],
    ]).flat(2)
    expect(readRequestHeaders([...raw, 'a', 'b']).text).toBe('\na\nb')
  })

  it('lose what the gateway says itself', () => {
    const read = readRequestHeaders([
      'X-Forwarded-For',
      '1.2.3.4',
      'x-request-id',
      'mine',
      'X-Forwarded-Proto',
      'https',
      'Expect',
      '100-continue',
    ])
    expect(read).toMatchObject({ text: '', forwardedFor: '1.2.3.4', requestId: 'mine', forwardedProto: 'https' })
  })
})

describe('headers of proxies', () => {
  const raw = ['Forwarded', 'for=1.1.1.1', 'X-Real-IP', '1.1.1.1', 'X-Forwarded-Port', '1', 'CF-Connecting-IP', '::1']

  it('are no part of what functions get', () => {
    const { text, ofProxies } = readRequestHeaders(['a', 'b', ...raw])
    expect(text).toBe('\na\nb')
    expect(ofProxies).toBe('\nforwarded\nfor=1.1.1.1\nx-real-ip\n1.1.1.1\nx-forwarded-port\n1\ncf-connecting-ip\n::1')
  })

  it('stay where another host takes the place of the one that was named', () => {
    const headers = readRequestHeaders(['x', 'host', 'host', 'a', 'y', 'z'])
    expect(withHost(headers, 'b')).toMatchObject({ text: '\nhost\nb\nx\nhost\ny\nz', host: 'b' })
    expect(withHost(readRequestHeaders([]), 'b').text).toBe('\nhost\nb')
  })
})

describe('a request line', () => {
  const check = (url: string, raw: string[] = ['Host', 'h'], method = 'GET', version = '1.1') =>
    checkRequestLine(method, url, version, readRequestHeaders(raw))

  it.each([
    ['/a?b', '/a?b'],
    ['http://h/a', '/a'],
    ['http://H', '/'],
    ['http://h?x', '/?x'],
    ['http://h:80/a', '/a'],
    ['/a/../b?../c', '/b?../c'],
  ])('%s asks for %s', (url, target) => expect(check(url)).toMatchObject({ target, host: 'h', isHttps: false }))

  it('RFC 9112, 3.2.2: names the host of its URL where that has one', () => {
    expect(check('/a')).toMatchObject({ host: 'h', newHost: null })
    expect(check('http://Other:81/a')).toMatchObject({ host: 'other', newHost: 'Other:81' })
    expect(check('https://other:443/a')).toMatchObject({ host: 'other', newHost: 'other' })
  })

  it('names the host that a trusted proxy names, and nobody else', () => {
    const raw = ['Host', 'inner', 'X-Forwarded-Host', 'Outer.example:8443, middle']
    expect(check('/', raw)).toMatchObject({ host: 'inner', newHost: null })
    const trusted = (given: string[]) => checkRequestLine('GET', '/', '1.1', readRequestHeaders(given), true)
    expect(trusted(raw)).toMatchObject({ host: 'outer.example', newHost: 'Outer.example:8443' })
    expect(trusted(['Host', 'h', 'X-Forwarded-Host', ''])).toMatchObject({ host: 'h', newHost: null })
    expect(trusted(['Host', 'h', 'X-Forwarded-Host', 'a b'])).toMatchObject({ code: 'malformed-request' })
  })

  it.each(['a', '', '*', 'ftp://x/', '/a#b', 'http:///a', 'http://u@h/a'])('refuses the target "%s"', (url) =>
    expect(check(url)).toMatchObject({ code: 'malformed-request' }),
  )

  it.each([
    [[]],
    [['Host', '']],
    [['Host', 'a b']],
    [['Host', 'a/b']],
    [['Host', 'a@b']],
    [['Host', 'a', 'host', 'a']],
    [['Host', 'a:b']],
    [['Host', '[:::::]']],
    [['Host', '[1.2.3]']],
  ])('refuses the hosts %j', (raw) => expect(check('/', raw)).toMatchObject({ code: 'malformed-request' }))

  it('knows a host without its port', () => {
    expect(check('/', ['Host', 'Example.COM:8080'])).toMatchObject({ host: 'example.com' })
    expect(check('/', ['Host', '[::1]:80'])).toMatchObject({ host: '[::1]' })
  })

  it('lets HTTP/1.0 go without a host', () => expect(check('/', [], 'GET', '1.0')).toMatchObject({ host: '' }))

  it('refuses two ways of saying the length', () => {
    expect(check('/', ['Host', 'h', 'Content-Length', '1', 'Transfer-Encoding', 'chunked'])).toMatchObject({
      code: 'malformed-request',
    })
  })
})

describe('a response head', () => {
  it('is passed on without connection headers, its length apart', () => {
    const head =
      'content-type\ntext/plain\nConnection\nclose\nset-cookie\na=1\nset-cookie\nb=2\nContent-Length\n5\ntransfer-encoding\nchunked'
    expect(readResponseHead(head)).toEqual({
      text: 'content-type: text/plain\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n',
      hasDate: false,
      contentLength: 5,
      isEventStream: false,
      mistake: null,
    })
  })

  it.each([
    ['a name with a space', 'a b\n1', 'not-a-response'],
    ['a value with a line break', 'a\nb\nc', 'not-a-response'],
    ['a value with a NUL', 'a\nb\0', 'not-a-response'],
    ['a carriage return', 'a\nb\r', 'not-a-response'],
    ['a length that is no number', 'content-length\n-1', 'wrong-content-length'],
    ['two lengths', 'content-length\n1\ncontent-length\n2', 'wrong-content-length'],
    ['four megabytes of line breaks', '\n'.repeat(4_000_000), 'response-headers-too-large'],
    ['5,000 headers', Array.from({ length: 5000 }, (_, at) => `h${at}\nv`).join('\n'), 'response-headers-too-large'],
  ])('is refused with %s', (_name, head, code) => expect(readResponseHead(head).mistake?.code).toBe(code))
})

describe('a request id', () => {
  it("is the caller's own when that is harmless", () => expect(requestId('a.b:1/2')).toBe('a.b:1/2'))
  it.each([null, '', 'a b', 'a\u00e9', 'x'.repeat(129), '<script>'])('is a new one for %j', (given) =>
    expect(requestId(given)).toMatch(/^[\w-]{8}-\w+$/),
  )
  it('is never given twice', () => expect(requestId(null)).not.toBe(requestId(null)))
})
