import { readFile } from 'node:fs/promises'
import { crc32, deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { GET, POST } from '../../functions/thumbnail/index.ts'

const picture = await readFile(new URL('./picture.png', import.meta.url))

function post(body: RequestInit['body'], query = ''): Promise<Response> {
  return POST(new Request(`http://localhost/${query}`, { method: 'POST', body, duplex: 'half' }))
}

async function pictureIn(response: Response) {
  expect(response.status, response.ok ? undefined : await response.clone().text()).toBe(200)
  const bytes = Buffer.from(await response.arrayBuffer())
  expect(response.headers.get('content-length')).toBe(String(bytes.length))
  const { format, width, height } = await sharp(bytes).metadata()
  return { format, width, height }
}

/** A PNG of one colour whose header claims any size; a few hundred bytes that would decode to gigabytes. */
function pngClaiming(width: number, height: number): Buffer<ArrayBuffer> {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.alloc(1024))),
    pngChunk('IEND', Buffer.alloc(0)),
  ])
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, checksum])
}

describe('a good picture', () => {
  test('becomes a WebP 320 pixels wide with its proportions kept', async () => {
    const response = await post(picture)
    expect(response.headers.get('content-type')).toBe('image/webp')
    expect(await pictureIn(response)).toEqual({ format: 'webp', width: 320, height: 200 })
  })

  test.each(['jpeg', 'png', 'webp'] as const)('is read and written as %s', async (format) => {
    const input = new Uint8Array(await sharp(picture).toFormat(format).toBuffer())
    const response = await post(input, `?width=64&format=${format}`)
    expect(response.headers.get('content-type')).toBe(`image/${format}`)
    expect(await pictureIn(response)).toEqual({ format, width: 64, height: 40 })
  })

  test('is never made larger', async () => {
    expect(await pictureIn(await post(picture, '?width=2048'))).toEqual({ format: 'webp', width: 640, height: 400 })
  })

  test('is turned the way its camera noted', async () => {
    const sideways = await sharp(picture).jpeg().withMetadata({ orientation: 6 }).toBuffer()
    const response = await post(new Uint8Array(sideways), '?width=40')
    expect(await pictureIn(response)).toEqual({ format: 'webp', width: 40, height: 64 })
  })

  test('may be a strip taller than WebP allows', async () => {
    const strip = await sharp({ create: { width: 4, height: 40_000, channels: 3, background: 'red' } })
      .png()
      .toBuffer()
    expect(await pictureIn(await post(new Uint8Array(strip)))).toEqual({ format: 'webp', width: 2, height: 16_383 })
  })

  test('gets a white ground where it was transparent and becomes a JPEG', async () => {
    const clear = await sharp({ create: { width: 8, height: 8, channels: 4, background: '#00000000' } })
      .png()
      .toBuffer()
    const response = await post(new Uint8Array(clear), '?format=jpeg')
    const { channels } = await sharp(await response.arrayBuffer()).stats()
    expect(channels.map(({ min }) => min)).toEqual([255, 255, 255])
  })
})

describe('a body that is no good picture', () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>'
  const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==', 'base64')

  test.each([
    ['text', 'not a picture'],
    ['an SVG', svg],
    ['a GIF', gif],
  ])('is refused with 415: %s', async (_what, body) => {
    const response = await post(body)
    expect(response.status).toBe(415)
    expect(await response.text()).toBe('No JPEG, PNG or WebP picture was recognised in the body.\n')
  })

  test.each([
    ['absent', null],
    ['empty', ''],
  ])('is refused with 400 when it is %s', async (_what, body) => {
    const response = await post(body)
    expect(response.status).toBe(400)
    expect(await response.text()).toBe('Post the bytes of a picture as the body.\n')
  })

  test('is refused with 400 when it is cut off', async () => {
    const response = await post(picture.subarray(0, picture.length / 2))
    expect(response.status).toBe(400)
    expect(await response.text()).toBe('The png picture is damaged or incomplete.\n')
  })

  test('is refused with 413 by the pixels that its header claims', async () => {
    const response = await post(pngClaiming(30_000, 30_000))
    expect(response.status).toBe(413)
    expect(await response.text()).toBe('The picture has 30000 x 30000 pixels; 50000000 are allowed.\n')
  })

  test('is refused with 413 when it is too long, without being read to its end', async () => {
    let sent = 0
    let cancelled = false
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1
        controller.enqueue(new Uint8Array(1024 * 1024))
      },
      cancel() {
        cancelled = true
      },
    })
    const response = await post(endless)
    expect(response.status).toBe(413)
    expect(await response.text()).toBe('The picture is larger than 20 MiB.\n')
    expect(cancelled).toBe(true)
    expect(sent).toBeLessThan(24)
  })
})

describe('the query', () => {
  test.each(['0', '-1', '1.5', '2049', 'wide', '', '1e3'])('refuses the width %j', async (width) => {
    const response = await post(picture, `?width=${width}`)
    expect(response.status).toBe(400)
    expect(await response.text()).toBe('"width" is a whole number from 1 to 2048.\n')
  })

  test.each(['gif', 'svg', '', 'JPEG', 'toString'])('refuses the format %j', async (format) => {
    const response = await post(picture, `?format=${format}`)
    expect(response.status).toBe(400)
    expect(await response.text()).toBe('"format" is one of webp, jpeg, png.\n')
  })
})

test('GET says what to post', async () => {
  expect(await GET().text()).toBe('POST a JPEG, PNG or WebP of up to 20 MiB; ?width=1..2048, ?format=webp|jpeg|png.\n')
})
