import { describe, expect, it } from 'vitest'
import { HOST_PATTERN, isAllowed, isOfThisMachine, parseDestination } from '../../../gateway/egress/allowed-hosts.ts'

describe('a list of hosts', () => {
  it.each([
    ['api.example.com', 'api.example.com:443', true],
    ['API.example.com', 'api.EXAMPLE.com.:80', true],
    ['api.example.com', 'example.com:443', false],
    ['api.example.com', 'api.example.com.evil.test:443', false],
    ['api.example.com:443', 'api.example.com:443', true],
    ['api.example.com:443', 'api.example.com:80', false],
    ['*.example.com', 'a.b.example.com:443', true],
    ['*.example.com', 'example.com:443', false],
    ['*.example.com', 'evilexample.com:443', false],
    ['*.0.0.1', '127.0.0.1:80', false],
    ['10.0.0.5:8080', '10.0.0.5:8080', true],
    ['10.0.0.5:8080', '10.0.0.5:80', false],
    ['[::1]:80', '[::1]:80', true],
    ['[::1]', '[::1]:81', true],
    ['[::1]:80', '[::2]:80', false],
  ])('with %s lets through %s: %s', (pattern, authority, expected) => {
    expect(pattern).toMatch(HOST_PATTERN)
    expect(isAllowed([pattern], parseDestination(authority)!)).toBe(expected)
  })

  it.each(['', '*', '*.', 'a b', 'http://example.com', 'example.com/path', 'a..*', 'example.com:port', '-a.com:1:2'])(
    'cannot hold %j',
    (pattern) => expect(pattern).not.toMatch(HOST_PATTERN),
  )
})

it.each([
  'example.com',
  'example.com:0',
  'example.com:65536',
  ':80',
  'a@b:80',
  'a/b:80',
  'http://a:80',
  '[::1',
  '::1:80',
])('CONNECT %s leads nowhere', (authority) => expect(parseDestination(authority)).toBeNull())

it.each([
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['0.0.0.0', true],
  ['169.254.169.254', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['fe80::1', true],
  ['10.0.0.1', false],
  ['192.0.2.1', false],
  ['2001:db8::1', false],
])('%s is of this machine: %s', (address, expected) => expect(isOfThisMachine(address)).toBe(expected))
