import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { arrive, arriving, type Incoming, NativeRequest, thrownBy, twins } from './twins.ts'

const HEADERS = [
  ['accept', 'text/html'],
  ['accept', 'text/plain'],
  ['cookie', 'a=b'],
  ['cookie', 'c=d'],
  ['x-latin', 'é\xff'],
  ['x-empty', ''],
] as const

const POST: Incoming = { method: 'POST', body: '{"a":"ä"}', headers: [['content-type', 'application/json']] }
const CHUNKED: Incoming = { method: 'POST', chunks: ['{"a":', '"ä"}'], headers: [['content-type', 'application/json']] }
const READERS = ['text', 'json', 'arrayBuffer', 'bytes', 'blob'] as const

describe.each(twins)('$kind', ({ request }) => {
  it('is a Request to whoever asks', () => {
    const req = request()
    expect(req instanceof Request).toBe(true)
    expect(req instanceof NativeRequest).toBe(true)
    expect(req instanceof Response).toBe(false)
    expect(req.constructor).toBe(Request)
    expect(Object.prototype.toString.call(req)).toBe('[object Request]')
  })

  it('shows method, URL and headers', () => {
    const req = request({ method: 'DELETE', target: '/a?b', headers: HEADERS })
    expect([req.method, req.url]).toEqual(['DELETE', 'http://localhost/a?b'])
    expect([...req.headers]).toEqual([
      ['accept', 'text/html, text/plain'],
      ['cookie', 'a=b; c=d'],
      ['host', 'localhost'],
      ['x-empty', ''],
      ['x-latin', 'é\xff'],
    ])
    expect(req.headers.get('ACCEPT')).toBe('text/html, text/plain')
    expect(req.headers).toBe(req.headers)
  })

  it('has the other properties of a fresh request', () => {
    const req = request(POST) as unknown as Record<string, unknown>
    const shown = Object.fromEntries(Object.keys(CONSTANTS).map((name) => [name, req[name]]))
    expect(shown).toEqual(CONSTANTS)
  })

  it('has a signal that was not aborted', () => {
    expect(request().signal).toBeInstanceOf(AbortSignal)
    expect(request().signal.aborted).toBe(false)
  })

  it('lets itself be enumerated', () => {
    const names: string[] = []
    for (const name in request()) names.push(name)
    expect(names).toEqual(expect.arrayContaining(['method', 'url', 'headers', 'body', 'text', 'clone', 'signal']))
  })

  it('says what it is when it is logged', async () => {
    const req = request(POST)
    expect(inspect(req)).toMatch(
      /^Request \{\n {2}method: 'POST',\n {2}url: 'http:\/\/localhost\/',\n {2}headers: Headers \{/,
    )
    expect(await req.json()).toEqual({ a: 'ä' })
  })

  describe.each([
    ['GET', { method: 'GET' }],
    ['HEAD', { method: 'HEAD' }],
    ['an empty POST', { method: 'POST' }],
    ['an empty POST that says so', { method: 'POST', headers: [['content-length', '0']] }],
    ['GET with a body, which Request does not know', { method: 'GET', body: 'x' }],
  ] satisfies [string, Incoming][])('of %s', (_name, incoming) => {
    it('has no body, and nothing is ever used up', async () => {
      const req = request(incoming)
      expect(req.body).toBeNull()
      expect(await req.text()).toBe('')
      expect(await req.text()).toBe('')
      expect((await req.arrayBuffer()).byteLength).toBe(0)
      expect((await req.blob()).size).toBe(0)
      expect(await thrownBy(() => req.json())).toBe('SyntaxError')
      expect(req.bodyUsed).toBe(false)
      expect(await req.clone().text()).toBe('')
    })
  })

  describe.each([
    ['a body that came whole', POST],
    ['a body in chunks', CHUNKED],
  ])('with %s', (_name, incoming) => {
    it('gives it in every form', async () => {
      expect(await request(incoming).text()).toBe('{"a":"ä"}')
      expect(await request(incoming).json()).toEqual({ a: 'ä' })
      const buffer = await request(incoming).arrayBuffer()
      expect(Object.prototype.toString.call(buffer)).toBe('[object ArrayBuffer]')
      expect(Buffer.from(buffer).toString()).toBe('{"a":"ä"}')
      const bytes = await request(incoming).bytes()
      expect(bytes.constructor).toBe(Uint8Array)
      expect(Buffer.from(bytes).toString()).toBe('{"a":"ä"}')
      const blob = await request(incoming).blob()
      expect([blob.type, await blob.text()]).toEqual(['application/json', '{"a":"ä"}'])
    })

    it.each(READERS)('is used up after %s(), and every second reader gets a TypeError', async (reader) => {
      const req = request(incoming)
      expect(req.bodyUsed).toBe(false)
      await req[reader]()
      expect(req.bodyUsed).toBe(true)
      expect(req.body?.locked).toBe(true)
      for (const second of READERS) expect(await thrownBy(() => req[second]())).toBe('TypeError')
      expect(await thrownBy(() => req.formData())).toBe('TypeError')
      expect(await thrownBy(() => req.clone())).toBe('TypeError')
      expect(await thrownBy(() => new Request(req))).toBe('TypeError')
      expect(await thrownBy(() => new Request('http://other/', req))).toBe('TypeError')
      expect(await thrownBy(() => fetch(req))).toBe('TypeError')
    })

    it('rejects rather than throws', async () => {
      const req = request(incoming)
      await req.text()
      for (const reader of [...READERS, 'formData'] as const) {
        const second: Promise<unknown> = req[reader]()
        expect(await second.catch((error: Error) => error.name)).toBe('TypeError')
      }
    })

    it('is used as soon as reading begins', () => {
      const req = request(incoming)
      void req.text()
      expect(req.bodyUsed).toBe(true)
    })

    it('gives the body as one and the same stream', async () => {
      const req = request(incoming)
      expect(req.body).toBeInstanceOf(ReadableStream)
      expect(req.body).toBe(req.body)
      const parts: Uint8Array[] = []
      for await (const part of req.body!) parts.push(part)
      expect(parts.every((part) => part.constructor === Uint8Array)).toBe(true)
      expect(Buffer.concat(parts).toString()).toBe('{"a":"ä"}')
      expect(req.bodyUsed).toBe(true)
      expect(await thrownBy(() => req.text())).toBe('TypeError')
    })

    it('can be read after somebody merely looked at the stream', async () => {
      const req = request(incoming)
      expect(req.body !== null && !req.body.locked).toBe(true)
      expect(req.bodyUsed).toBe(false)
      expect(await req.json()).toEqual({ a: 'ä' })
      expect(req.bodyUsed).toBe(true)
    })

    it('cannot be read while somebody holds the stream, though it is not used yet', async () => {
      const req = request(incoming)
      const reader = req.body!.getReader()
      expect(req.bodyUsed).toBe(false)
      expect(await thrownBy(() => req.text())).toBe('TypeError')
      expect(await thrownBy(() => req.clone())).toBe('TypeError')
      reader.releaseLock()
      expect(await req.text()).toBe('{"a":"ä"}')
    })

    it('lets the stream be piped, split and read into a buffer of the reader', async () => {
      const upper = new TransformStream<Uint8Array, Uint8Array>({
        transform: (part, to) => to.enqueue(Buffer.from(Buffer.from(part).toString('latin1').toUpperCase(), 'latin1')),
      })
      expect(await text(request(incoming).body!.pipeThrough(upper))).toContain('{"A":')

      const [left, right] = request(incoming).body!.tee()
      expect(await Promise.all([text(left), text(right)])).toEqual(['{"a":"ä"}', '{"a":"ä"}'])

      const reader = request(incoming).body!.getReader({ mode: 'byob' })
      const { value } = await reader.read(new Uint8Array(3))
      expect(Buffer.from(value!).toString()).toBe('{"a')
    })

    it('is used once its stream was cancelled', async () => {
      const req = request(incoming)
      await req.body!.cancel()
      expect(req.bodyUsed).toBe(true)
      expect(await thrownBy(() => req.text())).toBe('TypeError')
    })

    it('can be cloned, and both can be read', async () => {
      const req = request(incoming)
      const copy = req.clone()
      expect([copy.method, copy.url, copy.headers.get('content-type')]).toEqual([
        'POST',
        'http://localhost/',
        'application/json',
      ])
      expect(await copy.json()).toEqual({ a: 'ä' })
      expect(req.bodyUsed).toBe(false)
      expect(await req.json()).toEqual({ a: 'ä' })
      expect(req.bodyUsed).toBe(true)
    })

    it('gives clones the headers as the handler has changed them', () => {
      const req = request(incoming)
      const { headers } = req
      headers.set('x-a', '1')
      expect(req.clone().headers.get('x-a')).toBe('1')
      headers.set('x-a', '2')
      headers.delete('content-type')
      expect(req.headers.get('x-a')).toBe('2')
      expect([...req.clone().headers]).toEqual([...headers])
    })
  })

  it('has a body, though an empty one, when it was announced and nothing came', async () => {
    const req = request({ method: 'POST', chunks: [] })
    expect(req.body).toBeInstanceOf(ReadableStream)
    expect(await req.text()).toBe('')
    expect(req.bodyUsed).toBe(true)
  })

  it('takes the byte order mark off a text and leaves other bytes alone', async () => {
    const body = Buffer.from('\ufeffa')
    expect(await request({ method: 'POST', body }).text()).toBe('a')
    expect((await request({ method: 'POST', body }).bytes()).length).toBe(4)
    expect(await request({ method: 'POST', body: Buffer.from([0x61, 0xff]) }).text()).toBe('a\ufffd')
  })

  it('rejects JSON that is none with a SyntaxError', async () => {
    expect(await thrownBy(() => request({ method: 'POST', body: '{' }).json())).toBe('SyntaxError')
  })

  it('reads forms of both kinds, files included', async () => {
    const fields = request({
      method: 'POST',
      body: 'a=1&a=2&b=%C3%A4',
      headers: [['content-type', 'application/x-www-form-urlencoded']],
    })
    expect([...(await fields.formData())]).toEqual([
      ['a', '1'],
      ['a', '2'],
      ['b', 'ä'],
    ])

    const given = new FormData()
    given.append('name', 'x')
    given.append('file', new File(['content'], 'f.txt', { type: 'text/plain' }))
    const encoded = new NativeRequest('http://x', { method: 'POST', body: given })
    const type = encoded.headers.get('content-type')!
    const form = await request({
      method: 'POST',
      body: await encoded.bytes(),
      headers: [['content-type', type]],
    }).formData()
    const file = form.get('file') as File
    expect([form.get('name'), file.name, file.type, await file.text()]).toEqual(['x', 'f.txt', 'text/plain', 'content'])
  })
})

const CONSTANTS = {
  cache: 'default',
  credentials: 'same-origin',
  destination: '',
  duplex: 'half',
  integrity: '',
  isHistoryNavigation: false,
  isReloadNavigation: false,
  keepalive: false,
  mode: 'cors',
  redirect: 'follow',
  referrer: 'about:client',
  referrerPolicy: '',
}

describe('a lazy request', () => {
  it('knows every member that a native one knows', () => {
    const { request } = arrive({})
    const names = Object.keys(Object.getOwnPropertyDescriptors(NativeRequest.prototype))
    for (const name of names) expect(() => Reflect.get(request, name)).not.toThrow()
  })

  it('shows that the caller has left, also to clones and copies', () => {
    const { request, caller } = arrive(POST)
    const copies = [request.clone(), new Request('http://other/', request.clone())]
    expect(request.signal).toBe(request.signal)
    caller.abort(new DOMException('left', 'AbortError'))
    for (const one of [request, ...copies])
      expect([one.signal.aborted, one.signal.reason.message]).toEqual([true, 'left'])
  })

  it('gives its reader the error when the caller leaves midway', async () => {
    const left = new DOMException('left', 'AbortError')
    const readers: ((request: Request) => Promise<unknown>)[] = [
      (request) => request.text(),
      (request) => request.json(),
      (request) => request.bytes(),
      (request) => request.blob(),
      (request) => request.formData(),
      (request) => text(request.body!),
      (request) => request.clone().text(),
      (request) => new Request(request).text(),
      (request) => new Request('http://other/', request).text(),
    ]
    for (const read of readers) {
      const { request, body } = arriving({
        ...CHUNKED,
        headers: [['content-type', 'application/x-www-form-urlencoded']],
      })
      const outcome = read(request).then(
        () => 'read',
        (error: unknown) => error,
      )
      body.push(Buffer.from('a='))
      body.abort(left)
      expect(await outcome).toBe(left)
    }
  })

  it('can still be read after the caller has left if all of it had come', async () => {
    const { request, body } = arrive(CHUNKED)
    body.abort(new Error('left'))
    expect(await request.json()).toEqual({ a: 'ä' })
  })

  it('gives bytes as they come, and grants as they are taken', async () => {
    const { request, body, grants } = arriving(CHUNKED)
    const reader = request.body!.getReader()
    body.push(Buffer.from('one'))
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('one')
    expect(grants).toEqual([3])
    body.push(Buffer.from('three'))
    expect(grants).toEqual([3])
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('three')
    expect(grants).toEqual([3, 5])
    body.end()
    expect((await reader.read()).done).toBe(true)
  })
})
