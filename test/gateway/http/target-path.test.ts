import { expect, it } from 'vitest'
import { normalTarget } from '../../../gateway/http/target-path.ts'

it.each([
  ['/', '/'],
  ['/a/b.c/?x=/../y', '/a/b.c/?x=/../y'],
  ['/a//b', '/a//b'],
  ['//a', '//a'],
  ['/public/../admin/url', '/admin/url'],
  ['/public/%2e%2e/admin', '/admin'],
  ['/public/.%2E/admin', '/admin'],
  ['/public/..\\admin', '/admin'],
  ['/public\\..\\admin', '/admin'],
  ['/../../a', '/a'],
  ['/a/.', '/a/'],
  ['/a/..', '/'],
  ['/.well-known/x', '/.well-known/x'],
  ['/%61dmin/%7Euser', '/admin/~user'],
  ['/caf%c3%a9', '/caf%C3%A9'],
  ['/a%2fb%5cc', '/a%2Fb%5Cc'],
  ['/%252e%252e/a', '/%252e%252e/a'],
  ['/a b"<>', '/a%20b%22%3C%3E'],
  ['/100%', '/100%'],
  ['/%zz', '/%zz'],
  ['/a?%61..\\%7e', '/a?%61..\\%7e'],
])('%j is %j', (target, normal) => {
  expect(normalTarget(target)).toBe(normal)
})

it.each(['/%%36%31', '/%4%31', '/%%34%31', '/%2%65%2%65/a'])('%j decodes to the same as before', (target) => {
  const unescaped = (path: string) =>
    path.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  expect(unescaped(normalTarget(target))).toBe(unescaped(target))
})

it('has one form: what is normal stays', () => {
  for (const target of ['/%%36%31', '/a/%2e%2e/%2e/b\\c', '/%2%65', '/..%2f..', '/.%2e%2e', '/%C3%a9%41?%41'])
    expect(normalTarget(normalTarget(target))).toBe(normalTarget(target))
})
