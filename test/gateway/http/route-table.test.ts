import { describe, expect, it } from 'vitest'
import { type RouteRule, RouteTable } from '../../../gateway/http/route-table.ts'

const rule = (path: string, name: string, more: Partial<RouteRule> = {}): RouteRule => ({
  path,
  host: null,
  function: name,
  stripPrefix: false,
  ...more,
})

describe('the default mounts', () => {
  const table = new RouteTable([], ['hello', 'a.b-c_d'])

  it.each([
    ['/hello', '/'],
    ['/hello/', '/'],
    ['/hello?x=1', '/?x=1'],
    ['/hello/sub/path?x=/y', '/sub/path?x=/y'],
    ['/hello//double', '//double'],
  ])('%s reaches hello as %s', (target, seen) => {
    expect(table.find('', target)).toEqual({ function: 'hello', target: seen, prefix: '/hello' })
  })

  it.each(['/', '/hell', '/hello2', '/Hello', '//hello', '/?hello', '/constructor', '/__proto__'])(
    '%s reaches nothing',
    (target) => {
      expect(table.find('', target)).toBeNull()
    },
  )

  it('names the routes of a function', () => expect(table.routesOf('hello')).toEqual(['/hello', '/hello/*']))
})

describe("a function's address on Netlify", () => {
  const table = new RouteTable([rule('/*', 'site', { yieldsToNames: true })], ['hello', 'site'])

  it.each(['/.netlify/functions/hello', '/.netlify/functions/hello/sub?x=y'])(
    '%s reaches it with the whole path',
    (target) => {
      expect(table.find('', target)).toEqual({ function: 'hello', target, prefix: '' })
    },
  )

  it('is nobody else’s where there is no such function', () => {
    expect(table.find('', '/.netlify/functions/other')?.function).toBe('site')
    expect(new RouteTable([], ['hello']).find('', '/.netlify/functions/other')).toBeNull()
  })
})

describe('explicit routes', () => {
  it('do not strip unless asked', () => {
    const table = new RouteTable([rule('/api/*', 'api'), rule('/app/*', 'app', { stripPrefix: true })], ['api', 'app'])
    expect(table.find('', '/api/x?y')).toEqual({ function: 'api', target: '/api/x?y', prefix: '' })
    expect(table.find('', '/app/x?y')).toEqual({ function: 'app', target: '/x?y', prefix: '/app' })
    expect(table.find('', '/app?y')).toEqual({ function: 'app', target: '/?y', prefix: '/app' })
  })

  it('win over the default mounts', () => {
    const table = new RouteTable([rule('/hello', 'other')], ['hello', 'other'])
    expect(table.find('', '/hello')?.function).toBe('other')
    expect(table.find('', '/hello/x')?.function).toBe('hello')
  })

  it('are tried from the most exact to the widest, whatever their order', () => {
    const rules = [rule('/*', 'all'), rule('/users/*', 'users'), rule('/users/:id', 'user'), rule('/users/me', 'me')]
    for (const order of [rules, [...rules].reverse()]) {
      const table = new RouteTable(order, [])
      const found = ['/users/me', '/users/7', '/users/7/posts', '/else'].map((path) => table.find('', path)?.function)
      expect(found).toEqual(['me', 'user', 'users', 'all'])
    }
  })

  it('that yield to names leave every function what begins with its name, its previews too', () => {
    const yielding = (path: string) => rule(path, 'site', { yieldsToNames: true })
    const rules = [yielding('/*'), yielding('/:page/:part'), rule('/hello/written', 'site')]
    const table = new RouteTable(rules, ['site', 'hello'], (name) => name === 'hello@next')
    expect(table.find('', '/about/us')).toEqual({ function: 'site', target: '/about/us', prefix: '' })
    expect(table.find('', '/hello/a')).toEqual({ function: 'hello', target: '/a', prefix: '/hello' })
    expect(table.find('', '/hello@next/a')!.function).toBe('hello@next')
    expect(table.find('', '/hello/written')!.function).toBe('site')
    expect(table.find('', '/site/a')).toEqual({ function: 'site', target: '/a', prefix: '/site' })
    const operators = new RouteTable([...rules, rule('/*', 'operator')], ['hello'])
    expect(operators.find('', '/hello/a')!.function).toBe('operator')
  })

  it('need a value for a parameter', () =>
    expect(new RouteTable([rule('/users/:id', 'user')], []).find('', '/users/')).toBeNull())

  it('are found by what they begin with as they were by looking at each in turn', () => {
    const parts = ['a', 'b', ':id', 'c']
    const paths = parts.flatMap((one) => [
      `/${one}`,
      `/${one}/*`,
      ...parts.flatMap((two) => [`/${one}/${two}`, `/${one}/${two}/*`]),
    ])
    const rules = ['/*', '/', ...paths].map((path, at) => rule(path, `f${at}`, { yieldsToNames: at % 5 === 0 }))
    const all = new RouteTable(rules, ['a'])
    for (const target of ['/', '/a', '/a/', '/a/b', '/a/x', '/x', '/x/c', '/x/y/z', '/b/c/d', '/c/c', '//', '/a//'])
      for (let fewer = 0; fewer < rules.length; fewer += 3) {
        const some = rules.filter((_, at) => (at * 7) % rules.length >= fewer)
        const table = new RouteTable(some, ['a'])
        const alone = some.filter((one) => new RouteTable([one], ['a']).find('', target)?.function === one.function)
        const best = new RouteTable(alone, ['a']).find('', target)
        expect(table.find('', target), `${target} of ${some.length}`).toEqual(best)
      }
    expect(all.find('', '/b/c')?.function).toBe(rules.find(({ path }) => path === '/b/c')!.function)
  })

  it('of a host are its own in any case, with and without a dot at its end', () => {
    const table = new RouteTable(
      [rule('/*', 'one', { host: 'A.Example.com.' }), rule('/*', 'wild', { host: '*.Other.com' })],
      [],
    )
    const found = ['a.example.com', 'a.example.com.', 'b.other.com.', '.other.com', 'other.com.', '.']
    expect(found.map((host) => table.find(host, '/')?.function)).toEqual([
      'one',
      'one',
      'wild',
      undefined,
      undefined,
      undefined,
    ])
  })

  it('are compared with paths in their normal form', () => {
    const table = new RouteTable([rule('/caf\u00e9/*', 'cafe'), rule('/%7Eme/a.b', 'me')], [])
    expect(table.find('', '/caf%C3%A9/x')?.function).toBe('cafe')
    expect(table.find('', '/~me/a.b')?.function).toBe('me')
  })

  it('of a host win over those of every host, and an exact host over a wildcard', () => {
    const table = new RouteTable(
      [rule('/*', 'any'), rule('/*', 'wild', { host: '*.example.com' }), rule('/*', 'one', { host: 'a.example.com' })],
      [],
    )
    const found = ['a.example.com', 'b.example.com', 'example.com', 'badexample.com'].map(
      (host) => table.find(host, '/')?.function,
    )
    expect(found).toEqual(['one', 'wild', 'any', 'any'])
  })
})
