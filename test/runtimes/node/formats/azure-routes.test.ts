/** Routes as Azure Functions writes them. */
import { expect, test } from 'vitest'
import { AzureRoutes } from '../../../../warmpool/runtimes/node/formats/azure-routes.ts'

function found(templates: readonly string[], path: string): unknown {
  const routes = new AzureRoutes(templates.map((template) => ({ template, methods: ['GET'], target: template })))
  const route = routes.find('GET', path)
  return 'target' in route ? [route.target, route.params] : null
}

test('parameters, optional ones, defaults and a rest', () => {
  expect(found(['a/{id}'], '/a/1')).toEqual(['a/{id}', { id: '1' }])
  expect(found(['a/{id}'], '/a')).toBeNull()
  expect(found(['a/{id?}'], '/a')).toEqual(['a/{id?}', {}])
  expect(found(['a/{id?}'], '/a/x%20y/')).toEqual(['a/{id?}', { id: 'x y' }])
  expect(found(['a/{id=7}'], '/a')).toEqual(['a/{id=7}', { id: '7' }])
  expect(found(['f/{*rest}'], '/f/a/b.c')).toEqual(['f/{*rest}', { rest: 'a/b.c' }])
  expect(found(['f/{*rest}'], '/f')).toEqual(['f/{*rest}', {}])
  expect(found(['{a}-{b}/x.{ext}'], '/1-2/x.json')).toEqual(['{a}-{b}/x.{ext}', { a: '1', b: '2', ext: 'json' }])
  expect(found(['Hello'], '/hELLO')).toEqual(['Hello', {}])
  expect(found([''], '/')).toEqual(['', {}])
})

test('constraints', () => {
  const fits = (constraint: string, value: string) => found([`{x:${constraint}}`], `/${value}`) !== null
  expect([fits('int', '12'), fits('int', '1x'), fits('int', '-3')]).toEqual([true, false, true])
  expect([fits('alpha', 'abc'), fits('alpha', 'a1')]).toEqual([true, false])
  expect([fits('guid', 'cd2c1638-1638-72d5-1638-deadbeef1638'), fits('guid', '1')]).toEqual([true, false])
  expect([fits('length(2,3)', 'abc'), fits('length(2,3)', 'abcd'), fits('length(2)', 'ab')]).toEqual([
    true,
    false,
    true,
  ])
  expect([fits('range(1,5)', '5'), fits('range(1,5)', '6'), fits('min(3)', '2')]).toEqual([true, false, false])
  expect([fits('regex(^\\d{2}$)', '12'), fits('regex(^\\d{2}$)', '1')]).toEqual([true, false])
  expect([fits('int:min(3)', '4'), fits('int:min(3)', '2'), fits('bool', 'TRUE')]).toEqual([true, false, true])
  expect(found(['products/{category:alpha}/{id:int?}'], '/products/tea')).toEqual([
    'products/{category:alpha}/{id:int?}',
    { category: 'tea' },
  ])
  expect(() => found(['{x:integer}'], '/')).toThrow('has the constraint "integer", which there is not')
  expect(() => found(['a/{x'], '/')).toThrow('a bracket that is not closed')
})

test('what says more wins, in whatever order they stand', () => {
  const templates = ['a/{*rest}', 'a/{id}', 'a/{id:int}', 'a/b', 'a']
  for (const some of [templates, templates.toReversed()]) {
    const winners = ['/a/b', '/a/1', '/a/c', '/a/c/d', '/a'].map((path) => (found(some, path) as string[])[0])
    expect(winners).toEqual(['a/b', 'a/{id:int}', 'a/{id}', 'a/{*rest}', 'a'])
  }
})

test('a method that no route allows gets those that some do', () => {
  const routes = new AzureRoutes([
    { template: 'a', methods: ['GET'], target: 1 },
    { template: '{x}', methods: ['POST'], target: 2 },
  ])
  expect(routes.find('POST', '/a')).toEqual({ target: 2, params: { x: 'a' } })
  expect(routes.find('PUT', '/a')).toEqual(['GET', 'POST'])
  expect(routes.find('HEAD', '/a')).toMatchObject({ target: 1 })
  expect(routes.find('GET', '/none/there')).toEqual([])
})
