import { buffer } from 'node:stream/consumers'
import { brotliCompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toOutgoing } from '../../../../warmpool/runtimes/node/web/response.ts'
import { type Origin, startOrigin } from './origin-server.ts'
import { send } from './twins.ts'

const TEXT = 'hello '.repeat(100)

let origin: Origin
beforeAll(async () => {
  origin = await startOrigin((request, response) => {
    const path = request.url!
    const codings: Record<string, [string, Buffer]> = {
      '/gzip': ['gzip', gzipSync(TEXT)],
      '/br': ['BR', brotliCompressSync(TEXT)],
      '/both': ['gzip, br', brotliCompressSync(gzipSync(TEXT))],
      '/unknown': ['x-own', Buffer.from(TEXT)],
    }
    const [coding, body] = codings[path] ?? [null, Buffer.from(TEXT)]
    if (coding !== null) response.setHeader('content-encoding', coding)
    if (path === '/304') return response.writeHead(304, { 'content-encoding': 'gzip' }).end()
    response.setHeader('content-length', body.length)
    response.setHeader('set-cookie', ['a=1', 'b=2'])
    response.setHeader('x-a', '1')
    response.end(body)
  })
})
afterAll(() => origin.close())

const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`${origin.url}${path}`, init)

describe.each(['/gzip', '/br', '/both'])('a response that came decoded (%s)', (path) => {
  const ways: [string, (response: Response) => Response | Promise<Response>][] = [
    ['as it is', (response) => response],
    ['as a clone', (response) => response.clone()],
    ['after it was cloned', (response) => [response, response.clone()][0]!],
    ['as new Response(response.body, response)', (response) => new Response(response.body, response)],
    ['as a copy of a clone', (response) => new Response(response.clone().body, response)],
    ['as body and headers', ({ body, headers }) => new Response(body, { headers })],
    ['with headers copied', (response) => new Response(response.body, { headers: new Headers(response.headers) })],
    [
      'with headers in an object',
      (response) => new Response(response.body, { headers: Object.fromEntries(response.headers) }),
    ],
    ['piped', (response) => new Response(response.body!.pipeThrough(new TransformStream()), response)],
    ['as a text', async (response) => new Response(await response.text(), response)],
    [
      'as a text with its headers',
      async (response) => new Response(await response.text(), { headers: response.headers }),
    ],
    ['as a blob', async (response) => new Response(await response.blob(), response)],
    [
      'copied twice',
      (response) => {
        const copy = new Response(response.body, response)
        return new Response(copy.body, copy)
      },
    ],
  ]

  it.each(ways)('goes on %s without the headers of its encoded form', async (_name, handOn) => {
    const sent = await send(await handOn(await get(path)))
    const names = sent.fields.map(([name]) => name)
    expect(sent.body).toBe(TEXT)
    expect(names).toContain('x-a')
    expect(names).not.toContain('content-encoding')
    expect(names).not.toContain('content-length')
  })

  it('still shows those headers to the function', async () => {
    const response = await get(path)
    expect(response.headers.get('content-encoding')?.toLowerCase()).toBe(path === '/both' ? 'gzip, br' : path.slice(1))
    await response.body?.cancel()
  })
})

describe('a fetched response', () => {
  it('keeps its cookies apart', async () => {
    const cookies = [
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ]
    for (const response of [await get('/plain'), await get('/gzip')]) {
      expect((await send(response)).fields).toEqual(expect.arrayContaining(cookies))
    }
    const response = await get('/plain')
    expect((await send(new Response(response.body, response))).fields).toEqual(expect.arrayContaining(cookies))
  })

  it('keeps its length where the body is as the origin sent it', async () => {
    const length = ['content-length', String(TEXT.length)]
    expect((await send(await get('/plain'))).fields).toContainEqual(length)
    const response = await get('/plain')
    expect((await send(new Response(response.body, response))).fields).toContainEqual(length)
  })

  it('keeps a coding that fetch does not know', async () => {
    const sent = await send(await get('/unknown'))
    expect(sent.fields).toEqual(
      expect.arrayContaining([
        ['content-encoding', 'x-own'],
        ['content-length', String(TEXT.length)],
      ]),
    )
    expect(sent.body).toBe(TEXT)
  })

  it('keeps what it says of a body that was not sent', async () => {
    expect((await send(await get('/gzip', { method: 'HEAD' }))).fields).toContainEqual(['content-encoding', 'gzip'])
    expect((await send(await get('/304'))).fields).toContainEqual(['content-encoding', 'gzip'])
  })

  it('may be encoded again by the function', async () => {
    const response = await get('/gzip')
    const again = new Response(response.body!.pipeThrough(new CompressionStream('gzip')), response)
    again.headers.set('content-encoding', 'gzip')
    const outgoing = toOutgoing(again)!
    expect(outgoing.head).toContain('content-encoding\ngzip')
    expect(gunzipSync(await buffer(outgoing.body as ReadableStream)).toString()).toBe(TEXT)
  })
})

describe('a response that the function encoded itself', () => {
  it('keeps its headers', async () => {
    const headers = { 'content-encoding': 'gzip', 'content-length': String(gzipSync(TEXT).length) }
    for (const body of [gzipSync(TEXT), new Blob([gzipSync(TEXT)])]) {
      expect((await send(new Response(body, { headers }))).fields).toEqual(
        expect.arrayContaining(Object.entries(headers)),
      )
    }
  })
})
