import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Origin, startOrigin } from './origin-server.ts'
import { arrive, arriving, type Incoming, thrownBy, twins } from './twins.ts'

const POST: Incoming = {
  method: 'POST',
  target: '/from?a=b',
  body: 'hello',
  headers: [
    ['content-type', 'text/x'],
    ['x-a', '1'],
  ],
}
const CHUNKED: Incoming = { ...POST, body: undefined, chunks: ['hel', 'lo'] }

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

let origin: Origin
beforeAll(async () => {
  origin = await startOrigin(async (request, response) => {
    const body = await text(request)
    const { method, url, headers } = request
    response.end(JSON.stringify({ method, url, headers, body }))
  })
})
afterAll(() => origin.close())

const hostOf = (url: string): string => new URL(url).host

describe.each(twins)('$kind, handed to', ({ request }) => {
  describe.each([
    ['whole', POST],
    ['in chunks', CHUNKED],
  ])('another class with its body %s', (_name, incoming) => {
    it('new Request(request) becomes a copy that takes the body', async () => {
      const req = request(incoming)
      const copy = new Request(req)
      expect([copy.method, copy.url, copy.headers.get('x-a')]).toEqual(['POST', 'http://localhost/from?a=b', '1'])
      expect([req.bodyUsed, copy.bodyUsed]).toEqual([true, false])
      expect(await thrownBy(() => req.text())).toBe('TypeError')
      expect(await copy.text()).toBe('hello')
    })

    it('new Request(request, init) is changed as the init says', async () => {
      const copy = new Request(request(incoming), { method: 'PUT', headers: { 'x-b': '2' } })
      expect([copy.method, [...copy.headers]]).toEqual(['PUT', [['x-b', '2']]])
      expect(await copy.text()).toBe('hello')
    })

    it('new Request(request, { method }) refuses a method that has no body', async () => {
      expect(await thrownBy(() => new Request(request(incoming), { method: 'GET' }))).toBe('TypeError')
    })

    it('new Request(request, { body }) leaves the first body alone', async () => {
      const req = request(incoming)
      const copy = new Request(req, { body: 'other' })
      expect(await copy.text()).toBe('other')
      expect(copy.headers.get('content-type')).toBe('text/x')
      expect(req.bodyUsed).toBe(false)
      expect(await req.text()).toBe('hello')
    })

    it('new Request(request, { body }) works when the first body was read or is being read', async () => {
      const read = request(incoming)
      const text = await read.text()
      expect(await new Request(read, { body: `${text}!` }).text()).toBe('hello!')

      const held = request(incoming)
      const reader = held.body!.getReader()
      await reader.read()
      expect(await new Request(held, { body: 'other' }).text()).toBe('other')
    })

    it('new Request(request, { body: null }) inherits the body', async () => {
      expect(await new Request(request(incoming), { body: null }).text()).toBe('hello')
    })

    it('new Request(url, request) goes elsewhere with everything', async () => {
      const req = request(incoming)
      const copy = new Request(`${origin.url}/to`, req)
      expect([copy.method, copy.url, copy.headers.get('x-a')]).toEqual(['POST', `${origin.url}/to`, '1'])
      expect(await copy.text()).toBe('hello')
      expect(req.bodyUsed).toBe(true)
    })

    it('fetch(request) sends it', async () => {
      const req = request({ ...incoming, host: hostOf(origin.url) })
      const seen = await seenBy(fetch(req))
      expect(seen).toMatchObject({ method: 'POST', url: '/from?a=b', body: 'hello' })
      expect(seen.headers).toMatchObject({ 'x-a': '1', 'content-type': 'text/x', host: hostOf(origin.url) })
      expect(req.bodyUsed).toBe(true)
    })

    it('fetch(request) sends it with the content-length that the caller gave', async () => {
      const headers = [...incoming.headers!, ['content-length', '5']] as const
      const seen = await seenBy(fetch(request({ ...incoming, headers, host: hostOf(origin.url) })))
      expect(seen).toMatchObject({ body: 'hello', headers: { 'content-length': '5' } })
    })

    it('fetch(request, init) sends it changed', async () => {
      const req = request({ ...incoming, host: hostOf(origin.url) })
      const seen = await seenBy(fetch(req, { method: 'PUT', headers: { 'x-b': '2' } }))
      expect(seen).toMatchObject({ method: 'PUT', body: 'hello', headers: { 'x-b': '2' } })
      expect(seen.headers).not.toHaveProperty('x-a')
    })

    it('fetch(new Request(url, request)) sends it elsewhere', async () => {
      const seen = await seenBy(fetch(new Request(`${origin.url}/to`, request(incoming))))
      expect(seen).toMatchObject({ method: 'POST', url: '/to', body: 'hello', headers: { 'x-a': '1' } })
    })

    it('fetch(url, request) sends it elsewhere', async () => {
      const seen = await seenBy(fetch(`${origin.url}/to`, request(incoming)))
      expect(seen).toMatchObject({ method: 'POST', url: '/to', body: 'hello', headers: { 'x-a': '1' } })
    })
  })

  it('fetch of a request that was read rejects, and does not throw', async () => {
    const req = request(POST)
    await req.text()
    const answer = fetch(req)
    expect(await thrownBy(() => answer)).toBe('TypeError')
  })

  it('fetch of a GET goes without a body', async () => {
    const seen = await seenBy(fetch(new Request(`${origin.url}/to`, request({ headers: [['x-a', '1']] }))))
    expect(seen).toMatchObject({ method: 'GET', url: '/to', body: '', headers: { 'x-a': '1' } })
  })

  it('fetch gets the headers as the handler has changed them', async () => {
    const req = request({ host: hostOf(origin.url) })
    const { headers } = req
    req.clone()
    headers.set('x-late', '1')
    expect((await seenBy(fetch(req))).headers).toMatchObject({ 'x-late': '1' })
  })

  it('a subclass is its own class, and only that', async () => {
    class Special extends Request {
      readonly isSpecial = true
    }
    const special = new Special(request(POST))
    expect([special.isSpecial, await special.text()]).toEqual([true, 'hello'])
    expect([special instanceof Special, special instanceof Request]).toEqual([true, true])
    expect([request() instanceof Special, new Request('http://x/') instanceof Special]).toEqual([false, false])
  })
})

async function seenBy(answer: Promise<Response>): Promise<Seen> {
  return (await (await answer).json()) as Seen
}

describe('a lazy request', () => {
  it('goes elsewhere with the name of the other host, as on Workers', async () => {
    const request = () => arrive({ host: 'gateway.example' }).request
    const answers = [fetch(`${origin.url}/to`, request()), fetch(new Request(`${origin.url}/to`, request()))]
    for (const answer of answers) expect((await seenBy(answer)).headers.host).toBe(hostOf(origin.url))
  })

  it('streams its body through fetch: the origin has the first part before the last has come', async () => {
    const firstPart = Promise.withResolvers<string>()
    const streaming = await startOrigin(async (request, response) => {
      for await (const part of request) {
        firstPart.resolve(String(part))
        response.write(part)
      }
      response.end()
    })
    try {
      const { request, body } = arriving({ method: 'POST', chunks: [] })
      const answer = fetch(new Request(streaming.url, request))
      body.push(Buffer.from('first '))
      expect(await firstPart.promise).toBe('first ')
      body.push(Buffer.from('last'))
      body.end()
      expect(await (await answer).text()).toBe('first last')
    } finally {
      await streaming.close()
    }
  })

  it('ends the fetch that it was handed to when the caller leaves', async () => {
    const arrived = Promise.withResolvers<void>()
    const silent = await startOrigin(() => arrived.resolve())
    try {
      const { request, caller } = arrive({ host: hostOf(silent.url) })
      const answer = fetch(request)
      await arrived.promise
      caller.abort(new DOMException('left', 'AbortError'))
      expect(await thrownBy(() => answer)).toBe('AbortError')
    } finally {
      await silent.close()
    }
  })
})

describe('fetch in a worker', () => {
  it('takes a text and a URL as ever', async () => {
    expect(await seenBy(fetch(`${origin.url}/a`, { method: 'PUT', body: 'x' }))).toMatchObject({ url: '/a', body: 'x' })
    expect(await seenBy(fetch(new URL('/b', origin.url)))).toMatchObject({ url: '/b' })
    expect(await seenBy(fetch(new Request(`${origin.url}/c`)))).toMatchObject({ url: '/c' })
  })

  it('rejects what is no URL, and never throws', async () => {
    const answer = fetch('not a url')
    expect(await thrownBy(() => answer)).toBe('TypeError')
  })

  it('gives a Response', async () => {
    const response = await fetch(origin.url)
    expect([response instanceof Response, response.constructor === Response]).toEqual([true, true])
    await response.body?.cancel()
  })
})
