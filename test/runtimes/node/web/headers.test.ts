import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { NativeHeaders, thrownBy } from './twins.ts'

type Init = ConstructorParameters<typeof Headers>[0]

/** The same steps with a lazy one and with Node's own; what they show must be the same. */
const STEPS: [string, Init, (headers: Headers) => unknown][] = [
  ['get joins what came more than once', [['a', '1']], (headers) => [headers.append('A', '2'), headers.get('a')]],
  [
    'cookies are joined with semicolons',
    [['cookie', 'a']],
    (headers) => [headers.append('cookie', 'b'), headers.get('cookie')],
  ],
  ['get of what is not there', {}, (headers) => headers.get('a')],
  ['get without a name', {}, (headers) => (headers as unknown as { get(): unknown }).get()],
  ['get of an odd name', {}, (headers) => headers.get('a b')],
  ['get of a number', { '5': 'x' }, (headers) => headers.get(5 as unknown as string)],
  ['has', { A: '1' }, (headers) => [headers.has('a'), headers.has('A'), headers.has('b'), headers.has('1')]],
  ['set replaces all', [['a', '1']], (headers) => [headers.append('a', '2'), headers.set('A', '3'), headers.get('a')]],
  ['set trims', {}, (headers) => [headers.set('a', ' x '), headers.get('a')]],
  ['set of a number', {}, (headers) => [headers.set('a', 5 as unknown as string), headers.get('a')]],
  ['set of a line break', {}, (headers) => headers.set('a', 'x\r\ny')],
  ['delete', { a: '1', b: '2' }, (headers) => [headers.delete('A'), headers.delete('x'), [...headers]]],
  ['delete of an odd name', {}, (headers) => headers.delete('')],
  [
    'several cookies stay several',
    [
      ['set-cookie', 'a'],
      ['b', 'c'],
    ],
    (headers) => [headers.append('Set-Cookie', 'b'), [headers.getSetCookie(), headers.get('set-cookie'), [...headers]]],
  ],
  [
    'set leaves one cookie',
    [
      ['set-cookie', 'a'],
      ['set-cookie', 'b'],
    ],
    (headers) => [headers.set('set-cookie', 'c'), headers.getSetCookie()],
  ],
  [
    'iterators go by name',
    { c: '1', a: '2', b: '3' },
    (headers) => [[...headers.keys()], [...headers.values()], [...headers.entries()]],
  ],
  [
    'forEach',
    { b: '1', a: '2' },
    (headers) => {
      const seen: unknown[] = []
      headers.forEach(function (this: unknown, value, name, all) {
        seen.push([this, value, name, all === headers])
      }, 'self')
      return seen
    },
  ],
  ['forEach without a function', {}, (headers) => headers.forEach(5 as never)],
  [
    'changes while iterating',
    { a: '1', b: '2', d: '4' },
    (headers) => {
      const seen: string[] = []
      for (const [name] of headers) {
        seen.push(name)
        if (name === 'b') headers.append('c', '3')
      }
      return seen
    },
  ],
  [
    'what is odd goes on with what was plain',
    { a: '1' },
    (headers) => [headers.append('b', ' x\t'), headers.append('a', '2'), [...headers]],
  ],
  [
    'a copy is a copy',
    { a: '1' },
    (headers) => {
      const copy = new Headers(headers)
      copy.set('a', '2')
      return [headers.get('a'), copy.get('a')]
    },
  ],
  ['the tag', {}, (headers) => Object.prototype.toString.call(headers)],
  ['what is logged', { a: '1', 'set-cookie': 'x' }, (headers) => inspect(headers)],
  [
    'members',
    {},
    (headers) => {
      const names = []
      for (const name in headers) names.push(name)
      return names.sort()
    },
  ],
]

describe('lazy Headers', () => {
  it.each(STEPS)('do as Node’s own: %s', async (_, init, act) => {
    const shown = async (headers: Headers): Promise<unknown> => {
      let value: unknown
      const thrown = await thrownBy(() => {
        value = act(headers)
      })
      return { value, thrown }
    }
    expect(await shown(new Headers(init))).toEqual(await shown(new NativeHeaders(init)))
  })

  it('are Headers to whoever asks, as native ones are', () => {
    class Own extends Headers {}
    expect([new Headers(), new NativeHeaders(), new Own()].map((one) => one instanceof Headers)).toEqual([
      true,
      true,
      true,
    ])
    expect(new Headers() instanceof NativeHeaders).toBe(true)
    expect(new Headers() instanceof Own).toBe(false)
    expect(new NativeHeaders().constructor).toBe(Headers)
  })
})
