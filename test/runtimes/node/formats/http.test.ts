/** Programs that serve HTTP, in a real worker. */
import { describe, expect, test } from 'vitest'
import { eventually, isAlive } from '../../../e2e/processes.ts'
import { programOf, SlowCall } from './programs.ts'

const MiB = 1024 * 1024

/** Answers by the path: a node:http server on the unix socket. */
const NODE_SERVER = `
import { createServer } from 'node:http'
import { writeFileSync } from 'node:fs'
const server = createServer(async (request, response) => {
  const { method, url, headers } = request
  if (url === '/exit') process.exit(3)
  if (url === '/kill') process.kill(process.pid, 'SIGSEGV')
  if (url === '/never') return writeFileSync('asked', 'yes\\n')
  if (url === '/left') {
    request.on('close', () => writeFileSync('left', 'yes\\n'))
    return response.write('begun')
  }
  if (url === '/stream') return request.pipe(response)
  if (url === '/large') return response.end(Buffer.alloc(3 * ${MiB}, 'x'))
  if (url === '/endless') {
    let sent = 0
    const more = () => {
      while (response.write(Buffer.alloc(65536, 'x'))) sent += 65536
      writeFileSync('sent', sent + '\\n')
    }
    response.on('drain', more)
    return more()
  }
  const parts = []
  for await (const part of request) parts.push(part)
  response.setHeader('set-cookie', ['a=1', 'b=2'])
  response.setHeader('connection', 'x-hop, keep-alive')
  response.setHeader('x-hop', 'of this connection')
  const { PORT, SECRET, FOO } = process.env
  const env = { FOO, hasPort: Number(PORT) > 0 }
  response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(parts).toString(), cwd: process.cwd(), env }))
}).listen(process.env.SOCKET)
console.log('to stdout')
console.error('to stderr')
process.on('SIGTERM', () => {
  writeFileSync('asked-to-go', 'yes\\n')
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
`
const nodeServer = (settings = {}) => programOf('http', { 'server.mjs': NODE_SERVER }, ['node', 'server.mjs'], settings)

/** On \$PORT, with what the standard library has; HTTP/1.0 and close, or 1.1 and kept. */
const pythonServer = (version: string) =>
  programOf(
    'http',
    {
      'server.py': `
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/${version}'
    def do_POST(self):
        body = self.rfile.read(int(self.headers['content-length']))
        self.send_response(201)
        if '${version}' == '1.1': self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body.upper())
HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
`,
    },
    ['python3', 'server.py'],
  )

/** Sends for each request the bytes that are written for its path, and closes where they say so. */
const RAW_SERVER = `
import { createServer } from 'node:net'
import { readFileSync } from 'node:fs'
const answers = JSON.parse(readFileSync('answers.json'))
const asked = {}
createServer((socket) => {
  socket.on('error', () => {})
  socket.on('data', (bytes) => {
    const [, path] = bytes.toString('latin1').split(' ')
    asked[path] = (asked[path] ?? 0) + 1
    if (path === '/count') {
      const text = JSON.stringify(asked)
      return socket.write('HTTP/1.1 200 OK\\r\\ncontent-length: ' + text.length + '\\r\\n\\r\\n' + text)
    }
    for (const piece of answers[path]) {
      if (piece === 'close') socket.end()
      else if (piece === 'close-the-next') socket.removeAllListeners('data').once('data', () => socket.end())
      else socket.write(piece, 'latin1')
    }
  })
}).listen(process.env.SOCKET)
`
const rawServer = (answers: Record<string, readonly string[]>) => {
  const files = { 'server.mjs': RAW_SERVER, 'answers.json': JSON.stringify(answers) }
  return programOf('http', files, ['node', 'server.mjs'])
}

describe('a program that serves HTTP', () => {
  test('on the unix socket gets the request, its folder, its variables, and answers', async () => {
    const program = nodeServer({ env: { FOO: 'bar' } })
    const headers = { 'content-type': 'text/x', 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https' }
    const answer = await program.call({ method: 'POST', url: '/a?b=1', headers, body: 'hi' })
    expect(answer.failure).toBe(null)
    expect(answer.status).toBe(200)
    expect(answer.fields.filter(([name]) => name === 'set-cookie')).toHaveLength(2)
    expect(answer.fields.map(([name]) => name)).not.toContain('x-hop')
    const seen = JSON.parse(answer.body.toString())
    expect(seen).toMatchObject({ method: 'POST', url: '/a?b=1', body: 'hi', headers, cwd: program.folder })
    expect(seen.env).toEqual({ FOO: 'bar', hasPort: true })
    expect(seen.headers.host).toBe('localhost:8787')
  })

  test.each(['1.0', '1.1'])('on $PORT, one connection at a time, with HTTP/%s', async (version) => {
    const program = pythonServer(version)
    for (const body of ['one', 'two', 'three']) {
      const answer = await program.call({ method: 'POST', headers: { 'content-length': String(body.length) }, body })
      expect([answer.failure, answer.status, answer.body.toString()]).toEqual([null, 201, body.toUpperCase()])
    }
  })

  test('answers HEAD without a body, and large bodies whole', async () => {
    const program = nodeServer()
    expect((await program.call({ method: 'HEAD' })).body).toHaveLength(0)
    const { body, failure } = await program.call({ url: '/large' })
    expect([failure, body.length]).toEqual([null, 3 * MiB])
    expect(body.equals(Buffer.alloc(3 * MiB, 'x'))).toBe(true)
  })

  test('streams both ways at the same time', async () => {
    const program = nodeServer()
    const call = new SlowCall(['POST', '/stream'], true)
    program.pool.invoke('called', call)
    await call.sent.promise
    call.write(Buffer.from('one '))
    expect((await call.answered.promise).status).toBe(200)
    call.write(Buffer.from('two'))
    call.endBody()
    expect(await call.ended.promise).toBe(null)
    expect(call.text()).toBe('one two')
  })

  test('is slowed down by a caller who does not take its answer, and hears that the caller left', async () => {
    const program = nodeServer()
    const call = new SlowCall(['GET', '/endless'], false)
    program.pool.invoke('called', call)
    await program.written('sent')
    // Were it not stopped, it would go on sending while these are answered.
    for (let count = 0; count < 100; count++) await program.call()
    // What the window, the sockets and the buffers in between hold.
    expect(Number(await program.written('sent'))).toBeLessThan(8 * MiB)
    call.cancel()
    const other = new SlowCall(['GET', '/left'], false)
    program.pool.invoke('called', other)
    await other.answered.promise
    other.cancel()
    expect(await program.written('left')).toBe('yes')
    expect((await program.call()).status).toBe(200)
  })

  test('is refused an upgrade', async () => {
    const answer = await nodeServer().call({ headers: { 'sec-websocket-key': 'x', 'sec-websocket-version': '13' } })
    expect(answer.status).toBe(501)
    expect(answer.body.toString()).toContain('cannot change the protocol')
  })

  test('has its output in the log', async () => {
    const program = nodeServer()
    await program.call()
    await program.logged('to stdout')
    await program.logged('to stderr')
  })
})

describe('an answer', () => {
  const OK = 'HTTP/1.1 200 OK\r\n'
  const good: Record<string, readonly string[]> = {
    interim: ['HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n', `${OK}content-length: 2\r\n\r\nok`],
    'in two pieces': ['HTTP/1.1 200', ' OK\r\ncontent-le', 'ngth: 2\r\n\r', '\no', 'k'],
    'up to the end': [`${OK}\r\nok`, 'close'],
    'in chunks with extensions and trailers': [
      `${OK}transfer-encoding: chunked\r\n\r\n1;a=b\r\no\r\n`,
      '1\r\nk\r\n0\r\nx-trailer: 1\r\n\r\n',
    ],
    'with its length twice': [`${OK}content-length: 2\r\ncontent-length: 2\r\n\r\nok`],
    'with more than it said': [`${OK}content-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n`],
  }
  test.each(Object.keys(good))('%s is passed on, and the next call is not disturbed', async (name) => {
    const program = rawServer({ '/': good[name]!, '/plain': [`${OK}content-length: 5\r\n\r\nplain`] })
    for (const [url, text] of Object.entries({ '/': 'ok', '/plain': 'plain' })) {
      const { status, body, failure } = await program.call({ url })
      expect([failure, status, body.toString()]).toEqual([null, 200, text])
    }
  })

  const bad: Record<string, readonly [words: string, ...pieces: string[]]> = {
    'that is no HTTP': ['its first line is "hello", not', 'hello\r\n\r\n'],
    'with bare line feeds': ['its first line is', 'HTTP/1.1 200 OK\ncontent-length: 2\r\n\r\nok'],
    'with a broken header': ['one of its headers is "x y: 1"', `${OK}x y: 1\r\n\r\n`],
    'with two lengths': ['content-length is "2, 3"', `${OK}content-length: 2\r\ncontent-length: 3\r\n\r\nok`],
    'with a length that is none': ['content-length is "-2"', `${OK}content-length: -2\r\n\r\nok`],
    'with a length and chunks': ['both', `${OK}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n`],
    'with another coding': ['transfer-encoding is "gzip"', `${OK}transfer-encoding: gzip\r\n\r\n`],
    'with a chunk without a size': ['a chunk has no size', `${OK}transfer-encoding: chunked\r\n\r\nxyz\r\n`],
    'with a head that is too long': ['its head is longer', `${OK}x: ${'y'.repeat(70_000)}`],
    'with another protocol': ['status 101', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    'that is none': ['without answering GET /bad', 'close'],
    'that ends in its head': ['within the head', 'HTTP/1.1 2', 'close'],
  }
  test.each(Object.keys(bad))('%s fails the call, and only that', async (name) => {
    const [words, ...pieces] = bad[name]!
    const program = rawServer({ '/bad': pieces, '/plain': [`${OK}content-length: 5\r\n\r\nplain`] })
    const { failure } = await program.call({ url: '/bad' })
    expect(failure?.details.report?.message ?? failure?.message).toContain(words)
    expect(await program.text({ url: '/plain' })).toBe('plain')
  })

  test('that breaks off is told as such', async () => {
    const begun = `${OK}content-length: 10\r\n\r\nhalf`
    const { failure } = await rawServer({ '/': [begun, 'close'] }).call()
    expect(failure).toMatchObject({ code: 'response-aborted' })
  })

  test('is asked for again where a kept connection turns out closed, unless that could be a second time', async () => {
    const ok = `${OK}content-length: 2\r\n\r\nok`
    const program = rawServer({ '/': [ok, 'close-the-next'], '/get': [ok], '/post': [ok], '/keyed': [ok] })
    await program.call()
    expect(await program.text({ url: '/get' })).toBe('ok')
    await program.call()
    // The connection of /get is the one that was used last; it is closed after this one.
    const { failure } = await program.call({ method: 'POST', url: '/post', body: 'x' })
    expect(failure?.details.report?.message).toContain('without answering POST /post')
    await program.call()
    expect(await program.text({ method: 'POST', url: '/keyed', headers: { 'idempotency-key': '1' }, body: 'x' })).toBe(
      'ok',
    )
    expect(JSON.parse(await program.text({ url: '/count' }))).toMatchObject({ '/get': 1, '/keyed': 1 })
  })

  test('to a POST is not asked for again from a program that fails before it reads the body (RFC 9110, 9.2.2)', async () => {
    const files = {
      'server.py': `
import os, socketserver
from http.server import BaseHTTPRequestHandler
begun = 0
class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def address_string(self):
        return 'gateway'
    def do_GET(self):
        body = str(begun).encode()
        self.send_response(200)
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        global begun
        begun += 1
        raise Exception('before the body')
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
Server(os.environ['SOCKET'], Handler).serve_forever()
`,
    }
    const program = programOf('http', files, ['python3', 'server.py'])
    const bodies = [9_000, 20_000, 40_000, 60_000]
    for (const length of bodies) {
      // Leaves a kept connection for the POST.
      await program.call()
      const body = 'x'.repeat(length)
      const headers = { 'content-length': String(length) }
      const { failure } = await program.call({ method: 'POST', headers, body })
      expect(failure?.code).toBe('handler-threw')
    }
    expect(await program.text()).toBe(String(bodies.length))
  })
})

describe('a program that cannot be loaded says why', () => {
  const soon = { bootTimeoutMs: 2_000 }
  const failureOf = async (files: Record<string, string>, command: string[] | null, settings = {}) => {
    const { failure } = await programOf('http', files, command, settings).call()
    expect(failure).toMatchObject({ code: 'init-failed' })
    return failure!.message
  }

  test('it exits', async () => {
    const message = await failureOf({ 'a.py': 'import sys\nthis is no python' }, ['python3', 'a.py'])
    expect(message).toMatch(/"python3 a.py" ended with exit code 1 before it could listen on \$PORT/)
    expect(message).toContain('SyntaxError')
  })

  test('it never listens', async () => {
    const message = await failureOf({ 'a.sh': 'echo waiting >&2; exec sleep 60' }, ['sh', 'a.sh'], soon)
    expect(message).toMatch(/runs, but within 1.6 s it did not listen on \$PORT \(\d+\)/)
    expect(message).toContain('waiting')
  })

  test('it is not there', async () => {
    expect(await failureOf({ a: '' }, ['no-such-program'])).toContain('there is none on PATH')
    expect(await failureOf({ a: '' }, ['./server'])).toContain("the file does not exist in the function's folder")
    expect(await failureOf({ server: '#!/bin/sh' }, ['server'])).toContain('is named "./server"')
    expect(await failureOf({ a: '' }, null)).toContain('There is no command')
  })

  test('it cannot be executed', async () => {
    expect(await failureOf({ server: 'echo' }, ['./server'])).toContain('chmod +x ./server')
    expect(await failureOf({ server: '#!/no/such/sh\n' }, ['./server'])).toContain('"#!/no/such/sh", cannot be run')
    expect(await failureOf({ server: '#!/bin/sh\r\n' }, ['./server'])).toContain('Unix line ends')
  })
})

describe('the end of a program', () => {
  test('is the end of its worker, and another one takes the next call', async () => {
    const program = nodeServer()
    const death = program.death()
    const { failure } = await program.call({ url: '/exit' })
    expect(failure).toMatchObject({ code: 'worker-died' })
    expect(failure!.message).toContain('exit code 3')
    expect(await death).toMatchObject({ reason: 'crash' })
    await program.logged('"node server.mjs" ended with exit code 3; its worker ends with it')
    expect((await program.call()).status).toBe(200)
  })

  test('by a signal is told, too', async () => {
    const program = nodeServer()
    expect((await program.call({ url: '/kill' })).failure).toMatchObject({ code: 'worker-died' })
    await program.logged('was ended by SIGSEGV')
  })

  test('is asked for before the worker goes', async () => {
    const program = nodeServer()
    await program.call()
    const death = program.death()
    await program.pool.close(5_000)
    // By itself: one that waits too long is ended by a signal.
    expect(await death).toMatchObject({ exitCode: 0, signal: null })
    expect(await program.written('asked-to-go')).toBe('yes')
  })

  test('comes with that of its worker, however much it holds on', async () => {
    const files = {
      'server.py': `
import os, signal, socket
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    open('child', 'w').write(str(os.getpid()) + '\\n')
    signal.pause()
server = socket.socket(socket.AF_UNIX)
server.bind(os.environ['SOCKET'])
server.listen()
connection, _ = server.accept()
while True:
    connection.recv(65536)
    connection.sendall(b'HTTP/1.1 204 No Content\\r\\n\\r\\n')
`,
    }
    const program = programOf('http', files, ['python3', 'server.py'])
    expect((await program.call()).status).toBe(204)
    const child = Number(await program.written('child'))
    await program.pool.close(0)
    await eventually(() => !isAlive(child))
  })
})
