/** WSGI, ASGI and Lambda in real Python workers. */
import { expect, test } from 'vitest'
import { CalledFunction } from '../node/formats/called.ts'

const python = (source: string, stated: object = {}): CalledFunction =>
  CalledFunction.of({ 'index.py': source }, { runtime: 'python', ...stated })

test('a WSGI app gets its environ and answers', async () => {
  const called = python(`
import json
def app(environ, start_response):
    start_response('201 Created', [('Content-Type', 'application/json'), ('Set-Cookie', 'a=1'), ('Set-Cookie', 'b=2')])
    names = ('REQUEST_METHOD', 'PATH_INFO', 'QUERY_STRING', 'SCRIPT_NAME', 'CONTENT_TYPE', 'CONTENT_LENGTH',
             'HTTP_X_TWICE', 'SERVER_NAME', 'SERVER_PORT', 'wsgi.url_scheme', 'wsgi.multithread')
    told = {name: environ.get(name) for name in names}
    return [json.dumps(dict(told, body=environ['wsgi.input'].read().decode())).encode()]
`)
  const headers = { 'content-type': 'text/plain', 'content-length': '5', 'x-twice': 'yes' }
  const { status, fields, body } = await called.call({ method: 'PUT', url: '/a%20b?c=d', headers, body: 'hello' })
  expect(status).toBe(201)
  expect(fields.map(([name]) => name)).toEqual(['content-type', 'set-cookie', 'set-cookie'])
  expect(JSON.parse(body.toString())).toEqual({
    REQUEST_METHOD: 'PUT',
    PATH_INFO: '/a b',
    QUERY_STRING: 'c=d',
    SCRIPT_NAME: '',
    CONTENT_TYPE: 'text/plain',
    CONTENT_LENGTH: '5',
    HTTP_X_TWICE: 'yes',
    SERVER_NAME: 'localhost',
    SERVER_PORT: '8787',
    'wsgi.url_scheme': 'http',
    'wsgi.multithread': false,
    body: 'hello',
  })
})

test('a WSGI app finds no header under the name of another', async () => {
  const called = python(`
def app(environ, start_response):
    start_response('200 OK', [])
    return [repr([environ.get('HTTP_X_FORWARDED_HOST'), environ['CONTENT_LENGTH']]).encode()]
`)
  const headers = { 'x-forwarded-host': 'here', x_forwarded_host: 'there', content_length: '9', 'content-length': '4' }
  expect(await called.text({ method: 'POST', headers, body: 'body' })).toBe("['here', '4']")
})

test('a WSGI app may write, may answer late, and is told when its parts are over', async () => {
  const called = python(`
class Parts:
    def __init__(self, start_response):
        self.start_response = start_response
    def __iter__(self):
        self.start_response('200 OK', [('Content-Length', '8')])
        yield b''
        yield b'part'
        yield b'part'
    def close(self):
        print('closed')
def app(environ, start_response):
    if environ['PATH_INFO'] == '/write':
        start_response('200 OK', [])(b'written ')
        return [b'returned']
    return Parts(start_response)
`)
  const closed = new Promise((resolve) => called.pool.on('log', ({ line }) => resolve(line)))
  expect(await called.text({ url: '/write' })).toBe('written returned')
  expect(await called.text()).toBe('partpart')
  expect(await closed).toBe('closed')
})

test('a WSGI app that never calls start_response is told so', async () => {
  const { failure } = await python('def app(environ, start_response):\n    return [b"x"]\n').call()
  expect(failure!.message).toContain('without calling start_response')
})

test('wsgiref’s own validator finds nothing wrong', async () => {
  const called = python(
    `
from wsgiref.validate import validator
def inner(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'valid ' + environ['wsgi.input'].read(100)]
app = validator(inner)
`,
    { format: 'wsgi' },
  )
  expect(await called.text({ method: 'POST', headers: { 'content-length': '4' }, body: 'body' })).toBe('valid body')
})

test('an ASGI app has a lifespan, whose state its calls see', async () => {
  const called = python(`
async def app(scope, receive, send):
    if scope['type'] == 'lifespan':
        await receive()
        scope['state']['name'] = 'started'
        await send({'type': 'lifespan.startup.complete'})
        await receive()
        print('shut down')
        await send({'type': 'lifespan.shutdown.complete'})
        return
    message = await receive()
    told = f"{scope['method']} {scope['path']} {scope['query_string'].decode()} {scope['state']['name']} "
    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'X-One', b'1')]})
    await send({'type': 'http.response.body', 'body': told.encode() + message['body']})
`)
  const answer = await called.call({ method: 'POST', url: '/p%20q?r', body: 'sent' })
  expect(answer.body.toString()).toBe('POST /p q r started sent')
  expect(answer.fields).toEqual([['x-one', '1']])
  await called.pool.close(5_000)
  expect(called.log).toEqual(['shut down'])
})

test('an ASGI app that cannot start is not served, and its reason is told', async () => {
  const called = python(`
async def app(scope, receive, send):
    await receive()
    await send({'type': 'lifespan.startup.failed', 'message': 'no database'})
`)
  const { failure } = await called.call()
  expect(failure).toMatchObject({ code: 'init-failed' })
  expect(failure!.message).toContain('The app could not start: no database')
})

test('an ASGI app that returns without an answer, or half-way, has failed', async () => {
  const called = python(`
async def app(scope, receive, send):
    assert scope['type'] == 'http'
    if scope['path'] == '/half':
        await send({'type': 'http.response.start', 'status': 200})
        await send({'type': 'http.response.body', 'body': b'half', 'more_body': True})
`)
  expect((await called.call()).failure).toMatchObject({ code: 'not-a-response' })
  expect((await called.call({ url: '/half' })).failure).toMatchObject({ code: 'response-aborted' })
})

test("a Lambda handler's trace id is none of the system's variables, which would keep them all", async () => {
  const called = python(`
import os
def lambda_handler(event, context):
    native = os.popen('printf %s "$_X_AMZN_TRACE_ID"').read()
    return [dict(os.environ)['_X_AMZN_TRACE_ID'][:7], os.getenv('_X_AMZN_TRACE_ID')[:7], native]
`)
  expect(JSON.parse(await called.text())).toEqual(['Root=1-', 'Root=1-', ''])
})

test('a Lambda handler’s answer is JSON where it has a body and no type, as in Node', async () => {
  const called = python(`
def lambda_handler(event, context):
    return {'statusCode': 200, 'body': '{}'} if event['rawPath'] == '/body' else {'statusCode': 204}
`)
  expect((await called.call({ url: '/body' })).fields).toEqual([['content-type', 'application/json']])
  expect((await called.call()).fields).toEqual([])
})

test('a Lambda handler gets payload 1.0 where its settings ask for it', async () => {
  const called = python('def lambda_handler(event, context):\n    return event\n', { platform: { payload: '1.0' } })
  const event = JSON.parse(await called.text({ method: 'PUT', url: '/a%20b?q=1&q=2', headers: { 'x-a': 'b' } }))
  expect(event).toMatchObject({
    version: '1.0',
    httpMethod: 'PUT',
    path: '/a%20b',
    pathParameters: { proxy: 'a%20b' },
    headers: { 'x-a': 'b' },
    multiValueHeaders: { 'x-a': ['b'] },
    queryStringParameters: { q: '2' },
    multiValueQueryStringParameters: { q: ['1', '2'] },
    requestContext: { httpMethod: 'PUT', resourcePath: '/{proxy+}' },
    body: null,
  })
})

test('a Lambda handler gets payload 2.0 and a context', async () => {
  const called = python(
    `
import os
def lambda_handler(event, context):
    return {'event': event, 'left': context.get_remaining_time_in_millis() > 0, 'id': context.aws_request_id,
            'name': context.function_name, 'trace': os.environ['_X_AMZN_TRACE_ID'][:5]}
`,
    { name: 'thing' },
  )
  const headers = { cookie: 'a=1; b=2', 'content-type': 'application/octet-stream', 'x-forwarded-for': '10.0.0.1' }
  const { fields, body } = await called.call({ method: 'POST', url: '/a?q=1&q=2', headers, body: Buffer.of(255) })
  expect(fields).toEqual([['content-type', 'application/json']])
  const { event, ...rest } = JSON.parse(body.toString())
  expect(rest).toEqual({ left: true, id: 'call-1', name: 'thing', trace: 'Root=' })
  expect(event).toMatchObject({
    version: '2.0',
    routeKey: '$default',
    rawPath: '/a',
    rawQueryString: 'q=1&q=2',
    cookies: ['a=1', 'b=2'],
    queryStringParameters: { q: '1,2' },
    requestContext: { http: { method: 'POST', path: '/a', sourceIp: '10.0.0.1' }, stage: '$default' },
    body: '/w==',
    isBase64Encoded: true,
  })
  expect(event.headers).not.toHaveProperty('cookie')
})

test('a Lambda handler answers with a status, cookies and bytes', async () => {
  const called = python(`
def handler(event, context):
    return {'statusCode': 418, 'headers': {'Content-Type': 'x/y'}, 'cookies': ['a=1', 'b=2'],
            'body': '/w==', 'isBase64Encoded': True}
`)
  const { status, fields, body } = await called.call()
  expect([status, body]).toEqual([418, Buffer.of(255)])
  expect(fields.map(([, value]) => value)).toEqual(['x/y', 'a=1', 'b=2'])
})

const LISTENS = `
import asyncio, errno, os, socket, subprocess, sys
def tried(listen):
    try:
        return listen().getsockname()[0]
    except OSError as error:
        return f'{errno.errorcode[error.errno]} {error}'
def without_an_address():
    server = socket.socket()
    server.listen()
    return server
async def by_asyncio():
    server = await asyncio.start_server(lambda *streams: None, '0.0.0.0', 0)
    server.close()
    return server.sockets[0]
def handler(request):
    own = [lambda: socket.create_server(('', 0)), without_an_address, lambda: socket.create_server(('localhost', 0))]
    child = subprocess.run([sys.executable, '-c', 'import socket; socket.create_server(("", 0))'], stderr=subprocess.PIPE)
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(os.environ['TMPDIR'] + '/s')
    return [*map(tried, own), child.stderr.decode()]
`

test('no TCP port is opened by a function, nor by what it starts; a unix socket is', async () => {
  const called = python(LISTENS, { name: 'shop' })
  const [server, bare, local, child] = JSON.parse(await called.text()) as string[]
  for (const answer of [server, bare, local]) {
    expect(answer).toMatch(/^EACCES /)
    expect(answer).toContain('overrides.shop.listen')
  }
  expect(child).toContain('PermissionError')
})

test('with loopback its servers are where no other machine reaches them', async () => {
  const called = python(LISTENS, { settings: { listen: 'loopback' } })
  const answers = JSON.parse(await called.text()) as string[]
  expect(answers).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1', ''])
})

test('a WSGI app finds the length of a body that came without one, short and long', async () => {
  const called = python(`
def app(environ, start_response):
    start_response('200 OK', [])
    length = environ.get('CONTENT_LENGTH')
    return [repr([length, len(environ['wsgi.input'].read(int(length or 0))), environ['wsgi.input'].read()]).encode()]
`)
  const gateway = { method: 'POST', headers: { 'transfer-encoding': 'chunked' } }
  expect(await called.text({ ...gateway, body: 'hello' })).toBe("['5', 5, b'']")
  expect(await called.text({ method: 'GET' })).toBe("[None, 0, b'']")
})

const MEETS = (more: string) => `
import threading
${more}
barrier = threading.Barrier(3)
def handler(request):
    barrier.wait(10)
    return 'met'
`

test.each([
  ['settings', '', { threads: 3 }],
  ['module', 'concurrency = 3', {}],
])('a blocking handler that states how many runs so many calls in threads: its %s', async (_where, more, settings) => {
  const called = python(MEETS(more), { settings })
  expect(await Promise.all([1, 2, 3].map(() => called.text()))).toEqual(['met', 'met', 'met'])
})

test('a blocking handler that states nothing runs its calls one by one', async () => {
  const called = python(`
import threading
lock = threading.Lock()
def handler(request):
    return str([lock.acquire(blocking=False), lock.release()][0])
`)
  expect(await Promise.all([1, 2, 3, 4].map(() => called.text()))).toEqual(['True', 'True', 'True', 'True'])
})

test('an app that a function makes is found by that one’s name, or stated with its arguments', async () => {
  const made = (name: string) => `
def ${name}():
    def app(environ, start_response):
        start_response('200 OK', [])
        return [b'made']
    return app
`
  expect(await python(made('create_app')).text()).toBe('made')
  expect(await python(made('build'), { handler: 'build()' }).text()).toBe('made')
  const { failure } = await python(made('build'), { handler: 'other()' }).call()
  expect(failure!.message).toContain('"handler": "other" is stated, and the module has no such name')
})
