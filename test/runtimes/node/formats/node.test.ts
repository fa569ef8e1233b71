/** Plain `(req, res)` functions: Node's own contract over a call, without a socket. */
import { describe, expect, test } from 'vitest'
import { CalledFunction } from './called.ts'

const node = (text: string, imports = '') =>
  CalledFunction.of({ 'index.mjs': `${imports}\nexport default ${text}` }, { format: 'node' })

describe('the request', () => {
  test('has what Node gives: method, target, headers, the version, who called', async () => {
    const called = node(`(req, res) => {
      const { method, url, headers, rawHeaders, httpVersion, complete } = req
      const { remoteAddress, encrypted } = req.socket
      res.end(JSON.stringify({ method, url, headers, rawHeaders, httpVersion, remoteAddress, encrypted }))
    }`)
    const headers = { 'x-forwarded-for': '10.0.0.7, 192.0.2.3, 127.0.0.1', cookie: 'a=1' }
    expect(JSON.parse(await called.text({ url: '/a?b=c', headers }))).toEqual({
      method: 'GET',
      url: '/a?b=c',
      headers: { host: 'localhost:8787', ...headers },
      rawHeaders: ['host', 'localhost:8787', ...Object.entries(headers).flat()],
      httpVersion: '1.1',
      remoteAddress: '192.0.2.3',
      encrypted: false,
    })
  })

  test.each([
    ['different names', { 'x-one': '1', cookie: 'a=1', 'transfer-encoding': 'chunked' }],
    ['names that come twice', { accept: 'a\naccept\nb', 'x-one': '1\nx-one\n2', cookie: 'a=1\ncookie\nb=2' }],
    ['one of which only the first counts', { host: 'one\nhost\ntwo', 'content-type': 'a\ncontent-type\nb' }],
    ['arrays', { 'set-cookie': 'a=1' }],
    ['what objects have', { constructor: 'a', valueof: 'b' }],
    ['a prototype', { 'x-one': '1\n__proto__\nb' }],
  ])('has the headers that Node would make of %s, once', async (_, headers) => {
    const called = node(
      `(req, res) => {
        const own = new http.IncomingMessage(null)
        own._addHeaderLines(req.rawHeaders, req.rawHeaders.length)
        assert.deepStrictEqual(req.headers, own.headers)
        req.headers.mark = 'kept'
        Object.setPrototypeOf(req, http.IncomingMessage.prototype)
        res.end(req.headers.mark)
      }`,
      "import assert from 'node:assert'\nimport http from 'node:http'",
    )
    expect(await called.text({ headers: headers as unknown as Record<string, string> })).toBe('kept')
  })

  test('is an IncomingMessage, the response a ServerResponse', async () => {
    const called = node(
      '(req, res) => res.end(String([req instanceof http.IncomingMessage, res instanceof http.ServerResponse]))',
      "import http from 'node:http'",
    )
    expect(await called.text()).toBe('true,true')
  })

  test('is a stream of its body', async () => {
    const called = node(`async (req, res) => {
      let text = ''
      for await (const chunk of req) text += chunk
      res.end(text + ' ' + req.complete + ' ' + req.headers['transfer-encoding'])
    }`)
    expect(await called.text({ method: 'POST', body: 'sent' })).toBe('sent true chunked')
    const headers = { 'content-length': '4' }
    expect(await called.text({ method: 'POST', body: 'sent', headers })).toBe('sent true undefined')
  })

  test('without a body ends at once for whoever reads it', async () => {
    const called = node("(req, res) => req.on('end', () => res.end('ended')).resume()")
    expect(await called.text()).toBe('ended')
  })

  test('of a megabyte can be piped into the response', async () => {
    const called = node('(req, res) => pipeline(req, res)', "import { pipeline } from 'node:stream/promises'")
    const body = Buffer.alloc(1_000_000, 'megabyte ')
    expect((await called.call({ method: 'POST', body })).body.equals(body)).toBe(true)
  })
})

describe('the response', () => {
  test('keeps the case of names, several values of one, and numbers', async () => {
    const called = node(`(req, res) => {
      res.statusCode = 201
      res.setHeader('X-Number', 42)
      res.setHeader('Set-Cookie', ['a=1', 'b=2'])
      res.appendHeader('Vary', 'accept')
      res.appendHeader('vary', 'origin')
      res.end('made')
    }`)
    const { status, fields, body } = await called.call()
    expect([status, body.toString()]).toEqual([201, 'made'])
    expect(fields).toEqual([
      ['X-Number', '42'],
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
      ['Vary', 'accept'],
      ['Vary', 'origin'],
    ])
  })

  test.each([
    ["{ 'X-A': '1', 'set-cookie': ['a', 'b'] }"],
    ["['X-A', '1', 'set-cookie', 'a', 'set-cookie', 'b']"],
    ["[['X-A', '1'], ['set-cookie', ['a', 'b']]]"],
    ["'Fine', { 'X-A': '1', 'set-cookie': ['a', 'b'] }"],
  ])('takes writeHead(200, %s)', async (given) => {
    const { fields, body } = await node(`(req, res) => res.writeHead(200, ${given}).end('x')`).call()
    expect(fields).toEqual([
      ['X-A', '1'],
      ['set-cookie', 'a'],
      ['set-cookie', 'b'],
    ])
    expect(body.toString()).toBe('x')
  })

  test('gives writeHead precedence over what was set', async () => {
    const called = node(
      "(req, res) => res.setHeader('x-a', 'set').setHeader('x-b', 'b').writeHead(200, { 'X-A': 'given' }).end()",
    )
    expect((await called.call()).fields).toEqual([
      ['X-A', 'given'],
      ['x-b', 'b'],
    ])
  })

  test('refuses what Node refuses, and the handler hears of it', async () => {
    const called = node(`(req, res) => {
      const codes = []
      res.on('error', () => {})
      for (const mistake of [
        () => res.setHeader('bad name', 'x'),
        () => res.writeHead(200, { 'x-a': 'line\\nbreak' }),
        () => res.write(42),
      ]) try { mistake() } catch (error) { codes.push(error.code) }
      res.end(codes.join())
      try { res.setHeader('late', 'x') } catch (error) { console.log(error.code) }
      res.write('late', (error) => console.log(error.code))
    }`)
    expect(await called.text()).toBe('ERR_INVALID_HTTP_TOKEN,ERR_INVALID_CHAR,ERR_INVALID_ARG_TYPE')
    await expect.poll(() => called.log.length).toBe(2)
    expect(called.log.sort()).toEqual(['ERR_HTTP_HEADERS_SENT', 'ERR_STREAM_WRITE_AFTER_END'])
  })

  test('has no body for HEAD, 204 and 304, whatever is written', async () => {
    const called = node(`(req, res) => {
      if (req.method === 'HEAD') res.setHeader('Content-Length', 4)
      res.writeHead(Number(req.url.slice(1))).end('body')
    }`)
    const head = await called.call({ method: 'HEAD', url: '/200' })
    expect([head.body.length, head.fields]).toEqual([0, [['Content-Length', '4']]])
    for (const status of [204, 304]) {
      const answer = await called.call({ url: `/${status}` })
      expect([answer.status, answer.body.length]).toEqual([status, 0])
    }
  })

  test("tells of finish and close, and of what was written, in Node's order", async () => {
    const called = node(`(req, res) => {
      for (const event of ['prefinish', 'finish', 'close']) res.on(event, () => console.log(event))
      res.write('a', () => console.log('written'))
      res.end('b', () => console.log('ended ' + res.writableFinished))
      console.log('end returned ' + res.writableEnded + ' ' + res.headersSent)
    }`)
    expect(await called.text()).toBe('ab')
    await expect.poll(() => called.log.at(-1)).toBe('close')
    await expect
      .poll(() => called.log)
      .toEqual(['prefinish', 'end returned true true', 'written', 'ended true', 'finish', 'close'])
  })

  test('streams with backpressure: write says false, then drain comes', async () => {
    const called = node(
      `async (req, res) => {
      let waits = 0
      for (let n = 0; n < 64; n++) if (!res.write(Buffer.alloc(64 * 1024, n))) {
        waits++
        await once(res, 'drain')
      }
      res.end()
      console.log('waited ' + (waits > 0))
    }`,
      "import { once } from 'node:events'",
    )
    const { body } = await called.call()
    expect(body.length).toBe(4 * 1024 * 1024)
    expect(body[64 * 1024 * 63]).toBe(63)
    await expect.poll(() => called.log).toEqual(['waited true'])
  })

  test('takes text in other encodings, and Uint8Arrays', async () => {
    const called = node(
      "(req, res) => { res.write('68c3a9', 'hex'); res.write('\\u00e9', 'latin1'); res.end(new Uint8Array([33])) }",
    )
    expect((await called.call()).body.toString('latin1')).toBe('hÃ©é!')
  })
})

describe('a failure', () => {
  test.each([
    ['thrown', '() => { throw new TypeError("mine") }'],
    ['rejected', 'async () => { throw new TypeError("mine") }'],
  ])('%s before the answer fails the call', async (_, text) => {
    expect((await node(text).call()).failure).toMatchObject({
      code: 'handler-threw',
      message: expect.stringContaining('mine'),
    })
  })

  test('after the head breaks the answer off', async () => {
    const called = node(
      `async (req, res) => { res.write('begun'); await 0; await new Promise(setImmediate); throw new Error('mine') }`,
    )
    const { status, failure } = await called.call()
    expect([status, failure!.code]).toEqual([200, 'response-aborted'])
  })

  test('after the answer is logged', async () => {
    const called = node(`async (req, res) => { res.end('given'); await 0; throw new Error('too late') }`)
    expect(await called.text()).toBe('given')
    await expect.poll(() => called.log.join('\n')).toContain('too late')
  })

  test('by destroying the response is one', async () => {
    const { failure } = await node('(req, res) => res.destroy()').call()
    expect(failure).toMatchObject({ code: 'handler-threw' })
  })

  test('handed to next is one, and next() alone is 404', async () => {
    const called = node("(req, res, next) => next(req.url === '/bad' ? new Error('mine') : undefined)")
    expect((await called.call()).status).toBe(404)
    expect((await called.call({ url: '/bad' })).failure!.message).toContain('mine')
  })
})

describe('a caller that leaves', () => {
  test('aborts the request and closes the response, and what is still written goes nowhere', async () => {
    const called = node(`(req, res) => {
      req.on('aborted', () => console.log('req aborted')).on('close', () => console.log('req close'))
      res.on('close', () => {
        console.log('res close ' + res.writableFinished)
        res.write('late', (error) => console.log(error.code))
        res.end()
      })
      res.write('begun')
    }`)
    void called.call({}, (probe) => probe.cancel())
    await expect
      .poll(() => [...called.log].sort())
      .toEqual(['ERR_STREAM_DESTROYED', 'req aborted', 'req close', 'res close false'])
  })

  test('ends a stream that is piped to it', async () => {
    const called = node(
      `(req, res) => {
        const source = new Readable({ read() { this.push('x'.repeat(1000)) } })
        pipeline(source, res, (error) => console.log(error.code + ' ' + source.destroyed))
      }`,
      "import { pipeline, Readable } from 'node:stream'",
    )
    void called.call({}, (probe) => probe.cancel())
    await expect.poll(() => called.log).toEqual(['ERR_STREAM_PREMATURE_CLOSE true'])
  })
})
