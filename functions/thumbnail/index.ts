// A thumbnail of a posted JPEG, PNG or WebP: `?width=` pixels wide (320), as `?format=` webp (default), jpeg or png.
// sharp is a native library, used as any package is. Pictures come from strangers: bytes and pixels are bounded before
// anything is decoded, and only three decoders are reachable.

import sharp from 'sharp'

const MAX_BYTES = 20 * 1024 * 1024
const MAX_PIXELS = 50_000_000
const DEFAULT_WIDTH = 320
const MAX_WIDTH = 2048
// A narrow strip made `width` wide could be taller than any format allows; this is the tallest WebP.
const MAX_HEIGHT = 16_383

// libvips also reads SVG, TIFF and more, and decoders are where attacks on such services begin: close all, open three.
sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({
  operation: ['VipsForeignLoadJpegBuffer', 'VipsForeignLoadPngBuffer', 'VipsForeignLoadWebpBuffer'],
})
// The pool runs workers side by side, so one needs no threads of its own; and no two calls share a picture to cache.
sharp.concurrency(1)
sharp.cache(false)

type Format = 'webp' | 'jpeg' | 'png'
const FORMATS: readonly string[] = ['webp', 'jpeg', 'png'] satisfies Format[]

interface Wanted {
  width: number
  format: Format
}

export function GET(): Response {
  return new Response(
    `POST a JPEG, PNG or WebP of up to ${MAX_BYTES / 1024 / 1024} MiB; ?width=1..${MAX_WIDTH}, ?format=${FORMATS.join('|')}.\n`,
  )
}

export async function POST(request: Request): Promise<Response> {
  const wanted = wantedFrom(new URL(request.url).searchParams)
  if (typeof wanted === 'string') return problem(400, wanted)

  const picture = await readUpTo(request, MAX_BYTES)
  if (!picture) return problem(413, `The picture is larger than ${MAX_BYTES / 1024 / 1024} MiB.`)
  if (picture.byteLength === 0) return problem(400, 'Post the bytes of a picture as the body.')

  // The header alone: what it says decides whether the pixels are decoded at all.
  const header = await sharp(picture, { limitInputPixels: false })
    .metadata()
    .catch(() => undefined)
  if (!header) return problem(415, 'No JPEG, PNG or WebP picture was recognised in the body.')
  if (header.width * header.height > MAX_PIXELS) {
    return problem(413, `The picture has ${header.width} x ${header.height} pixels; ${MAX_PIXELS} are allowed.`)
  }

  try {
    const thumbnail = await shrink(picture, wanted)
    return new Response(thumbnail, {
      headers: { 'content-type': `image/${wanted.format}`, 'content-length': String(thumbnail.byteLength) },
    })
  } catch {
    return problem(400, `The ${header.format} picture is damaged or incomplete.`)
  }
}

/** What the query asks for, or a sentence that says what is wrong with it. */
function wantedFrom(query: URLSearchParams): Wanted | string {
  const width = query.get('width') ?? String(DEFAULT_WIDTH)
  if (!/^\d{1,4}$/.test(width) || Number(width) < 1 || Number(width) > MAX_WIDTH) {
    return `"width" is a whole number from 1 to ${MAX_WIDTH}.`
  }
  const format = query.get('format') ?? 'webp'
  if (!isFormat(format)) return `"format" is one of ${FORMATS.join(', ')}.`
  return { width: Number(width), format }
}

function isFormat(text: string): text is Format {
  return FORMATS.includes(text)
}

async function shrink(picture: Uint8Array, { width, format }: Wanted): Promise<Uint8Array<ArrayBuffer>> {
  let pipeline = sharp(picture, { limitInputPixels: MAX_PIXELS })
    // Cameras note "this side up" beside the pixels, and the thumbnail carries no such notes.
    .autoOrient()
    .resize({ width, height: MAX_HEIGHT, fit: 'inside', withoutEnlargement: true })
  // JPEG knows no transparency, and what was transparent would come out black.
  if (format === 'jpeg') pipeline = pipeline.flatten({ background: 'white' })
  // A copy: sharp may hand out memory that a Response's type does not allow.
  return new Uint8Array(await pipeline.toFormat(format).toBuffer())
}

/** The body's bytes, or undefined as soon as it is longer than `maxBytes`: the rest is never read. */
async function readUpTo(request: Request, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function problem(status: number, detail: string): Response {
  return new Response(`${detail}\n`, { status })
}
