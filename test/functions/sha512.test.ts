import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import sha512 from '../../functions/sha512/index.ts'

const EMPTY_DIGEST = createHash('sha512').digest('hex')
const ABC_DIGEST = createHash('sha512').update('abc').digest('hex')

function post(body: RequestInit['body'], init: RequestInit = {}, query = ''): Promise<Response> {
  return sha512.fetch(new Request(`http://localhost/${query}`, { method: 'POST', body, duplex: 'half', ...init }))
}

test('answers the digest of the posted bytes as JSON', async () => {
  const response = await post('abc')
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  expect(await response.json()).toEqual({ bytes: 3, sha512: ABC_DIGEST })
})

test('answers the digest alone when text is asked for, by header or by query', async () => {
  const byHeader = await post('abc', { headers: { accept: 'text/plain' } })
  expect(await byHeader.text()).toBe(`${ABC_DIGEST}\n`)
  expect(await (await post('abc', {}, '?format=text')).text()).toBe(`${ABC_DIGEST}\n`)
})

test('lets the query win over the accept header', async () => {
  const response = await post('abc', { headers: { accept: 'text/plain' } }, '?format=json')
  expect(await response.json()).toEqual({ bytes: 3, sha512: ABC_DIGEST })
})

test('digests a body that arrives in pieces', async () => {
  const piece = new Uint8Array(64 * 1024).fill(7)
  const pieces = 256
  let sent = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(piece)
      sent += 1
      if (sent === pieces) controller.close()
    },
  })
  const expected = createHash('sha512')
  for (let i = 0; i < pieces; i += 1) expected.update(piece)
  const response = await post(body)
  expect(await response.json()).toEqual({ bytes: pieces * piece.length, sha512: expected.digest('hex') })
})

test('digests nothing when the body is empty or absent', async () => {
  expect(await (await post(null)).json()).toEqual({ bytes: 0, sha512: EMPTY_DIGEST })
  expect(await (await post('')).json()).toEqual({ bytes: 0, sha512: EMPTY_DIGEST })
})

test('digests one MiB of fresh random bytes for GET', async () => {
  const get = async () => (await sha512.fetch(new Request('http://localhost/'))).json()
  const first = await get()
  expect(first).toEqual({ bytes: 1024 * 1024, sha512: expect.stringMatching(/^[0-9a-f]{128}$/) })
  expect(await get()).not.toEqual(first)
})

test('refuses other methods and says which are allowed', async () => {
  const response = await sha512.fetch(new Request('http://localhost/', { method: 'DELETE' }))
  expect(response.status).toBe(405)
  expect(response.headers.get('allow')).toBe('GET, HEAD, POST, PUT')
})

test('fails when the body fails, instead of answering the digest of a part', async () => {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new Uint8Array(3))
      controller.error(new Error('the sender left'))
    },
  })
  await expect(post(body)).rejects.toThrow()
})
