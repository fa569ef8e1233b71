import { describe, expect, it } from 'vitest'
import { requestUrl } from '../../../../warmpool/runtimes/node/web/request-url.ts'
import { arrive } from './twins.ts'

const TARGETS = [
  '/',
  '/hello',
  '/a/b/c.tar.gz',
  '/a//b',
  '//x',
  '///',
  '/../a',
  '/a/../../b',
  '/a/./b',
  '/a/.',
  '/a/..',
  '/a.',
  '/a..b',
  '/.well-known/x',
  '/..a',
  '/...',
  '/%2e%2e/a',
  '/a/%2E/b',
  '/a/.%2e/b',
  '/%2f%2F',
  '/%zz',
  '/%',
  '/100%',
  '/?',
  '/??a',
  '/a?b=c&d=%20+e',
  '/a?../b/./c',
  "/a?q='x'",
  "/it's",
  '/a\\b',
  '/a?b\\c',
  '/a"b<c>d`e{f}g|h^i[j]',
  '/a?"b<c>d`e{f}g|h^i[j]',
  '/a;b=c,d:e@f!g$h(i)*j~k',
  '/:80',
  '/@host',
  '/a?b?c/d',
  '/a#b',
  '/a?b#c',
]

describe('the URL of a request', () => {
  it.each(TARGETS)('%j is what new URL makes of it', (target) => {
    expect(arrive({ target, host: 'example.com:8787' }).request.url).toBe(
      new URL(`http://example.com:8787${target}`).href,
    )
  })

  it.each(['/é', '/日本?q=ü', '/🙂/a'])(
    'has %j as UTF-8 in percent signs, though the wire carries it byte by byte',
    (target) => {
      const onTheWire = Buffer.from(target).toString('latin1')
      expect(arrive({ target: onTheWire }).request.url).toBe(new URL(`http://localhost${target}`).href)
    },
  )

  it('keeps bytes that are not UTF-8', () => {
    expect(requestUrl('/\xff', 'localhost', false)).toBe('http://localhost/%FF')
  })

  it.each([
    'EXAMPLE.com',
    'example.com:80',
    'example.com:443',
    '127.0.0.1:1',
    '0x7f.1',
    '[::1]:8787',
    'bücher.example',
  ])('has the host %j in the form of new URL', (host) => {
    expect(requestUrl('/a', host, false)).toBe(new URL(`http://${host}/a`).href)
    expect(requestUrl('/a', host, true)).toBe(new URL(`https://${host}/a`).href)
  })

  it.each(['', 'a/b', 'a?b', 'a#b', 'a\\b', 'user@a', 'user:pass@a', 'a b', 'a:port', '[::', 'a:99999', '%'])(
    'does not let the host %j become anything but a host',
    (host) => {
      expect(requestUrl('/a?b', host, false)).toBe('http://localhost/a?b')
    },
  )

  it.each(['256.256.256.256', 'a%00b', '1.2.3.4.5:80', 'A%00b', 'a%00b:'])(
    'keeps the host %j, which is legal though no URL may have it',
    async (host) => {
      expect(requestUrl('/a/../b?c', host, false)).toBe(`http://${host.toLowerCase()}/b?c`)
      const { request } = arrive({ host })
      expect(request.clone().url).toBe(request.url)
      expect(request.url).toContain(host.toLowerCase())
    },
  )

  it('does not mix up hosts of requests in turn', () => {
    const of = (host: string) => requestUrl('/', host, false)
    expect([of('a'), of('b'), of('a'), of('a'), of('')]).toEqual([
      'http://a/',
      'http://b/',
      'http://a/',
      'http://a/',
      'http://localhost/',
    ])
  })

  it('is one under the server for the target of OPTIONS *', () => {
    expect(requestUrl('*', 'a', false)).toBe('http://a/*')
  })

  it('tells a caller over TLS', () => {
    expect(requestUrl('/x', 'a.example', true)).toBe('https://a.example/x')
  })
})
