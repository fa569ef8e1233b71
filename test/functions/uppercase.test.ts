import { setImmediate as turnOfTheEventLoop } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { GET, POST } from '../../functions/uppercase/index.ts'

function post(body: RequestInit['body']): Response {
  return POST(new Request('http://localhost/', { method: 'POST', body, duplex: 'half' }))
}

const encode = (text: string) => new TextEncoder().encode(text)

describe('the text', () => {
  test('comes back in upper case, letters of ASCII only', async () => {
    expect(await post('az AZ `{ @[ 09 é ß 日 🎈').text()).toBe('AZ AZ `{ @[ 09 é ß 日 🎈')
  })

  test('is whole when a character is cut in two by the chunks', async () => {
    const bytes = encode('aé🎈z')
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
        controller.close()
      },
    })
    expect(await post(body).text()).toBe('Aé🎈Z')
  })

  test('may be empty or absent', async () => {
    expect(await post('').text()).toBe('')
    expect(await post(null).text()).toBe('')
  })

  test('is never answered under a type that a browser would run', () => {
    const request = new Request('http://localhost/', {
      method: 'POST',
      body: '<script>',
      headers: { 'content-type': 'text/html' },
    })
    const { headers } = POST(request)
    expect(headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })
})

describe('the stream', () => {
  test('answers with the first bytes while the last have not been sent', async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const writer = writable.getWriter()
    const reader = post(readable).body!.getReader()
    const decoder = new TextDecoder()
    for (const word of ['first', 'second', 'third']) {
      const written = writer.write(encode(word))
      expect(decoder.decode((await reader.read()).value)).toBe(word.toUpperCase())
      await written
    }
    await writer.close()
    expect((await reader.read()).done).toBe(true)
  })

  test('takes no more than a few chunks from the sender while nobody reads', async () => {
    const chunks = 100
    let taken = 0
    const sender = new ReadableStream<Uint8Array>({
      pull(controller) {
        taken += 1
        controller.enqueue(new Uint8Array(1024))
        if (taken === chunks) controller.close()
      },
    })
    const response = post(sender)
    // Streams move on in microtasks: once the event loop turns, they have moved as far as they will.
    await turnOfTheEventLoop()
    expect(taken).toBeLessThan(8)
    expect((await response.bytes()).length).toBe(chunks * 1024)
  })

  test('leaves the sender’s bytes as they were', async () => {
    const sent = encode('abc')
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(sent)
        controller.close()
      },
    })
    expect(await post(body).text()).toBe('ABC')
    expect(sent).toEqual(encode('abc'))
  })

  test('stops the sender when the reader leaves', async () => {
    const reason = new Error('enough')
    const { promise: stopped, resolve } = Promise.withResolvers<unknown>()
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(1024))
      },
      cancel: resolve,
    })
    const reader = post(endless).body!.getReader()
    await reader.read()
    await reader.cancel(reason)
    expect(await stopped).toBe(reason)
  })

  test('fails when the sender fails, so that a part is not taken for the whole', async () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.error(new Error('the sender left'))
      },
    })
    await expect(post(body).text()).rejects.toThrow()
  })
})

test('GET says how to use it', async () => {
  expect(await GET().text()).toMatch(/^POST text/)
})
