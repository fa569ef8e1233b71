/** Plain Python handlers in real workers: what they get, and what may be made of what they return. */
import { expect, test } from 'vitest'
import { CalledFunction } from '../node/formats/called.ts'

const python = (source: string, stated: object = {}): CalledFunction =>
  CalledFunction.of({ 'index.py': source }, { runtime: 'python', ...stated })

test('a handler gets the request taken apart', async () => {
  const called = python(`
def handler(request):
    return {
        'method': request.method, 'path': request.path, 'url': request.url,
        'query': request.query, 'all': request.query.all('a'), 'missing': request.query.get('c', 'none'),
        'type': request.headers['Content-Type'], 'body': request.text(), 'json': request.json(),
        'left': 0 < request.time_left_ms <= 30000, 'id': request.id,
    }
`)
  const headers = { 'content-type': 'application/json' }
  const { body, fields } = await called.call({ method: 'POST', url: '/a%20b?a=1&a=2&b=', headers, body: '{"x":"ä"}' })
  expect(JSON.parse(body.toString())).toEqual({
    method: 'POST',
    path: '/a%20b',
    url: 'http://localhost:8787/a%20b?a=1&a=2&b=',
    query: { a: '1', b: '' },
    all: ['1', '2'],
    missing: 'none',
    type: 'application/json',
    body: '{"x":"ä"}',
    json: { x: 'ä' },
    left: true,
    id: 'call-1',
  })
  expect(fields).toEqual([['content-type', 'application/json']])
})

test.each([
  ['text', `'äh'`, 200, 'text/plain;charset=UTF-8', 'äh'],
  ['bytes', `b'raw'`, 200, 'application/octet-stream', 'raw'],
  ['a dict', `{'a': [1]}`, 200, 'application/json', '{"a": [1]}'],
  ['a list', `[1, None]`, 200, 'application/json', '[1, null]'],
  ['a body and a status', `('made', 201)`, 201, 'text/plain;charset=UTF-8', 'made'],
  ['headers, too', `('<p>', 200, {'Content-Type': 'text/html'})`, 200, 'text/html', '<p>'],
  ['a Response', `Response('no', 404, content_type='text/x')`, 404, 'text/x', 'no'],
  ['a generator', `(part for part in ['a', b'b'])`, 200, 'text/plain;charset=UTF-8', 'ab'],
  ['a Response of a generator', `Response(iter([b'a', b'']), 202)`, 202, 'text/plain;charset=UTF-8', 'a'],
])('%s is an answer, of a function and of a coroutine', async (_, returned, status, type, body) => {
  for (const kind of ['def', 'async def']) {
    const called = python(`from wrangler_free import Response\n${kind} handler(request):\n    return ${returned}\n`)
    const answer = await called.call()
    expect(answer.failure).toBe(null)
    expect([answer.status, answer.fields, answer.body.toString()]).toEqual([status, [['content-type', type]], body])
  }
})

test('a header that comes twice is sent twice', async () => {
  const called = python(`
from wrangler_free import Response
def handler(request):
    return Response('', 204, [('Set-Cookie', 'a=1'), ('Set-Cookie', 'b=2')])
`)
  const answer = await called.call()
  const cookies = ['a=1', 'b=2'].map((cookie) => ['set-cookie', cookie])
  expect([answer.status, answer.fields]).toEqual([204, cookies])
})

test('generators of both kinds stream, and hear when they are over', async () => {
  const sync = python(`
def handler(request):
    try:
        for part in request.stream():
            yield part
        yield 'end'
    finally:
        print('closed')
`)
  expect(await sync.text({ method: 'POST', body: 'begin ' })).toBe('begin end')
  const coroutine = python(`
import asyncio
async def handler(request):
    for part in ('a', 'b'):
        await asyncio.sleep(0)
        yield part
`)
  expect(await coroutine.text()).toBe('ab')
})

test.each([
  ['nothing', 'None', 'returned None (is a `return` missing?)'],
  ['a number', '42', 'returned 42 (int)'],
  ['a status that is none', "('', 99)", 'The status is 99'],
  ['a line break in a header', "('', 200, {'x': 'a\\nb'})", 'A header may hold no line break'],
  ['what is no JSON', '{1: {2}}', 'no JSON'],
])('%s is no answer, and the error says so', async (_, returned, words) => {
  const { failure } = await python(`def handler(request):\n    return ${returned}\n`).call()
  expect(failure).toMatchObject({ code: 'not-a-response' })
  expect(failure!.message).toContain(words)
})

test('an error says where it was raised in the author’s own file, and the worker serves on', async () => {
  const called = python(`import json
def handler(request):
    if request.path == '/fine':
        return 'fine'
    return json.loads('nonsense')
`)
  const { failure } = await called.call()
  expect(failure).toMatchObject({ code: 'handler-threw' })
  const { report } = failure!.details as { report: { file: string; line: number; name: string; frame: string } }
  expect(report).toMatchObject({ name: 'JSONDecodeError', line: 5 })
  expect(report.file).toMatch(/index\.py$/)
  expect(report.frame).toContain("> 5 |     return json.loads('nonsense')")
  expect(await called.text({ url: '/fine' })).toBe('fine')
  expect(called.pool.status().functions[0]!.deaths).toEqual({})
})

test('sys.exit ends the call and not the worker', async () => {
  for (const kind of ['def', 'async def']) {
    const called = python(`import sys, os
${kind} handler(request):
    if request.path == '/exit':
        sys.exit(3)
    return str(os.getpid())
`)
    const before = await called.text()
    const { failure } = await called.call({ url: '/exit' })
    expect(failure!.message).toContain('It called sys.exit(3)')
    expect(await called.text()).toBe(before)
  }
})

test('what is printed is logged line by line while the handler runs', async () => {
  const called = python(`
import sys
def handler(request):
    print('one', 1)
    print('two', file=sys.stderr)
    while not request.is_cancelled:
        pass
`)
  const logged = new Promise((resolve) => called.pool.on('log', ({ line }) => line === 'one 1' && resolve(line)))
  void called.call()
  expect(await logged).toBe('one 1')
})

test('a module that says so runs calls on as many threads', async () => {
  const called = python(`
import threading
concurrency = 3
together = threading.Barrier(3)
def handler(request):
    together.wait()
    return request.body
`)
  const bodies = ['a', 'b', 'c'].map((body) => called.text({ method: 'POST', body }))
  expect(await Promise.all(bodies)).toEqual(['a', 'b', 'c'])
})

test('coroutines run many at once', async () => {
  const called = python(`
import asyncio
waiting = []
async def handler(request):
    if request.path == '/go':
        for one in waiting:
            one.set_result('gone')
        return 'go'
    one = asyncio.get_running_loop().create_future()
    waiting.append(one)
    return await one
`)
  await called.pool.warmedUp()
  const held = [called.text(), called.text()]
  expect(await called.text({ url: '/go' })).toBe('go')
  expect(await Promise.all(held)).toEqual(['gone', 'gone'])
})
