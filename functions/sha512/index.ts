// SHA-512, the task that the pool's measurements are made with: of the posted bytes, or of 1 MiB of random bytes for
// GET. The body is hashed as it arrives, so a file of any length needs the memory of one chunk. The answer is JSON, or
// the digest alone for `Accept: text/plain` or `?format=text`.

import { createHash, randomBytes } from 'node:crypto'

const RANDOM_BYTES = 1024 * 1024

export default {
  async fetch(request: Request): Promise<Response> {
    switch (request.method) {
      case 'GET':
      case 'HEAD':
        return answer(request, await digest([randomBytes(RANDOM_BYTES)]))
      case 'POST':
      case 'PUT':
        // A request without a body has the body `null`, and the digest of nothing is a digest too.
        return answer(request, await digest(request.body ?? []))
      default:
        return new Response('Post bytes, or GET the digest of 1 MiB of random ones.\n', {
          status: 405,
          headers: { allow: 'GET, HEAD, POST, PUT' },
        })
    }
  },
}

interface Digest {
  bytes: number
  hex: string
}

async function digest(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Digest> {
  const hash = createHash('sha512')
  let bytes = 0
  for await (const chunk of chunks) {
    hash.update(chunk)
    bytes += chunk.byteLength
  }
  return { bytes, hex: hash.digest('hex') }
}

function answer(request: Request, { bytes, hex }: Digest): Response {
  // One URL, two representations: `vary` tells caches that they differ by this header.
  const headers = { vary: 'accept', 'cache-control': 'no-store' }
  return wantsText(request) ? new Response(`${hex}\n`, { headers }) : Response.json({ bytes, sha512: hex }, { headers })
}

function wantsText(request: Request): boolean {
  const format = new URL(request.url).searchParams.get('format')
  if (format) return format === 'text'
  return (request.headers.get('accept') ?? '').includes('text/plain')
}
