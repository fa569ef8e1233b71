import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { ResponseBody } from '../../../../warmpool/runtimes/node/web/native.ts'
import { toOutgoing } from '../../../../warmpool/runtimes/node/web/response.ts'
import { NativeResponse, responseClasses, send, thrownBy } from './twins.ts'

type BodyOf = () => ResponseBody | undefined

const ENCODER = new TextEncoder()
const streamOf = (...parts: string[]): ReadableStream<Uint8Array> =>
  ReadableStream.from(parts.map((part) => ENCODER.encode(part))) as ReadableStream<Uint8Array>

/** What each kind of body shows of itself: its text and the content type that it implies. */
const BODIES: [string, BodyOf, string | null, string | null][] = [
  ['undefined', () => undefined, null, null],
  ['null', () => null, null, null],
  ['an empty text', () => '', '', 'text/plain;charset=UTF-8'],
  ['a text', () => 'hällo', 'hällo', 'text/plain;charset=UTF-8'],
  ['a text with half a character', () => 'a\ud800b', 'a\ufffdb', 'text/plain;charset=UTF-8'],
  ['a Uint8Array', () => ENCODER.encode('hällo'), 'hällo', null],
  ['an empty Uint8Array', () => new Uint8Array(0), '', null],
  ['part of a Buffer', () => Buffer.from('xhellox').subarray(1, 6), 'hello', null],
  ['an ArrayBuffer', () => ENCODER.encode('hello').buffer, 'hello', null],
  ['a DataView', () => new DataView(ENCODER.encode('xhello').buffer, 1), 'hello', null],
  ['a Uint16Array', () => new Uint16Array(ENCODER.encode('hell').buffer), 'hell', null],
  ['a Blob', () => new Blob(['hello']), 'hello', null],
  ['a Blob with a type', () => new Blob(['hello'], { type: 'text/x' }), 'hello', 'text/x'],
  [
    'URLSearchParams',
    () => new URLSearchParams({ a: 'ä' }),
    'a=%C3%A4',
    'application/x-www-form-urlencoded;charset=UTF-8',
  ],
  ['a stream', () => streamOf('hel', 'lo'), 'hello', null],
  ['an async iterable', () => asyncParts('hel', 'lo') as unknown as ResponseBody, 'hello', null],
  ['a number', () => 404 as unknown as ResponseBody, '404', 'text/plain;charset=UTF-8'],
  ['an object', () => ({}) as unknown as ResponseBody, '[object Object]', 'text/plain;charset=UTF-8'],
]

async function* asyncParts(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield ENCODER.encode(part)
}

const HEADERS: [string, () => unknown][] = [
  ['none', () => undefined],
  ['an object', () => ({ 'X-A': '1', 'x-b': '2' })],
  [
    'pairs',
    () => [
      ['X-A', '1'],
      ['x-b', '2'],
    ],
  ],
  ['Headers', () => new Headers({ a: '1', 'set-cookie': 'a' })],
  ['a Map', () => new Map([['a', '1']])],
  [
    'a generator',
    () =>
      [
        ['a', '1'],
        ['b', 'x y'],
      ].values(),
  ],
  ['pairs that are sets', () => [new Set(['a', 'b'])]],
  ['numbers, booleans, null and undefined', () => ({ a: 1, b: true, c: null, d: undefined })],
  ['lists', () => ({ a: ['1', '2'] })],
  ['white space around', () => ({ a: ' x ', b: '\tx\t', c: 'x\n', d: ' ', e: '' })],
  ['spaces around', () => ({ a: ' x ', b: '\tx' })],
  ['a no-break space around', () => ({ a: '\xa0x\xa0' })],
  ['Latin-1', () => ({ a: 'é\xff' })],
  [
    'a name given twice',
    () => [
      ['a', '1'],
      ['A', '2'],
      ['b', '3'],
    ],
  ],
  ['a name in two cases', () => ({ a: '1', A: '2' })],
  [
    'several cookies',
    () => [
      ['set-cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ],
  ],
  ['many', () => Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`x-${at}`, `${at}`]))],
  ['null', () => null],
  ['a text', () => 'a: b'],
  ['a number', () => 5],
  ['a pair of one', () => [['a']]],
  ['a pair of three', () => [['a', 'b', 'c']]],
  ['a pair that is none', () => [5]],
  ['a name with a space', () => ({ 'a b': '1' })],
  ['an empty name', () => ({ '': '1' })],
  ['a name beyond ASCII', () => ({ ä: '1' })],
  ['a value beyond Latin-1', () => ({ a: '€' })],
  ['a line break', () => ({ a: 'x\r\ny: z' })],
  ['NUL', () => ({ a: 'x\0y' })],
]

const INITS: [string, unknown][] = [
  ['null', null],
  ['a number', 404],
  ['a text', 'x'],
  ['a function', () => 1],
  ...[
    200,
    201,
    299,
    300,
    404,
    599,
    600,
    199,
    101,
    100,
    0,
    -1,
    200.7,
    Number.NaN,
    '404',
    'x',
    null,
    undefined,
    65_736,
  ].map((status): [string, unknown] => [`status ${inspect(status)}`, { status }]),
  ...['Fine', '', 'é', '€', 'a\nb', 5, null, undefined].map((statusText): [string, unknown] => [
    `status text ${inspect(statusText)}`,
    { statusText },
  ]),
]

const shown = (response: Response): unknown => ({
  status: response.status,
  statusText: response.statusText,
  ok: response.ok,
  type: response.type,
  url: response.url,
  redirected: response.redirected,
  headers: [...response.headers],
  cookies: response.headers.getSetCookie(),
  hasBody: response.body !== null,
  bodyUsed: response.bodyUsed,
})

function outcome(make: () => Response): unknown {
  try {
    return shown(make())
  } catch (error) {
    return (error as Error).name
  }
}

describe('a lazy Response and a native one agree', () => {
  it.each(HEADERS)('about headers, shown and sent: %s', async (_name, given) => {
    const make = (Response: typeof globalThis.Response) => () =>
      new Response('x', { headers: given() as ResponseInit['headers'] })
    expect(outcome(make(Response))).toEqual(outcome(make(NativeResponse)))
    if (typeof outcome(make(Response)) === 'string') return
    expect(sorted((await send(make(Response)())).fields)).toEqual(sorted((await send(make(NativeResponse)())).fields))
  })

  it.each(INITS)('about an init of %s', (_name, init) => {
    for (const body of [null, 'x']) {
      const make = (Response: typeof globalThis.Response) => () => new Response(body, init as ResponseInit)
      expect(outcome(make(Response))).toEqual(outcome(make(NativeResponse)))
    }
  })

  it.each(BODIES)('about a body of %s', (_name, body) => {
    for (const headers of [undefined, { 'content-type': 'text/own' }, new Headers({ 'Content-Type': 'text/own' })]) {
      expect(shown(new Response(body(), { headers }))).toEqual(shown(new NativeResponse(body(), { headers })))
    }
  })

  it.each([204, 205, 304])('that %i has no body', (status) => {
    for (const body of [null, undefined, '', 'x', new Uint8Array(1), streamOf('x'), new Blob(['x'])]) {
      const make = (Response: typeof globalThis.Response) => () => new Response(body, { status })
      const native = outcome(make(NativeResponse))
      expect(outcome(make(Response))).toEqual(native)
    }
  })

  it('that a stream which is read or held is no body', () => {
    const held = streamOf('x')
    held.getReader()
    const read = streamOf('x')
    void read.cancel()
    for (const body of [held, read]) {
      expect(outcome(() => new NativeResponse(body))).toBe('TypeError')
      expect(outcome(() => new Response(body))).toBe('TypeError')
    }
  })

  it.each([
    ['an object', { a: 'ä' }, undefined],
    ['null', null, undefined],
    ['a status', 1, { status: 201, statusText: 'Made' }],
    ['headers', 1, { headers: { 'x-a': '1' } }],
    ['a type of its own', 1, { headers: { 'Content-Type': 'application/problem+json' } }],
    ['a type of its own in Headers', 1, { headers: new Headers({ 'content-type': 'text/plain;charset=UTF-8' }) }],
    ['a type of its own in pairs', 1, { headers: [['content-type', 'text/plain;charset=UTF-8']] }],
    ['a Map of headers', 1, { headers: new Map([['x-a', '1']]) as unknown as ResponseInit['headers'] }],
    ['undefined', undefined, undefined],
    ['a function', () => 1, undefined],
    ['a BigInt', 1n, undefined],
    ['a status without a body', 1, { status: 204 }],
    ['a wrong status', 1, { status: 99 }],
  ] as [string, unknown, ResponseInit | undefined][])('about Response.json of %s', async (_name, data, init) => {
    const make = (Response: typeof globalThis.Response) => () => Response.json(data, init)
    expect(outcome(make(Response))).toEqual(outcome(make(NativeResponse)))
    if (typeof outcome(make(Response)) === 'string') return
    expect(await make(Response)().text()).toBe(await make(NativeResponse)().text())
  })

  it('about Response.redirect', async () => {
    for (const args of [['http://x/ä'], ['http://x/', 301], ['http://x/', 200 as 301], ['/relative']] as Parameters<
      typeof globalThis.Response.redirect
    >[]) {
      const make = (Response: typeof globalThis.Response) => () => Response.redirect(...args)
      expect(outcome(make(Response))).toEqual(outcome(make(NativeResponse)))
    }
    expect(await send(Response.redirect('http://x/', 303))).toEqual({
      status: 303,
      fields: [['location', 'http://x/']],
      body: null,
    })
  })
})

describe.each(responseClasses)('$kind', ({ Response }) => {
  it('is a Response to whoever asks', () => {
    const response = new Response('x')
    expect(response instanceof globalThis.Response).toBe(true)
    expect(response instanceof NativeResponse).toBe(true)
    expect(response instanceof Request).toBe(false)
    expect(response.constructor).toBe(globalThis.Response)
    expect(Object.prototype.toString.call(response)).toBe('[object Response]')
    expect(Response.name).toBe('Response')
    expect({} instanceof Response).toBe(false)
  })

  it('says what it is when it is logged, and can be sent after that', async () => {
    const response = new Response('x', { status: 404 })
    expect(inspect(response)).toMatch(/^Response \{\n {2}status: 404,/)
    expect((await send(response)).body).toBe('x')
  })

  it('lets itself be enumerated', () => {
    const names: string[] = []
    for (const name in new Response()) names.push(name)
    expect(names).toEqual(expect.arrayContaining(['status', 'headers', 'body', 'text', 'clone', 'ok']))
  })

  it.each(BODIES)('reads and sends %s', async (_name, body, text, type) => {
    const typed = type === null ? [] : [['content-type', type]]
    expect(await new Response(body()).text()).toBe(text ?? '')
    expect(Buffer.from(await new Response(body()).arrayBuffer()).toString()).toBe(text ?? '')
    const bytes = await new Response(body()).bytes()
    expect([bytes.constructor, Buffer.from(bytes).toString()]).toEqual([Uint8Array, text ?? ''])
    const blob = await new Response(body()).blob()
    expect(await blob.text()).toBe(text ?? '')
    expect(blob.type.toLowerCase()).toBe((type ?? '').toLowerCase())
    expect(await streamed(new Response(body()).body)).toBe(text ?? '')
    expect(await new Response(body()).clone().text()).toBe(text ?? '')
    expect(await send(new Response(body()))).toEqual({ status: 200, fields: typed, body: text })
  })

  it('sends a form', async () => {
    const form = new FormData()
    form.append('a', 'b')
    const response = new Response(form)
    expect(response.headers.get('content-type')).toMatch(/^multipart\/form-data; ?boundary=/)
    expect((await response.clone().formData()).get('a')).toBe('b')
    expect((await send(response)).body).toContain('name="a"')
  })

  it('keeps bytes as they were when they were given', async () => {
    for (const bytes of [ENCODER.encode('hello'), Buffer.from('hello')]) {
      const responses = [new Response(bytes), new Response(bytes.buffer as ArrayBuffer)]
      bytes.fill(0)
      expect(await responses[0]!.text()).toBe('hello')
      expect(await responses[1]!.text()).toContain('hello')
    }
  })

  it.each(['text', 'json', 'arrayBuffer', 'bytes', 'blob'] as const)(
    'is used up after %s(): no second reader, no clone, nothing to send',
    async (reader) => {
      for (const body of ['1', ENCODER.encode('1'), streamOf('1'), new Blob(['1'])]) {
        const response = new Response(body)
        expect(response.bodyUsed).toBe(false)
        await response[reader]()
        expect(response.bodyUsed).toBe(true)
        expect(() => toOutgoing(response)).toThrow(/read already/)
        expect(response.body?.locked).toBe(true)
        expect(() => toOutgoing(response)).toThrow(/read already/)
        for (const second of ['text', 'json', 'arrayBuffer', 'bytes', 'blob', 'formData'] as const) {
          const again: Promise<unknown> = response[second]()
          expect(await again.catch((error: Error) => error.name)).toBe('TypeError')
        }
        expect(await thrownBy(() => response.clone())).toBe('TypeError')
        expect(await thrownBy(() => new Response(response.body))).toBe('TypeError')
      }
    },
  )

  it('without a body is never used up', async () => {
    const response = new Response(null)
    expect([await response.text(), await response.text(), response.bodyUsed]).toEqual(['', '', false])
    expect((await send(response)).body).toBeNull()
  })

  it('cannot be sent once part of its body was taken, or while somebody holds it', async () => {
    for (const body of ['hello', streamOf('hel', 'lo')]) {
      const partly = new Response(body)
      const reader = partly.body!.getReader()
      expect(() => toOutgoing(partly)).toThrow(/read already/)
      await reader.read()
      reader.releaseLock()
      expect(partly.bodyUsed).toBe(true)
      expect(() => toOutgoing(partly)).toThrow(/read already/)
    }
  })

  it('can be sent after somebody looked at its body', async () => {
    for (const body of ['hello', streamOf('hel', 'lo')]) {
      const response = new Response(body)
      expect(response.body).toBe(response.body)
      expect((await send(response)).body).toBe('hello')
    }
  })

  it('clones what both can be read and changed apart', async () => {
    for (const body of ['hello', streamOf('hel', 'lo'), new Blob(['hello'])]) {
      const response = new Response(body, {
        status: 201,
        statusText: 'Made',
        headers: [
          ['set-cookie', 'a'],
          ['set-cookie', 'b'],
        ],
      })
      const { headers } = response
      const copy = response.clone()
      copy.headers.set('x-copy', '1')
      headers.set('x-own', '1')
      expect([copy.status, copy.statusText, copy.headers.getSetCookie()]).toEqual([201, 'Made', ['a', 'b']])
      expect([copy.headers.get('x-own'), response.headers.get('x-copy')]).toEqual([null, null])
      expect(await copy.text()).toBe('hello')
      expect(response.bodyUsed).toBe(false)
      const sent = await send(response)
      expect(sent.body).toBe('hello')
      expect(sent.fields).toContainEqual(['x-own', '1'])
    }
  })

  it('sends headers as they were changed after it was made', async () => {
    const response = new Response('x', { headers: { 'x-a': '1', 'x-gone': '1' } })
    const { headers } = response
    headers.append('Set-Cookie', 'a=1')
    headers.append('set-cookie', 'b=2')
    headers.append('x-a', '2')
    headers.delete('x-gone')
    headers.delete('content-type')
    await response.clone().blob()
    headers.set('X-Late', 'é')
    expect(headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(sorted((await send(response)).fields)).toEqual([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['x-a', '1, 2'],
      ['x-late', 'é'],
    ])
  })

  it('gives clones and blobs the headers as they were changed meanwhile', async () => {
    for (const body of ['hello', streamOf('hello')]) {
      const response = new Response(body, { headers: { 'content-type': 'text/x' } })
      const { headers } = response
      expect(response.body).not.toBeNull()
      response.clone()
      headers.delete('content-type')
      headers.set('x-a', '1')
      expect([...response.clone().headers]).toEqual([['x-a', '1']])
      expect((await response.blob()).type).toBe('')
    }
    const untyped = new Response('hello')
    untyped.headers.delete('content-type')
    expect((await untyped.blob()).type).toBe('')
  })

  it('keeps cookies apart however they are given', async () => {
    const pairs: [string, string][] = [
      ['set-cookie', 'a=1; Expires=Wed, 21 Oct 2015 07:28:00 GMT'],
      ['set-cookie', 'b=2'],
    ]
    for (const headers of [pairs, new Headers(pairs)]) {
      expect((await send(new Response(null, { headers }))).fields).toEqual(pairs)
    }
  })

  it('reads its own body as JSON and as a form', async () => {
    expect(await new Response('\ufeff{"a":1}').json()).toEqual({ a: 1 })
    expect(await thrownBy(() => new Response('{').json())).toBe('SyntaxError')
    expect((await new Response(new URLSearchParams({ a: 'b' })).formData()).get('a')).toBe('b')
    expect(await thrownBy(() => new Response('x').formData())).toBe('TypeError')
  })

  it('rejects its reader when its stream gives what are no bytes', async () => {
    const stream = ReadableStream.from(['text']) as unknown as ReadableStream<Uint8Array>
    expect(await thrownBy(() => new Response(stream).text())).toBe('TypeError')
  })

  it('can be made of another one: of its body, its head, or both', async () => {
    const make = () =>
      new Response('hello', {
        status: 201,
        headers: [
          ['x-a', '1'],
          ['set-cookie', 'a'],
          ['set-cookie', 'b'],
        ],
      })
    const first = make()
    const both = new globalThis.Response(first.body, first)
    both.headers.set('x-b', '2')
    const sent = await send(both)
    expect([sent.status, sent.body]).toEqual([201, 'hello'])
    expect(sorted(sent.fields)).toEqual([
      ['content-type', 'text/plain;charset=UTF-8'],
      ['set-cookie', 'a'],
      ['set-cookie', 'b'],
      ['x-a', '1'],
      ['x-b', '2'],
    ])
    expect(await send(new globalThis.Response('other', make()))).toMatchObject({ status: 201, body: 'other' })
    expect(await new globalThis.Response(make().body).text()).toBe('hello')
  })

  it('can be a base class, and a subclass is only its own', async () => {
    class Html extends Response {
      constructor(html: string) {
        super(html, { headers: { 'content-type': 'text/html' } })
      }
    }
    const page = new Html('<p>')
    expect([page instanceof Html, page instanceof globalThis.Response]).toEqual([true, true])
    expect([new Response('x') instanceof Html, new NativeResponse('x') instanceof Html]).toEqual([false, false])
    expect(await send(page)).toEqual({ status: 200, fields: [['content-type', 'text/html']], body: '<p>' })
  })
})

const sorted = (fields: readonly (readonly [string, string])[]): (readonly [string, string])[] =>
  [...fields].sort(([a], [b]) => a.localeCompare(b))

const streamed = async (stream: ReadableStream | null): Promise<string> => (stream === null ? '' : text(stream))

describe('a lazy Response', () => {
  it('knows every member that a native one knows', () => {
    for (const name of Object.keys(Object.getOwnPropertyDescriptors(NativeResponse.prototype))) {
      expect(() => Reflect.get(new Response('x'), name)).not.toThrow()
    }
  })

  it('goes out in one piece when it was made of the body of another', () => {
    const first = new Response('hello')
    expect(toOutgoing(new Response(first.body, first))?.body).toBe('hello')
  })

  it('does not take over the length of a body that it does not send', async () => {
    const first = () => new Response('hello', { headers: { 'content-length': '5' } })
    expect((await send(new Response('longer', first()))).fields).not.toContainEqual(['content-length', '5'])
    const piped = first()
    expect((await send(new Response(piped.body!.pipeThrough(new TransformStream()), piped))).fields).not.toContainEqual(
      ['content-length', '5'],
    )
    const same = first()
    expect((await send(new Response(same.body, same))).fields).toContainEqual(['content-length', '5'])
    expect((await send(new Response(null, first()))).fields).toContainEqual(['content-length', '5'])
    const belied = new Response('x', { headers: { 'content-length': '5' } })
    expect((await send(belied)).fields).not.toContainEqual(['content-length', '5'])
  })
})

describe('what cannot be sent', () => {
  it.each([undefined, null, 5, 'text', {}, [], () => new Response(), { status: 200 }, new Map()])(
    'is %j: no response',
    (value) => {
      expect(toOutgoing(value)).toBeNull()
    },
  )

  it('is Response.error()', () => {
    expect(() => toOutgoing(Response.error())).toThrow(/status 0.*Response\.error\(\)/)
  })

  it('is a header with a character that HTTP forbids, though Headers lets it pass', () => {
    expect(() => toOutgoing(new Response('x', { headers: { 'x-bad': 'a\x01b' } }))).toThrow(/"x-bad"/)
    expect(() => toOutgoing(new Response('x', { headers: new Headers({ 'x-bad': 'a\x7fb' }) }))).toThrow(/"x-bad"/)
    const response = new Response('x')
    response.headers.set('x-bad', '\x01')
    expect(() => toOutgoing(response)).toThrow(/"x-bad"/)
  })

  it('is a line break in the header of a foreign class', () => {
    const foreign = { status: 200, headers: new Map([['x-bad', 'a\ny: z']]), body: null }
    expect(() => toOutgoing(foreign)).toThrow(/"x-bad"/)
  })
})

describe('a response of a foreign class', () => {
  it('is sent when it has the shape of one', async () => {
    const headers = new Map([['X-A', '1']])
    const parts = asyncParts('hel', 'lo')
    expect(await send({ status: 201, headers, body: parts })).toEqual({
      status: 201,
      fields: [['x-a', '1']],
      body: 'hello',
    })
    expect(await send({ status: 201, headers, body: null })).toMatchObject({ body: null })
    expect(() => toOutgoing({ status: 201, headers, body: asyncParts(), bodyUsed: true })).toThrow(/read already/)
    expect(await thrownBy(() => send({ status: 99, headers, body: null }))).toBe('TypeError')
    expect(await thrownBy(() => send({ status: 200, headers, body: {} }))).toBe('TypeError')
  })
})
